import { describe, expect, test } from 'vitest'
import {
  Frames,
  GUP_PIN_COUNTING_BIAS,
  grown,
  HUGE_ORDER,
  HUGE_ZERO_PFN,
  PG_ANON,
  PG_CACHE,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_LARGE,
  PG_LAZYFREE_BATCH,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  ZERO_PFN,
} from './frames.ts'

/** A large folio all of whose pages are mapped once by page-table entries. */
function mappedFolio(frames: Frames, order: number): number {
  const head = frames.allocFolio(order)
  for (let i = 0; i < 1 << order; i++) frames.word[head + i]!++
  frames.largeMapcount[head] = 1 << order
  return head
}

describe('a frame', () => {
  test('comes with no flags, no counts and zeroes, also the second time', () => {
    const frames = new Frames()
    const pfn = frames.alloc()
    frames.set(pfn, PG_ANON | PG_DIRTY)
    frames.token[pfn] = 7
    expect(frames.freeIfUnused(pfn)).toBe(true)
    expect(frames.alloc()).toBe(pfn)
    expect(frames.word[pfn]).toBe(0)
    expect(frames.token[pfn]).toBe(0)
  })

  test('is never 0 nor one of the zero pages, which cannot be freed', () => {
    const frames = new Frames()
    const first = frames.alloc()
    // Frames 1 and 512..1023 are zero pages; everything below 1024 is left alone.
    expect(first).toBe(1024)
    expect(frames.freeIfUnused(ZERO_PFN)).toBe(false)
    expect(frames.freeIfUnused(HUGE_ZERO_PFN + 511)).toBe(false)
  })

  test('counts as in use until it is freed, and the most at once is kept', () => {
    const frames = new Frames()
    const [a, b] = [frames.alloc(), frames.alloc()]
    frames.freeIfUnused(a)
    frames.freeIfUnused(b)
    frames.alloc()
    expect({ used: frames.used, peak: frames.peak }).toEqual({ used: 1, peak: 2 })
  })

  test.each([
    ['a mapping', 1],
    ['the swapcache', PG_SWAPCACHE],
    ['an LRU batch', PG_LRU_BATCH],
    ['the lazyfree batch', PG_LAZYFREE_BATCH],
    ['the page cache', PG_CACHE],
  ])('stays while %s holds it, for one reference', (_what, word) => {
    const frames = new Frames()
    const pfn = frames.alloc()
    frames.word[pfn]! |= word
    expect(frames.pageCount(pfn)).toBe(1)
    expect(frames.freeIfUnused(pfn)).toBe(false)
  })

  test('counts a FOLL_GET as 1 and a FOLL_PIN as 1,024', () => {
    const frames = new Frames()
    const pfn = frames.alloc()
    frames.word[pfn]! += 2
    for (let i = 0; i < 3; i++) frames.hold(pfn)
    for (let i = 0; i < 2; i++) frames.pin(pfn)
    frames.set(pfn, PG_SWAPCACHE | PG_LRU_BATCH | PG_ANON | PG_EXCLUSIVE)
    // 2 mappings, 3 references, the swapcache, the batch, two pins; what PG_ANON says is no reference.
    expect(frames.pageCount(pfn)).toBe(2 + 3 + 1 + 1 + 2 * GUP_PIN_COUNTING_BIAS)
    expect(frames.mapcount(pfn)).toBe(2)
  })

  test('stays from its first reference to its last', () => {
    const frames = new Frames()
    const pfn = frames.alloc()
    frames.hold(pfn)
    frames.pin(pfn)
    frames.unhold(pfn)
    expect(frames.held).toBe(1)
    expect(frames.freeIfUnused(pfn)).toBe(false)
    frames.unpin(pfn)
    expect(frames.held).toBe(0)
    expect(frames.freeIfUnused(pfn)).toBe(true)
  })
})

describe('a large folio', () => {
  test.each([1, 2, 4, HUGE_ORDER])('of order %i lies on a boundary of its own size', (order) => {
    const frames = new Frames()
    frames.alloc()
    const head = frames.allocFolio(order)
    expect(head % (1 << order)).toBe(0)
    expect(frames.used).toBe(1 + (1 << order))
    expect(frames.head(head + (1 << order) - 1)).toBe(head)
    expect(frames.has(head + 1, PG_LARGE)).toBe(true)
  })

  test('leaves the frames that alignment skips to others', () => {
    const frames = new Frames()
    frames.alloc() // 1024
    const head = frames.allocFolio(2)
    expect(head).toBe(1028)
    const skipped = [frames.alloc(), frames.alloc(), frames.alloc()]
    expect(skipped.sort()).toEqual([1025, 1026, 1027])
    expect(frames.alloc()).toBe(1032)
  })

  test('counts mappings, pins and references for all of its pages together', () => {
    const frames = new Frames()
    const head = mappedFolio(frames, 2)
    frames.hold(head)
    for (let i = 0; i < 2; i++) frames.pin(head)
    frames.set(head, PG_SWAPCACHE | PG_LAZYFREE_BATCH)
    // 4 mappings, 1 reference, 2 pins at 1 each, 4 by the swapcache (one a page), 1 by the batch.
    for (let i = 0; i < 4; i++) expect(frames.pageCount(head + i)).toBe(4 + 1 + 2 + 4 + 1)
  })

  test('is freed as a whole, and handed out again as a whole', () => {
    const frames = new Frames()
    const head = mappedFolio(frames, 2)
    frames.mm0[head] = 5
    frames.mmShared[head] = 1
    expect(frames.freeIfUnused(head + 3)).toBe(false)
    for (let i = 0; i < 4; i++) frames.word[head + i]!--
    frames.largeMapcount[head] = 0
    expect(frames.freeIfUnused(head + 3)).toBe(true)
    expect(frames.used).toBe(0)
    expect(frames.allocFolio(2)).toBe(head)
    expect([frames.mm0[head], frames.mmShared[head]]).toEqual([0, 0])
  })

  test('becomes order-0 pages that keep mappings, tokens and flags; unmapped ones are freed', () => {
    const frames = new Frames()
    const head = mappedFolio(frames, 2)
    frames.word[head + 2]!--
    frames.largeMapcount[head]!--
    frames.token.set([11, 12, 13, 14], head)
    frames.set(head, PG_DIRTY)
    frames.set(head + 1, PG_EXCLUSIVE)
    frames.splitFolio(head)
    expect(frames.used).toBe(3)
    expect(frames.pages(head + 1)).toBe(1)
    expect(frames.token[head + 3]).toBe(14)
    // PG_dirty was the folio's, PG_anon_exclusive the page's.
    expect([0, 1, 3].map((i) => frames.has(head + i, PG_DIRTY))).toEqual([true, true, true])
    expect([0, 1, 3].map((i) => frames.has(head + i, PG_EXCLUSIVE))).toEqual([false, true, false])
    expect([0, 1, 3].map((i) => frames.pageCount(head + i))).toEqual([1, 1, 1])
  })
})

describe('growth', () => {
  test('keeps what every column holds', () => {
    const frames = new Frames(1024)
    const pfn = frames.alloc()
    frames.word[pfn]! += 3
    frames.token[pfn] = 9
    const head = mappedFolio(frames, HUGE_ORDER)
    frames.mm1Maps[head] = 4
    // Room was for 1,024 beside the reserved ones: 1,500 more need two doublings at most.
    for (let i = 0; i < 1500; i++) frames.alloc()
    expect(frames.mapcount(pfn)).toBe(3)
    expect(frames.token[pfn]).toBe(9)
    expect(frames.mm1Maps[head]).toBe(4)
    expect(frames.head(head + 17)).toBe(head)
    expect(frames.end).toBeGreaterThan(2048)
  })

  test('copies pieces that hold anything and leaves the rest zero', () => {
    const column = new Int32Array(3000)
    column[5] = 1
    column[2999] = -2
    const larger = grown(column, 6000)
    expect(larger.length).toBe(6000)
    expect([...larger.subarray(0, 3000)]).toEqual([...column])
    expect(larger.subarray(3000).every((value) => value === 0)).toBe(true)
  })
})
