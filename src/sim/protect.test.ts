/** Write protection and its ends: mprotect, soft-dirty and userfaultfd, by era. */
import { describe, expect, test } from 'vitest'
import { RW, Scene, type SceneOptions } from '../test/scene.ts'
import {
  MADV_DONTNEED,
  MAP_SHARED,
  OP_LOAD,
  OP_STORE,
  PIN_DMAPIN,
  PROT_NONE,
  PROT_READ,
} from '../trace/ops.ts'
import { FAILED, OK, SEGV } from './answers.ts'

/** Faults that a store takes after mprotect to read-only and back. */
function faultsAfterCycle(policy: string, options: SceneOptions = {}, order = 0): number {
  const s = new Scene(policy, options)
  const mm = s.owner(order === 9 ? 512 : 1, { order })
  s.mprotect(mm, 0, order === 9 ? 512 : 1, PROT_READ)
  s.mprotect(mm, 0, order === 9 ? 512 : 1, RW)
  return s.faults(() => s.store(mm, 0))
}

describe('mprotect', () => {
  test('takes the right to store away, and to load', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    expect(s.mprotect(mm, 0, 1, PROT_READ)).toBe(OK)
    expect([s.do(OP_STORE, mm, 0), s.do(OP_STORE, mm, 1)]).toEqual([SEGV, OK])
    s.mprotect(mm, 0, 1, PROT_NONE)
    expect(s.do(OP_LOAD, mm, 0)).toBe(SEGV)
  })

  test('to read-only and back costs a fault up to 5.19, and none of an exclusive page since', () => {
    expect(faultsAfterCycle('page-count')).toBe(1)
    expect(faultsAfterCycle('anon-exclusive', { params: { mprotectUpgrade: 'none' } })).toBe(1)
    expect(faultsAfterCycle('anon-exclusive')).toBe(0)
    expect(faultsAfterCycle('mm-id')).toBe(0)
  })

  test('upgrades huge mappings only since 6.2', () => {
    expect(faultsAfterCycle('anon-exclusive', {}, 9)).toBe(1)
    expect(faultsAfterCycle('mm-id', {}, 9)).toBe(0)
  })

  test('upgrades no page that is shared, or that soft-dirty tracking waits for', () => {
    const shared = new Scene('mm-id')
    shared.fork(shared.owner(1))
    shared.mprotect(0, 0, 1, PROT_READ)
    shared.mprotect(0, 0, 1, RW)
    expect(shared.entry(0, 0).write).toBe(false)

    const tracked = new Scene('order0-copy')
    tracked.owner(1)
    tracked.clearRefs(0)
    tracked.mprotect(0, 0, 1, PROT_READ)
    tracked.mprotect(0, 0, 1, RW)
    expect(tracked.faults(() => tracked.store(0, 0))).toBe(1)
  })

  test('under a pin leaves 5.9 to 5.18 with a copy that the device does not see', () => {
    for (const [policy, copies] of [
      ['page-count', 1],
      ['page-count-refined', 1],
      ['anon-exclusive', 0],
    ] as const) {
      const s = new Scene(policy)
      const mm = s.owner(1)
      const pin = s.pin(mm, 0, 1, PIN_DMAPIN)
      s.mprotect(mm, 0, 1, PROT_READ)
      s.mprotect(mm, 0, 1, RW)
      s.store(mm, 0)
      s.devread(mm, pin)
      expect([policy, s.counts.copies, s.counts.lost_coherence]).toEqual([policy, copies, copies])
    }
  })

  test('fails where nothing is mapped', () => {
    const s = new Scene('anon-exclusive')
    expect(s.mprotect(s.owner(1), 100, 1, PROT_READ)).toBe(FAILED)
  })

  test('lets a shared mapping be stored to in place', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(1, { kind: MAP_SHARED })
    s.mprotect(mm, 0, 1, PROT_READ)
    s.mprotect(mm, 0, 1, RW)
    s.store(mm, 0)
    expect(s.counts).toMatchObject({ copies: 0, reuses: 0 })
  })
})

describe('clear_refs', () => {
  test('write-protects, so that the next store is seen', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    s.clearRefs(mm)
    expect(s.faults(() => s.store(mm, 0, 1))).toBe(2)
    expect(s.counts).toMatchObject({ reuses: 2, copies: 0 })
  })

  test('spares pinned pages from 5.11 on, and not in 5.9', () => {
    for (const [clearRefsPin, faults] of [
      [true, 0],
      [false, 1],
    ] as const) {
      const s = new Scene('page-count', { params: { clearRefsPin } })
      const mm = s.owner(1)
      s.pin(mm, 0, 1, PIN_DMAPIN)
      s.clearRefs(mm)
      expect(s.faults(() => s.store(mm, 0))).toBe(faults)
    }
  })

  test('spares no huge page: in 5.18 the store after it leaves the pin behind', () => {
    const s = new Scene('page-count-refined')
    const mm = s.owner(512, { order: 9 })
    const pin = s.pin(mm, 0, 1, PIN_DMAPIN)
    s.clearRefs(mm)
    s.store(mm, 0)
    s.devread(mm, pin)
    expect(s.counts).toMatchObject({ spurious_copies: 1, lost_coherence: 1 })
  })

  test('does nothing on a kernel without soft-dirty', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(1)
    s.clearRefs(mm)
    expect(s.faults(() => s.store(mm, 0))).toBe(0)
  })
})

describe('userfaultfd write-protection', () => {
  test('sends one event for a store to a protected page, then lets it through', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    s.uffdWp(mm, 0, 2, true)
    // The event, and the store that tries again: a reuse of the page that the manager left read-only.
    expect(s.faults(() => s.store(mm, 0))).toBe(2)
    expect(s.faults(() => s.store(mm, 0))).toBe(0)
    expect(s.counts).toMatchObject({ reuses: 1, lost_events: 0, extra_events: 0 })
  })

  test('is resolved to a writable entry from 6.12 on, which saves the second fault', () => {
    const s = new Scene('order0-copy')
    const mm = s.owner(1)
    s.uffdWp(mm, 0, 1, true)
    expect(s.faults(() => s.store(mm, 0))).toBe(1)
    expect(s.counts.reuses).toBe(0)
  })

  test('of 5.9 to 5.17 costs a copy where the page is still in the batch', () => {
    const s = new Scene('page-count')
    const mm = s.spawn()
    s.map(mm, 1)
    s.store(mm, 0)
    s.uffdWp(mm, 0, 1, true)
    s.uffdWp(mm, 0, 1, false)
    s.store(mm, 0)
    expect(s.counts).toMatchObject({ spurious_copies: 1, missed_reuses: 1 })
  })

  test('of a swapped page survives in its entry', () => {
    const s = new Scene('mm-id')
    const mm = s.owner(1)
    s.uffdWp(mm, 0, 1, true)
    s.swapout(mm, 0, 1)
    s.load(mm, 0)
    expect(s.entry(mm, 0).write).toBe(false)
    s.store(mm, 0)
    expect(s.counts).toMatchObject({ lost_events: 0, extra_events: 0 })
  })

  test('is not inherited, and gone with the page', () => {
    const s = new Scene('anon-exclusive')
    const mm = s.owner(2)
    s.uffdWp(mm, 0, 2, true)
    const child = s.fork(mm)
    // A copy, and no event before it.
    expect(s.faults(() => s.store(child, 0))).toBe(1)
    s.madvise(mm, 1, 1, MADV_DONTNEED)
    expect(s.faults(() => s.store(mm, 1))).toBe(1)
    expect(s.counts.lost_events).toBe(0)
  })

  test('is not there before 5.7', () => {
    const s = new Scene('on-demand-fork')
    expect(s.uffdWp(s.owner(1), 0, 1, true)).toBe(FAILED)
  })
})
