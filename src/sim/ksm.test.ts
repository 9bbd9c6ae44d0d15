/** Pages that move or merge: KSM and migration, both stopped by any reference. */
import { describe, expect, test } from 'vitest'
import { PG_EXCLUSIVE, PG_KSM, PG_LARGE, PG_ZERO } from '../state/frames.ts'
import { range, Scene, type SceneOptions } from '../test/scene.ts'
import { MADV_MERGEABLE, MADV_UNMERGEABLE, PIN_ROPIN, PIN_VMSPLICE } from '../trace/ops.ts'
import { PAGE_KSM } from './observe.ts'

/** Four mergeable pages of which the first three hold equal bytes. */
function mergeable(policy: string, options: SceneOptions = {}): Scene {
  const s = new Scene(policy, options)
  const mm = s.owner(4)
  s.madvise(mm, 0, 4, MADV_MERGEABLE)
  s.storeSame(mm, 7, 0, 1, 2)
  return s
}

describe('KSM', () => {
  test('makes pages of equal bytes one page, mapped read-only and nobody’s own', () => {
    const s = mergeable('anon-exclusive')
    s.ksmWait()
    expect(new Set(range(0, 3).map((vpn) => s.pfn(0, vpn))).size).toBe(1)
    expect(s.m.frames.used).toBe(2)
    expect(s.pageCount(0, 0)).toBe(3)
    expect([s.kind(0, 0), s.entry(0, 0).write, s.has(0, 0, PG_EXCLUSIVE)]).toEqual([
      PAGE_KSM,
      false,
      false,
    ])
    expect(s.has(0, 3, PG_KSM)).toBe(false)
  })

  test('is undone by MADV_UNMERGEABLE, which gives each page a frame of its own: until 6.1 as a store would', () => {
    for (const [policy, write, unshares] of [
      ['reuse-swap-page', true, 0],
      ['anon-exclusive', true, 0],
      ['mm-id', false, 3],
    ] as const) {
      const s = mergeable(policy)
      s.ksmWait()
      s.madvise(0, 0, 4, MADV_UNMERGEABLE)
      expect(new Set(range(0, 3).map((vpn) => s.pfn(0, vpn))).size).toBe(3)
      expect(range(0, 3).map((vpn) => s.has(0, vpn, PG_KSM))).toEqual([false, false, false])
      expect([policy, s.entry(0, 0).write]).toEqual([policy, write])
      // Three pages merged: the first two copies were needed, the third page was alone by then.
      expect(s.counts).toMatchObject({ needed_copies: 2, spurious_copies: 1 })
      expect(s.counts).toMatchObject({ unshare_copies: unshares })
      expect(range(0, 3).map((vpn) => s.load(0, vpn))).toEqual([0, 0, 0])
    }
  })

  test('lets 256 places share a page, makes another one of the next two, and leaves one alone', () => {
    for (const [pages, frames] of [
      [256, [256]],
      [257, [256, 1]],
      [258, [256, 2]],
      [513, [256, 256, 1]],
    ] as const) {
      const s = new Scene('mm-id')
      const mm = s.owner(600)
      s.madvise(mm, 0, 600, MADV_MERGEABLE)
      s.storeSame(mm, 7, ...range(0, pages))
      s.ksmWait()
      const sharers = new Map<number, number>()
      for (const pfn of range(0, pages).map((vpn) => s.pfn(mm, vpn))) {
        sharers.set(pfn, (sharers.get(pfn) ?? 0) + 1)
      }
      expect([pages, [...sharers.values()]]).toEqual([pages, frames])
      expect(s.kind(mm, pages - 1) === PAGE_KSM).toBe(frames.at(-1) !== 1)
    }
  })

  test('keeps a page that a child may have without being merged: no copy of it is spurious', () => {
    const s = mergeable('mm-id')
    s.madvise(0, 0, 4, MADV_UNMERGEABLE)
    s.fork(0)
    s.madvise(0, 0, 4, MADV_MERGEABLE)
    s.ksmWait()
    s.store(0, 0, 1, 2)
    expect(s.counts).toMatchObject({ needed_copies: 3, spurious_copies: 0, missed_reuses: 0 })
  })

  test('takes the page table that it changes from its sharers, and leaves them theirs', () => {
    const s = mergeable('cow-pte-accounted')
    s.madvise(0, 0, 4, MADV_UNMERGEABLE)
    s.fork(0)
    s.madvise(0, 0, 4, MADV_MERGEABLE)
    s.ksmWait()
    expect([s.m.counts.tableCopies, s.counts.reuses]).toEqual([1, 0])
  })

  test('is undone by a store, which copies for that page alone', () => {
    const s = mergeable('anon-exclusive')
    s.ksmWait()
    s.store(0, 1)
    expect(s.counts).toMatchObject({ needed_copies: 1, spurious_copies: 0 })
    expect(range(0, 3).map((vpn) => s.load(0, vpn))).toEqual([0, 0, 0])
    expect(s.pageCount(0, 0)).toBe(2)
  })

  test('leaves its last user a copy since 5.9, and the page itself before', () => {
    for (const [policy, spurious, reuses] of [
      ['reuse-swap-page', 0, 1],
      ['page-count', 1, 0],
      ['anon-exclusive', 1, 0],
    ] as const) {
      const s = mergeable(policy)
      s.ksmWait()
      s.store(0, 1, 2, 0)
      const { spurious_copies, needed_copies } = s.counts
      expect([policy, needed_copies, spurious_copies, s.counts.reuses]).toEqual([
        policy,
        2,
        spurious,
        reuses,
      ])
      expect(s.has(0, 0, PG_KSM)).toBe(false)
    }
  })

  test('merges no page under a reference', () => {
    const s = mergeable('anon-exclusive')
    s.pin(0, 1, 1, PIN_VMSPLICE)
    s.ksmWait()
    expect(range(0, 3).map((vpn) => s.has(0, vpn, PG_KSM))).toEqual([true, false, true])
  })

  test('tries a page under a reference again in every scan', () => {
    const s = new Scene('mm-id')
    const mm = s.spawn()
    s.map(mm, 8, { order: 2 })
    s.store(mm, 0)
    s.madvise(mm, 0, 8, MADV_MERGEABLE)
    s.pin(mm, 4, 1, PIN_ROPIN)
    s.fork(mm)
    s.store(mm, 2, 3)
    // First page 1 waits, which the zero page replaces when its folio is split; then the pinned page, with which the
    // child's copy of it is merged in vain.
    s.ksmWait()
    expect([s.has(mm, 1, PG_ZERO), s.counts.unshare_copies]).toEqual([true, 1])
  })

  test('merges only areas that were offered', () => {
    const s = mergeable('anon-exclusive')
    s.map(0, 2, { vpn: 512 })
    s.storeSame(0, 7, 512, 513)
    s.ksmWait()
    expect([s.kind(0, 0), s.has(0, 512, PG_KSM)]).toEqual([PAGE_KSM, false])
  })

  test('splits a large folio that holds such pages', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(4, { order: 2 })
    s.madvise(mm, 0, 4, MADV_MERGEABLE)
    s.storeSame(mm, 7, 0, 1)
    s.ksmWait()
    expect(range(0, 4).map((vpn) => s.has(mm, vpn, PG_LARGE))).toEqual([false, false, false, false])
    expect(s.pfn(mm, 1)).toBe(s.pfn(mm, 0))
    expect(s.m.frames.used).toBe(3)
  })

  test('is undone for a r/o FOLL_PIN since 5.19: a merged page is never exclusive', () => {
    const s = mergeable('anon-exclusive')
    s.ksmWait()
    s.pin(0, 1, 1, PIN_ROPIN)
    expect([s.has(0, 1, PG_KSM), s.has(0, 1, PG_EXCLUSIVE)]).toEqual([false, true])
    expect(s.counts.unshare_copies).toBe(1)
  })
})

describe('a KSM page read back from swap', () => {
  test('goes to the place that comes first, and to every other one as a copy', () => {
    for (const policy of ['mapcount', 'reuse-swap-page', 'page-count', 'anon-exclusive']) {
      for (const swapDisk of [false, true]) {
        const s = mergeable(policy, { swapDisk })
        s.ksmWait()
        s.swapout(0, 0, 3)
        expect(range(0, 3).map((vpn) => s.load(0, vpn))).toEqual([0, 0, 0])
        expect([policy, new Set(range(0, 3).map((vpn) => s.pfn(0, vpn))).size]).toEqual([policy, 3])
        expect(range(0, 3).map((vpn) => s.has(0, vpn, PG_KSM))).toEqual([false, false, false])
        s.store(0, 0, 1, 2)
        expect(s.counts).toMatchObject({ needed_copies: 0 })
      }
    }
  })

  test('is shared by what fork made of one entry, and by nothing else', () => {
    // As on 6.18.44.
    const s = mergeable('mm-id')
    s.ksmWait()
    const child = s.fork(0)
    s.swapout(0, 0, 3)
    s.load(0, 0)
    s.load(child, 0)
    s.load(child, 1)
    s.mremap(0, 2, 1, 512)
    s.load(0, 512)
    s.load(0, 1)
    expect(s.pfn(child, 0)).toBe(s.pfn(0, 0))
    const apart = [s.pfn(0, 0), s.pfn(0, 1), s.pfn(child, 1), s.pfn(0, 512)]
    expect(new Set(apart).size).toBe(4)
    expect([s.entry(0, 1).write, s.entry(child, 1).write, s.entry(0, 512).write]).toEqual([
      true,
      true,
      true,
    ])
    s.store(0, 0, 1)
    s.store(child, 1, 0)
    // Of the stores to page 0, the second finds no other mapping, but its page is what the child's page 2 would be read from.
    expect(s.counts).toMatchObject({ reuses: 0, needed_copies: 2, spurious_copies: 0 })
    expect(s.load(child, 2)).toBe(0)
  })

  test('is no page of a process that came to the area before either had a page there', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.spawn()
    s.map(parent, 1)
    const child = s.fork(parent)
    for (const mm of [parent, child]) {
      s.madvise(mm, 0, 1, MADV_MERGEABLE)
      s.storeSame(mm, 7, 0)
    }
    s.ksmWait()
    expect(s.pfn(child, 0)).toBe(s.pfn(parent, 0))
    s.swapout(parent, 0, 1)
    s.load(parent, 0)
    s.load(child, 0)
    expect(s.pfn(child, 0)).not.toBe(s.pfn(parent, 0))
  })

  test('that was read back, and went out again, goes to whoever comes first then', () => {
    const s = mergeable('anon-exclusive')
    s.ksmWait()
    s.swapout(0, 0, 2)
    s.load(0, 0)
    s.swapout(0, 0, 1)
    const slot = s.slot(0, 0)
    expect(s.slot(0, 1)).toBe(slot)
    s.load(0, 1)
    expect(s.has(0, 1, PG_EXCLUSIVE)).toBe(false)
    s.load(0, 0)
    expect([s.pfn(0, 0) === s.pfn(0, 1), s.has(0, 0, PG_EXCLUSIVE)]).toEqual([false, true])
  })
})

describe('migration', () => {
  test('moves a page, its bytes and its exclusivity to another frame', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const old = s.pfn(mm, 0)
    s.migrate(mm, 0, 1)
    expect(s.pfn(mm, 0)).not.toBe(old)
    expect([s.load(mm, 0), s.has(mm, 0, PG_EXCLUSIVE), s.entry(mm, 0).write]).toEqual([
      0,
      true,
      true,
    ])
    expect(s.m.frames.used).toBe(1)
  })

  test('moves it for all who share it', () => {
    const s = new Scene('anon-exclusive')
    const parent = s.owner(1)
    const child = s.fork(parent)
    s.migrate(child, 0, 1)
    expect(s.pfn(parent, 0)).toBe(s.pfn(child, 0))
    s.store(child, 0)
    expect(s.load(parent, 0)).toBe(0)
    expect(s.counts.needed_copies).toBe(1)
  })

  test('leaves a page under a reference where it is', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1)
    const old = s.pfn(mm, 0)
    s.get(mm, 0)
    s.migrate(mm, 0, 1)
    expect(s.pfn(mm, 0)).toBe(old)
    s.put(mm, 0)
    s.migrate(mm, 0, 1)
    expect(s.pfn(mm, 0)).not.toBe(old)
  })
})
