import { describe, expect, test } from 'vitest'
import { PG_EXCLUSIVE } from '../state/frames.ts'
import { RW, range, Scene, type SceneOptions } from '../test/scene.ts'
import {
  MADV_COLLAPSE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  PIN_ODIRECT,
  PIN_VMSPLICE,
  PROT_READ,
} from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'
import type { EraName } from './era.ts'
import { PAGE_HUGE, PAGE_SMALL, PAGE_SWAP } from './observe.ts'

const collapse = (s: Scene, mm = 0): number => s.madvise(mm, 0, 512, MADV_COLLAPSE)

/** A huge page that an mprotect of its first page has mapped by page-table entries. */
function pteMapped(policy = 'mm-id', options: SceneOptions = {}): Scene {
  const s = new Scene(policy, options)
  s.owner(512, { order: 9 })
  s.mprotect(0, 0, 1, PROT_READ)
  s.mprotect(0, 0, 1, RW)
  return s
}

describe('MADV_COLLAPSE', () => {
  test('gives the process a huge folio of its own, with the same bytes', () => {
    const s = pteMapped()
    const old = s.pfn(0, 0)
    expect(collapse(s)).toBe(OK)
    expect(s.kind(0, 0)).toBe(PAGE_HUGE)
    expect(s.pfn(0, 0)).not.toBe(old)
    expect(s.has(0, 0, PG_EXCLUSIVE)).toBe(true)
    expect([s.load(0, 0), s.load(0, 511)]).toEqual([0, 0])
    expect(s.faults(() => s.store(0, 17))).toBe(0)
    // A copy all the same, but nobody's decision.
    expect(s.counts).toMatchObject({ copies: 0, reuses: 0 })
  })

  test('leaves the old folio to a child, which still reads the old bytes', () => {
    const s = pteMapped()
    const child = s.fork(0)
    const old = s.pfn(child, 5)
    expect(collapse(s)).toBe(OK)
    s.store(0, 5)
    expect(s.pfn(child, 5)).toBe(old)
    expect(s.load(child, 5)).toBe(0)
    expect(s.m.frames.used).toBe(1024)
  })

  test('does not wait for a disk since 6.6, which reads the first page that it is asked for', () => {
    const answers = (era: EraName, attempts: number): number[][] => {
      const s = pteMapped('mm-id', { era, swapDisk: true })
      s.swapout(0, 3, 2)
      return range(0, attempts).map(() => [collapse(s), s.kind(0, 3), s.kind(0, 4)])
    }
    expect(answers('6.1', 1)).toEqual([[OK, PAGE_HUGE, PAGE_HUGE]])
    for (const era of ['6.12', '6.18'] as const) {
      expect([era, answers(era, 3)]).toEqual([
        era,
        [
          [FAILED, PAGE_SWAP, PAGE_SWAP],
          [FAILED, PAGE_SMALL, PAGE_SWAP],
          [OK, PAGE_HUGE, PAGE_HUGE],
        ],
      ])
    }
  })

  test('wants one writable entry from 6.1 to 6.12', () => {
    for (const [era, answer] of [
      ['6.1', FAILED],
      ['6.12', FAILED],
      ['6.18', OK],
    ] as const) {
      const s = pteMapped('mm-id', { era })
      s.fork(0)
      expect([era, collapse(s)]).toEqual([era, answer])
      s.store(0, 9)
      expect(collapse(s)).toBe(OK)
    }
  })

  test('did not exist before 6.1', () => {
    expect(collapse(pteMapped('anon-exclusive', { era: '5.8' }))).toBe(FAILED)
  })

  test('is refused while a reference holds a page', () => {
    const s = pteMapped()
    const pipe = s.pin(0, 33, 1, PIN_VMSPLICE)
    expect(collapse(s)).toBe(FAILED)
    s.unpin(0, pipe)
    expect(collapse(s)).toBe(OK)
  })

  test('is refused while a device holds a page that comes back from swap', () => {
    // Direct I/O took FOLL_GET until 6.4: reclaim unmaps the page, which stays in the swapcache.
    const s = new Scene('anon-exclusive', { era: '6.1' })
    s.map(s.spawn(), 512, { order: 9 })
    s.madvise(0, 0, 512, MADV_NOHUGEPAGE)
    s.store(0, 3)
    const io = s.pin(0, 4, 1, PIN_ODIRECT)
    s.madvise(0, 0, 512, MADV_HUGEPAGE)
    s.swapout(0, 4, 1)
    expect(s.kind(0, 4)).toBe(PAGE_SWAP)
    expect(collapse(s)).toBe(FAILED)
    s.unpin(0, io)
    expect(collapse(s)).toBe(OK)
  })

  test('is refused where userfaultfd protects a page, or the area wants no huge pages', () => {
    const protectedPage = pteMapped()
    protectedPage.uffdWp(0, 3, 1, true)
    expect(collapse(protectedPage)).toBe(FAILED)
    const unwanted = pteMapped()
    unwanted.madvise(0, 0, 512, MADV_NOHUGEPAGE)
    expect(collapse(unwanted)).toBe(FAILED)
  })

  test('is content with what is huge already', () => {
    const s = new Scene('mm-id')
    s.owner(512, { order: 9 })
    const head = s.pfn(0, 0)
    expect(collapse(s)).toBe(OK)
    expect(s.pfn(0, 0)).toBe(head)
  })

  test('brings swapped pages back first, and counts them as faults', () => {
    const s = pteMapped()
    s.swapout(0, 4, 2)
    expect(s.faults(() => collapse(s))).toBe(2)
    expect(s.kind(0, 4)).toBe(PAGE_HUGE)
    expect(s.load(0, 4)).toBe(0)
    expect(s.m.k.swap.used).toBe(0)
  })

  test('fills holes with zeroes', () => {
    const s = new Scene('mm-id')
    s.map(s.spawn(), 512, { order: 9 })
    s.madvise(0, 0, 512, MADV_NOHUGEPAGE)
    s.store(0, 7)
    s.madvise(0, 0, 512, MADV_HUGEPAGE)
    expect(collapse(s)).toBe(OK)
    expect([s.load(0, 7), s.load(0, 8)]).toEqual([0, 0])
    expect(s.m.frames.used).toBe(512)
  })
})
