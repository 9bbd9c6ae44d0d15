import { describe, expect, test } from 'vitest'
import { PG_EXCLUSIVE, PG_SWAPCACHE } from '../state/frames.ts'
import { Scene, type SceneOptions } from '../test/scene.ts'
import { PIN_VMSPLICE } from '../trace/ops.ts'

/** One page that its only process stored to, swapped out. */
function swapped(policy: string, options: SceneOptions = {}): Scene {
  const s = new Scene(policy, options)
  s.swapout(s.owner(1), 0, 1)
  return s
}

describe('the only entry', () => {
  test('is read past the swapcache from a synchronous device, and through it from a disk', () => {
    for (const swapDisk of [false, true]) {
      const s = swapped('page-count', { swapDisk })
      s.load(0, 0)
      expect(s.has(0, 0, PG_SWAPCACHE)).toBe(swapDisk)
      // One mapping, the batch, and perhaps the swapcache.
      expect(s.pageCount(0, 0)).toBe(swapDisk ? 3 : 2)
    }
  })

  test('gives its slot back with the swapcache', () => {
    const s = swapped('page-count', { swapDisk: true })
    s.load(0, 0)
    expect(s.m.k.swap.used).toBe(1)
    s.store(0, 0)
    expect(s.m.k.swap.used).toBe(0)
  })

  test('is mapped read-only by a load, and taken by the store after it, until 6.10', () => {
    const s = swapped('anon-exclusive')
    s.load(0, 0)
    expect([s.entry(0, 0).write, s.has(0, 0, PG_EXCLUSIVE)]).toEqual([false, true])
    expect(s.faults(() => s.store(0, 0))).toBe(1)
    expect(s.counts).toMatchObject({ reuses: 1, copies: 0 })
  })

  test('is mapped writable by the load already from 6.11 on', () => {
    const s = swapped('mm-id')
    s.load(0, 0)
    expect(s.entry(0, 0).write).toBe(true)
    expect(s.faults(() => s.store(0, 0))).toBe(0)
  })

  test('is taken at once by a store', () => {
    for (const policy of [
      'reuse-swap-page',
      'page-count',
      'page-count-refined',
      'anon-exclusive',
    ]) {
      const s = swapped(policy)
      expect([policy, s.faults(() => s.store(0, 0))]).toEqual([policy, 1])
      expect(s.counts).toMatchObject({ reuses: 1, copies: 0 })
    }
  })
})

describe('a page in the swapcache under a reference', () => {
  function held(policy: string): Scene {
    const s = new Scene(policy)
    const mm = s.owner(1)
    s.pin(mm, 0, 1, PIN_VMSPLICE)
    s.swapout(mm, 0, 1)
    return s
  }

  test('is found again and taken, by reuse_swap_page() and by the exclusive marker', () => {
    for (const policy of ['reuse-swap-page', 'page-count', 'anon-exclusive']) {
      const s = held(policy)
      s.store(0, 0)
      expect([policy, s.counts.reuses, s.counts.copies]).toEqual([policy, 1, 0])
    }
  })

  test('is copied by 5.18, where neither is left', () => {
    const s = held('page-count-refined')
    s.store(0, 0)
    expect(s.counts).toMatchObject({ reuses: 0, spurious_copies: 1 })
  })
})

describe('an entry that another process has too', () => {
  function shared(policy: string): Scene {
    const s = new Scene(policy)
    const parent = s.owner(1)
    s.fork(parent)
    s.swapout(parent, 0, 1)
    return s
  }

  test('brings the page into the swapcache, and a store copies it', () => {
    const s = shared('anon-exclusive')
    s.store(0, 0)
    expect(s.counts).toMatchObject({ needed_copies: 1, reuses: 0 })
    // The page that was read stays for the child's entry.
    expect(s.m.k.swap.used).toBe(1)
    expect(s.load(1, 0)).toBe(0)
  })

  test('is taken over by mapcount alone, and the child reads what its parent stored', () => {
    const s = shared('mapcount')
    s.store(0, 0)
    expect(s.counts).toMatchObject({ unsafe_reuses: 1 })
    s.load(1, 0)
    expect(s.counts.leaks).toBe(1)
  })

  test('is the last one after the other has gone', () => {
    const s = shared('anon-exclusive')
    s.exit(1)
    s.store(0, 0)
    expect(s.counts).toMatchObject({ copies: 0, reuses: 1 })
  })
})
