import { describe, expect, test } from 'vitest'
import { PG_LAZYFREE_BATCH, PG_LRU_BATCH } from '../state/frames.ts'
import { range, Scene } from '../test/scene.ts'
import { MADV_DONTNEED, MADV_FREE, PROT_READ } from '../trace/ops.ts'

/** A process with `pages` fresh pages stored to, nothing drained. */
function fresh(pages: number, policy = 'page-count', vpns = range(0, pages)): Scene {
  const s = new Scene(policy)
  s.map(s.spawn(), 512)
  s.store(0, ...vpns)
  return s
}

const batched = (s: Scene, pages: number): number[] =>
  range(0, pages).filter((vpn) => s.has(0, vpn, PG_LRU_BATCH))

describe('a fresh page', () => {
  test('waits in the batch, which holds a reference', () => {
    const s = fresh(1)
    expect(s.pageCount(0, 0)).toBe(2)
    s.drain()
    expect(s.pageCount(0, 0)).toBe(1)
  })

  test('that is the fifteenth empties the batch', () => {
    expect(batched(fresh(14), 14)).toEqual(range(0, 14))
    expect(batched(fresh(15), 15)).toEqual([])
    expect(batched(fresh(16), 16)).toEqual([15])
  })

  test('that is the 31st empties it from 6.10 on', () => {
    expect(batched(fresh(30, 'order0-copy'), 30)).toEqual(range(0, 30))
    expect(batched(fresh(31, 'order0-copy'), 31)).toEqual([])
  })

  test('of a large folio goes past the batch and empties it', () => {
    const s = fresh(1, 'anon-exclusive')
    s.map(0, 16, { vpn: 512, order: 2 })
    s.store(0, 512)
    expect(s.has(0, 512, PG_LRU_BATCH)).toBe(false)
    expect(batched(s, 1)).toEqual([])
    // Four mappings and nothing else.
    expect(s.pageCount(0, 512)).toBe(4)
  })

  test('that is unmapped while it waits is freed with the batch only', () => {
    const s = fresh(2, 'mm-id')
    s.unmap(0, 0, 1)
    expect(s.m.frames.used).toBe(2)
    s.drain()
    expect(s.m.frames.used).toBe(1)
  })
})

describe('the batch', () => {
  const empties: readonly (readonly [string, (s: Scene) => void])[] = [
    ['fork', (s) => s.fork(0)],
    ['swap-out', (s) => s.swapout(0, 1, 1)],
    ['MADV_FREE', (s) => s.madvise(0, 3, 1, MADV_FREE)],
    ['KSM', (s) => s.ksmWait()],
  ]
  test.each(empties)('is emptied by %s in every era', (_what, act) => {
    for (const policy of ['page-count', 'mm-id']) {
      const s = fresh(2, policy)
      act(s)
      expect(batched(s, 1)).toEqual([])
    }
  })

  test.each([
    ['munmap', (s: Scene) => s.unmap(0, 1, 1)],
    ['MADV_DONTNEED', (s: Scene) => s.madvise(0, 1, 1, MADV_DONTNEED)],
  ])('is emptied by %s until some version before 6.18', (_what, act) => {
    const [before, now] = [fresh(2, 'page-count'), fresh(2, 'mm-id')]
    act(before)
    act(now)
    expect([batched(before, 1), batched(now, 1)]).toEqual([[], [0]])
  })

  test.each([
    ['mprotect', (s: Scene) => s.mprotect(0, 0, 1, PROT_READ)],
    ['clear_refs', (s: Scene) => s.clearRefs(0)],
    ['a load', (s: Scene) => s.load(0, 9)],
    ['MADV_DONTNEED where no area is', (s: Scene) => s.madvise(0, 600, 1, MADV_DONTNEED)],
  ])('is left alone by %s', (_what, act) => {
    const s = fresh(2, 'page-count')
    act(s)
    expect(batched(s, 2)).toEqual([0, 1])
  })

  test('is emptied by the store fault itself since 5.18, where only it is in the way', () => {
    for (const [policy, copies] of [
      ['page-count', 1],
      ['page-count-refined', 0],
    ] as const) {
      const s = fresh(1, policy)
      s.clearRefs(0)
      s.store(0, 0)
      expect(s.counts.spurious_copies).toBe(copies)
    }
  })
})

describe('the lazyfree batch', () => {
  test('holds what MADV_FREE gave up, once it is on the LRU', () => {
    const s = fresh(2)
    s.madvise(0, 0, 1, MADV_FREE)
    expect(s.has(0, 0, PG_LAZYFREE_BATCH)).toBe(true)
    expect(s.pageCount(0, 0)).toBe(2)
  })

  test('is not emptied by a store fault: the page is on the LRU', () => {
    const s = fresh(1, 'page-count-refined')
    s.madvise(0, 0, 1, MADV_FREE)
    s.clearRefs(0)
    s.store(0, 0)
    expect(s.counts).toMatchObject({ spurious_copies: 1, missed_reuses: 1 })
  })
})
