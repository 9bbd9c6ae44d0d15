import { describe, expect, test } from 'vitest'
import { PG_DIRTY, PG_EXCLUSIVE } from '../state/frames.ts'
import { PTE_DIRTY } from '../state/tables.ts'
import { range, Scene } from '../test/scene.ts'
import { MADV_NOHUGEPAGE, OP_FOLIO_SPLIT, PIN_VMSPLICE, PROT_READ } from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'
import { PAGE_HUGE, PAGE_SMALL, PAGE_ZERO } from './observe.ts'

/** A process with one huge page, each of whose 512 pages it stored to. */
function huge(policy = 'anon-exclusive'): Scene {
  const s = new Scene(policy)
  s.owner(512, { order: 9 })
  return s
}

describe('a huge mapping', () => {
  test('becomes 512 entries of the same folio', () => {
    const s = huge()
    const head = s.pfn(0, 0)
    s.mprotect(0, 0, 1, PROT_READ)
    expect(s.m.counts.pmdSplits).toBe(1)
    expect(range(0, 512).map((vpn) => s.pfn(0, vpn))).toEqual(range(head, 512))
    expect([s.m.frames.entire[head], s.m.frames.largeMapcount[head]]).toEqual([0, 512])
    expect([s.kind(0, 0), s.m.frames.pages(head)]).toEqual([PAGE_HUGE, 512])
  })

  test('hands its exclusivity to every page', () => {
    const s = huge()
    s.mprotect(0, 0, 1, PROT_READ)
    expect(range(0, 512).every((vpn) => s.has(0, vpn, PG_EXCLUSIVE))).toBe(true)
  })

  test('that is shared makes no page exclusive', () => {
    const s = huge()
    s.fork(0)
    s.mprotect(0, 0, 1, PROT_READ)
    expect(range(0, 512).some((vpn) => s.has(0, vpn, PG_EXCLUSIVE))).toBe(false)
  })

  test('leaves the dirty bit on the page until 6.1, and in the entries later', () => {
    const dirtyEntry = (s: Scene) => (s.m.tables.ptes[s.mm(0).pteIndex(3)] as number) & PTE_DIRTY
    const [before, later] = [huge('anon-exclusive'), huge('order0-copy')]
    for (const s of [before, later]) s.mprotect(0, 0, 1, PROT_READ)
    expect([dirtyEntry(before) !== 0, dirtyEntry(later) !== 0]).toEqual([false, true])
    expect(before.has(0, 0, PG_DIRTY)).toBe(true)
  })

  test('is split where an area comes to end inside it', () => {
    const s = huge()
    s.madvise(0, 100, 50, MADV_NOHUGEPAGE)
    expect(s.m.counts.pmdSplits).toBe(1)
    expect(s.mm(0).vmas).toHaveLength(3)
  })

  test('of zeroes becomes 512 entries of the zero page', () => {
    const s = new Scene('anon-exclusive')
    s.map(s.spawn(), 512, { order: 9 })
    s.load(0, 0)
    s.store(0, 5)
    // 6.1 splits the mapping and fills the one page.
    expect([s.kind(0, 4), s.kind(0, 5)]).toEqual([PAGE_ZERO, PAGE_SMALL])
    expect(s.m.frames.used).toBe(1)
  })
})

describe('a large folio', () => {
  const split = (s: Scene, vpn: number): number => s.do(OP_FOLIO_SPLIT, 0, vpn)

  test('is split into pages that each process goes on mapping', () => {
    const s = huge()
    const child = s.fork(0)
    const head = s.pfn(0, 0)
    expect(split(s, 9)).toBe(OK)
    expect([s.kind(0, 9), s.pfn(child, 9)]).toEqual([PAGE_SMALL, head + 9])
    expect(s.pageCount(0, 9)).toBe(2)
    // Both huge mappings had to go first.
    expect(s.m.counts.pmdSplits).toBe(2)
  })

  test('is not split under a reference', () => {
    const s = huge()
    const pipe = s.pin(0, 300, 1, PIN_VMSPLICE)
    expect(split(s, 9)).toBe(FAILED)
    expect(s.m.counts.pmdSplits).toBe(0)
    s.unpin(0, pipe)
    expect(split(s, 9)).toBe(OK)
  })

  test('is nothing that an order-0 page is part of', () => {
    const s = new Scene('anon-exclusive')
    s.owner(1)
    expect(split(s, 0)).toBe(FAILED)
  })

  test('loses its pages of zeroes to the zero page from 6.12 on', () => {
    const kinds = (policy: string): number[] => {
      const s = new Scene(policy)
      s.map(s.spawn(), 4, { order: 2 })
      s.store(0, 1)
      split(s, 1)
      return range(0, 4).map((vpn) => s.kind(0, vpn))
    }
    expect(kinds('anon-exclusive')).toEqual([PAGE_SMALL, PAGE_SMALL, PAGE_SMALL, PAGE_SMALL])
    expect(kinds('order0-copy')).toEqual([PAGE_ZERO, PAGE_SMALL, PAGE_ZERO, PAGE_ZERO])
  })
})
