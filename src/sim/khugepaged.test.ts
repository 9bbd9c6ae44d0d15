/** khugepaged.test: what no litmus test sees of a collapse: entries looked at in vain, time, and what becomes of frames. */
import { describe, expect, test } from 'vitest'
import { range, Scene, type SceneOptions } from '../test/scene.ts'
import {
  MADV_COLLAPSE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_SHARED,
  OP_KHUGEPAGED,
  OP_SET,
  PIN_VMSPLICE,
} from '../trace/ops.ts'
import {
  CHECK_VMA,
  SET_MAX_PTES_NONE,
  SET_MAX_PTES_SHARED,
  SET_MAX_PTES_SWAP,
  SET_UFFD_WP_CHECK,
} from '../trace/settings.ts'
import { FAILED, OK } from './answers.ts'
import { PAGE_HUGE, PAGE_SMALL } from './observe.ts'

/** A process whose 512 private pages are small and may be huge. */
function small(pages = 512, options: SceneOptions = {}): Scene {
  const s = new Scene('mm-id', options)
  s.map(s.spawn(), 512, { order: 9 })
  s.madvise(0, 0, 512, MADV_NOHUGEPAGE)
  s.store(0, ...range(0, pages))
  s.madvise(0, 0, 512, MADV_HUGEPAGE)
  return s
}

const scan = (s: Scene, pages = 512): number => s.do(OP_KHUGEPAGED, 0, 0, pages)

describe('entries looked at in vain', () => {
  test('end with the one that is in the way', () => {
    const s = small()
    s.uffdWp(0, 99, 1, true)
    expect(scan(s)).toBe(FAILED)
    expect(s.m.counts.vainPteScans).toBe(100)
    // By the area's flag nobody looks.
    s.do(OP_SET, 0, SET_UFFD_WP_CHECK, CHECK_VMA)
    expect(scan(s)).toBe(FAILED)
    expect([s.m.counts.vainPteScans, s.m.counts.collapses]).toEqual([100, 0])
  })

  test('end with the first hole above the limit, and count none where the collapse takes place', () => {
    const s = small(500)
    s.do(OP_SET, 0, SET_MAX_PTES_NONE, 4)
    expect(scan(s)).toBe(FAILED)
    expect(s.m.counts.vainPteScans).toBe(505)
    s.do(OP_SET, 0, SET_MAX_PTES_NONE, 12)
    expect(scan(s)).toBe(OK)
    expect([s.m.counts.vainPteScans, s.m.counts.collapses]).toEqual([505, 1])
  })
})

test("khugepaged takes nobody's time, and no faults", () => {
  const s = small()
  s.swapout(0, 0, 8)
  const { faultNs } = s.m.counts
  expect(s.faults(() => scan(s))).toBe(0)
  expect(s.kind(0, 0)).toBe(PAGE_HUGE)
  expect([s.m.counts.faultNs, s.m.spent]).toEqual([faultNs, 0])
  // MADV_COLLAPSE is the process's own.
  const own = small()
  own.swapout(0, 0, 8)
  expect(own.faults(() => own.madvise(0, 0, 512, MADV_COLLAPSE))).toBe(8)
})

test('a disk is not waited for: since 6.6 a scan ends with the page that it has read', () => {
  for (const [era, vain] of [
    ['6.1', 0],
    ['6.12', 8],
  ] as const) {
    const s = small(512, { era, swapDisk: true })
    s.swapout(0, 0, 8)
    for (let i = 0; i < vain; i++) expect([era, scan(s)]).toEqual([era, FAILED])
    expect([era, scan(s)]).toEqual([era, OK])
  }
})

test('pages that turn out to be shared when they come back from swap count to their limit', () => {
  const s = small(500)
  const child = s.fork(0)
  s.unmap(child, 8, 504)
  s.swapout(0, 0, 8)
  for (const vpn of range(0, 8)) s.load(child, vpn)
  s.do(OP_SET, 0, SET_MAX_PTES_SHARED, 7)
  expect(scan(s)).toBe(FAILED)
  s.do(OP_SET, 0, SET_MAX_PTES_SHARED, 8)
  expect(scan(s)).toBe(OK)
})

test('MADV_COLLAPSE is bound by no limit', () => {
  const s = small(500)
  s.do(OP_SET, 0, SET_MAX_PTES_NONE, 0)
  s.do(OP_SET, 0, SET_MAX_PTES_SWAP, 0)
  s.swapout(0, 0, 8)
  expect(scan(s)).toBe(FAILED)
  expect(s.madvise(0, 0, 512, MADV_COLLAPSE)).toBe(OK)
})

test('a range without an aligned 2 MiB, or without advice, is not scanned', () => {
  const s = small()
  expect(scan(s, 511)).toBe(FAILED)
  s.madvise(0, 0, 512, MADV_NOHUGEPAGE)
  expect(scan(s)).toBe(FAILED)
  expect(s.kind(0, 0)).toBe(PAGE_SMALL)
})

describe('shared memory', () => {
  test('keeps its bytes, its frames and its count of references', () => {
    const s = new Scene('mm-id')
    s.owner(512, { order: 9, kind: MAP_SHARED })
    const old = s.pfn(0, 3)
    expect(scan(s)).toBe(OK)
    expect(s.pfn(0, 3)).toBe(-1)
    expect(s.load(0, 3)).toBe(0)
    expect(s.pfn(0, 3)).not.toBe(old)
    // The page cache holds each page once, the PMD entry the folio.
    expect(s.pageCount(0, 3)).toBe(513)
    expect(s.m.frames.used).toBe(512)
    s.exit(0)
    expect([s.m.frames.used, s.m.pageCacheFrames, s.m.tables.used]).toEqual([512, 512, 0])
  })

  test('stays as it is while a page is in a pipe, mapped as before', () => {
    const s = new Scene('mm-id')
    s.owner(512, { order: 9, kind: MAP_SHARED })
    const pipe = s.pin(0, 3, 1, PIN_VMSPLICE)
    const frame = s.pfn(0, 3)
    expect(scan(s)).toBe(FAILED)
    expect(s.pfn(0, 3)).toBe(frame)
    s.unpin(0, pipe)
    expect(scan(s)).toBe(OK)
  })

  test('is mapped whole only where 2 MiB of an area lie in step with the object', () => {
    const s = new Scene('mm-id')
    s.owner(512, { order: 9, kind: MAP_SHARED, object: 1 })
    s.map(0, 100, { vpn: 1024, order: 9, kind: MAP_SHARED, object: 1 })
    expect(scan(s)).toBe(OK)
    s.load(0, 1024)
    // By entries, and the fault maps no more than the 16 pages around.
    expect([s.kind(0, 1024), s.kind(0, 1039), s.kind(0, 1040)]).toEqual([PAGE_HUGE, PAGE_HUGE, 0])
    s.load(0, 0)
    expect(s.kind(0, 1)).toBe(PAGE_HUGE)
  })
})
