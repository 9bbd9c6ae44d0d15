import { describe, expect, test } from 'vitest'
import { PG_EXCLUSIVE, PG_LAZYFREE, PG_SWAPCACHE } from '../state/frames.ts'
import { PTE_SWP_EXCLUSIVE } from '../state/tables.ts'
import { range, Scene } from '../test/scene.ts'
import { DEV_COHERENT, DEV_INCOHERENT, SAW_MISMATCH } from '../trace/observed.ts'
import {
  MADV_FREE,
  MADV_PAGEOUT,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_VMSPLICE,
} from '../trace/ops.ts'
import { PAGE_NONE, PAGE_SMALL, PAGE_SWAP, PAGE_ZERO } from './observe.ts'

const marked = (s: Scene, mm: number, vpn: number): boolean =>
  ((s.m.tables.ptes[s.mm(mm).pteIndex(vpn)] as number) & PTE_SWP_EXCLUSIVE) !== 0

describe('a page that is swapped out', () => {
  test('leaves memory, and an entry that names its slot', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    s.swapout(mm, 0, 1)
    expect(s.kind(mm, 0)).toBe(PAGE_SWAP)
    expect([s.m.frames.used, s.m.k.swap.used]).toEqual([1, 1])
    expect(s.m.k.swap.count[s.slot(mm, 0)]).toBe(1)
    expect(s.m.counts.swapNs).toBeGreaterThan(0)
  })

  test('goes from every process that maps it, with one entry each', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    const child = s.fork(parent)
    s.swapout(child, 0, 1)
    expect([s.kind(parent, 0), s.kind(child, 0)]).toEqual([PAGE_SWAP, PAGE_SWAP])
    expect(s.m.k.swap.count[s.slot(parent, 0)]).toBe(2)
    // A page that two may find again is nobody's own.
    expect(marked(s, parent, 0)).toBe(false)
  })

  test('carries its exclusivity in the entry, from 5.19 on', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    s.swapout(mm, 0, 1)
    expect(marked(s, mm, 0)).toBe(true)
    const before = new Scene('page-count-refined')
    before.swapout(before.owner(1), 0, 1)
    expect(marked(before, 0, 0)).toBe(false)
  })

  test('stays in the swapcache while a reference holds it', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const pfn = s.pfn(mm, 0)
    s.pin(mm, 0, 1, PIN_VMSPLICE)
    s.swapout(mm, 0, 1)
    expect(s.kind(mm, 0)).toBe(PAGE_SWAP)
    expect(s.m.k.swap.cached[s.slot(mm, 0)]).toBe(pfn)
    expect(s.m.frames.pageCount(pfn)).toBe(2)
  })

  test('is one that nobody else maps, for MADV_PAGEOUT', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(2)
    s.fork(parent)
    s.store(parent, 1)
    s.madvise(parent, 0, 2, MADV_PAGEOUT)
    expect(range(0, 2).map((vpn) => s.entry(parent, vpn).swap)).toEqual([false, true])
  })
})

describe('a pinned page', () => {
  test('stays mapped from 5.11 on, and is counted', () => {
    for (const [policy, swapped] of [
      ['reuse-swap-page', true],
      ['page-count', false],
      ['anon-exclusive', false],
    ] as const) {
      const s = new Scene(policy)
      const mm = s.owner(1)
      s.pin(mm, 0, 1, PIN_DMAPIN)
      s.swapout(mm, 0, 1)
      expect([policy, s.entry(mm, 0).swap]).toEqual([policy, swapped])
      expect(s.m.counts.refusedUnmaps).toBe(swapped ? 0 : 1)
    }
  })

  test('stays mapped too if it is in the swapcache already, where exclusivity is tracked', () => {
    const s = new Scene('anon-exclusive', { swapDisk: true })
    const mm = s.owner(1)
    s.swapout(mm, 0, 1)
    s.load(mm, 0)
    expect([s.has(mm, 0, PG_SWAPCACHE), s.has(mm, 0, PG_EXCLUSIVE)]).toEqual([true, true])
    s.pin(mm, 0, 1, PIN_DMAPIN)
    s.swapout(mm, 0, 1)
    expect(s.entry(mm, 0).present).toBe(true)
    expect(s.m.counts.refusedUnmaps).toBe(1)
  })
})

describe('a large folio', () => {
  test('goes out whole where all of it was asked for', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.swapout(mm, 0, 4)
    expect(range(0, 4).every((vpn) => s.entry(mm, vpn).swap)).toBe(true)
    expect(s.m.frames.used).toBe(0)
  })

  test('is split where a part was, and the rest stays', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.swapout(mm, 0, 3)
    expect(range(0, 4).map((vpn) => s.entry(mm, vpn).swap)).toEqual([true, true, true, false])
    expect(s.m.frames.pages(s.pfn(mm, 3))).toBe(1)
  })

  test('gives up its pages of zeroes when it is split, from 6.12 on', () => {
    const s = new Scene('mm-id')
    const mm = s.spawn()
    s.map(mm, 4, { order: 2 })
    s.store(mm, 0)
    s.swapout(mm, 0, 2)
    // Page 0 went out; the others never held anything.
    expect(range(0, 4).map((vpn) => s.kind(mm, vpn))).toEqual([
      PAGE_SWAP,
      PAGE_ZERO,
      PAGE_ZERO,
      PAGE_ZERO,
    ])
  })

  test('stays whole and mapped while any reference holds a page of it', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.get(mm, 3)
    s.swapout(mm, 0, 1)
    expect(s.entry(mm, 0).present).toBe(true)
    expect(s.m.frames.pages(s.pfn(mm, 0))).toBe(4)
    expect(s.m.counts.refusedUnmaps).toBe(1)
  })

  test('that is mapped by PMD entries is remapped by PTEs in every process first', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(512, { order: 9 })
    const child = s.fork(parent)
    s.swapout(parent, 0, 512)
    expect(s.m.counts.pmdSplits).toBe(2)
    expect([s.entry(parent, 9).swap, s.entry(child, 9).swap]).toEqual([true, true])
  })
})

describe('a page that MADV_FREE gave up', () => {
  test('is dropped, and reads as zeroes', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    s.madvise(mm, 0, 1, MADV_FREE)
    s.swapout(mm, 0, 1)
    expect([s.kind(mm, 0), s.m.frames.used, s.m.k.swap.used]).toEqual([PAGE_NONE, 0, 0])
    expect(s.load(mm, 0)).toBe(0)
  })

  test('is swapped out after all if it was stored to since', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    s.madvise(mm, 0, 1, MADV_FREE)
    s.store(mm, 0)
    expect(s.has(mm, 0, PG_LAZYFREE)).toBe(true)
    s.swapout(mm, 0, 1)
    expect(s.kind(mm, 0)).toBe(PAGE_SWAP)
    expect(s.load(mm, 0)).toBe(0)
  })

  test('is only found to be swap-backed again by the first MADV_PAGEOUT after a store', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(1)
    s.madvise(mm, 0, 1, MADV_FREE)
    s.store(mm, 0)
    s.madvise(mm, 0, 1, MADV_PAGEOUT)
    expect([s.kind(mm, 0), s.has(mm, 0, PG_LAZYFREE)]).toEqual([PAGE_SMALL, false])
    s.madvise(mm, 0, 1, MADV_PAGEOUT)
    expect(s.kind(mm, 0)).toBe(PAGE_SWAP)
  })

  test('stays given up while somebody refers to it, from 6.15 on', () => {
    for (const [policy, kind] of [
      ['anon-exclusive', PAGE_SWAP],
      ['mm-id', PAGE_SMALL],
    ] as const) {
      const s = new Scene(policy)
      const mm = s.owner(1)
      s.madvise(mm, 0, 1, MADV_FREE)
      const pin = s.pin(mm, 0, 1, PIN_VMSPLICE)
      s.swapout(mm, 0, 1)
      expect([policy, s.kind(mm, 0)]).toEqual([policy, kind])
      s.unpin(mm, pin)
      s.swapout(mm, 0, 1)
      expect([policy, s.kind(mm, 0)]).toEqual([policy, kind === PAGE_SWAP ? PAGE_SWAP : PAGE_NONE])
    }
  })

  test('is taken from its mappers although it is held, until 5.17: what a device stores is lost', () => {
    for (const [policy, kind, saw] of [
      ['reuse-swap-page', PAGE_NONE, SAW_MISMATCH],
      ['page-count', PAGE_SMALL, 0],
    ] as const) {
      const s = new Scene(policy)
      const mm = s.owner(1)
      const pin = s.pin(mm, 0, 1, PIN_IOURING)
      s.madvise(mm, 0, 1, MADV_FREE)
      s.devwrite(mm, pin, 0)
      s.swapout(mm, 0, 1)
      expect([policy, s.kind(mm, 0)]).toEqual([policy, kind])
      expect([policy, s.load(mm, 0)]).toEqual([policy, saw])
      // The device still has the page.
      expect([policy, s.devread(mm, pin, 0)]).toEqual([
        policy,
        saw === 0 ? DEV_COHERENT : DEV_INCOHERENT,
      ])
    }
  })

  test('is dirty again once a device has stored to it, unless that was by a fixed buffer of io_uring', () => {
    for (const [pinKind, kind] of [
      [PIN_IOURING, PAGE_NONE],
      [PIN_DMAPIN, PAGE_SWAP],
      [PIN_ODIRECT, PAGE_SWAP],
    ] as const) {
      const s = new Scene('mm-id')
      const mm = s.owner(1)
      s.madvise(mm, 0, 1, MADV_FREE)
      s.unpin(mm, s.pin(mm, 0, 1, pinKind))
      s.swapout(mm, 0, 1)
      expect([pinKind, s.kind(mm, 0)]).toEqual([pinKind, kind])
    }
  })

  test('is dropped from the parent, and stays the child that has stored to it', () => {
    const s = new Scene('mm-id')
    const parent = s.owner(1)
    const child = s.fork(parent)
    // What fork copied is dirty in both; only the parent gives it up.
    s.madvise(parent, 0, 1, MADV_FREE)
    s.swapout(child, 0, 1)
    expect([s.kind(parent, 0), s.kind(child, 0)]).toEqual([PAGE_NONE, PAGE_SWAP])
    expect([s.load(parent, 0), s.load(child, 0)]).toEqual([0, 0])
  })

  test('is lost to a relative that gave nothing up, where a load brought it back from zram', () => {
    for (const [swapDisk, saw] of [
      [false, SAW_MISMATCH],
      [true, 0],
    ] as const) {
      const s = new Scene('mm-id', { swapDisk })
      const parent = s.owner(1)
      s.swapout(parent, 0, 1)
      s.load(parent, 0)
      const child = s.fork(parent)
      s.madvise(parent, 0, 1, MADV_FREE)
      s.swapout(parent, 0, 1)
      expect([s.load(parent, 0), s.load(child, 0)]).toEqual([0, saw])
    }
  })
})
