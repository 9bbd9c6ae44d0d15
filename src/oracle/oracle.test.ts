/**
 * oracle.test: the four wrong answers that a policy can give, each played by hand against the oracle, and what it makes
 * of them. Frames are played by variables: what a store returns is what the frame holds.
 */
import { expect, test } from 'vitest'
import { METRICS } from '../metrics/schema.ts'
import {
  COPY,
  COPY_MAPPED,
  COPY_REFERENCED,
  REUSE,
  SITE_FORK,
  SITE_SWAPIN,
  SITE_WP,
} from '../policy/verdict.ts'
import type { Judge } from '../sim/judge.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  DEV_NOLEAK,
  HOLD_GET_RO,
  HOLD_PIN_WRITE,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

const P = 0
const C = 1

/** A process with eight pages, and the token in each frame. */
function parent(): { oracle: Oracle; frames: number[] } {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  const frames = [0, 1, 2, 3, 4, 5, 6, 7].map((vpn) => oracle.store(P, vpn))
  return { oracle, frames }
}

test('the oracle has the shape that the mechanism calls', () => {
  const judge: Judge = new Oracle()
  expect(judge.event).toBe(0)
})

test('everything that is counted is a metric', () => {
  const metrics = METRICS.map((metric) => metric.id as string)
  expect(Object.keys(noCounts()).filter((id) => !metrics.includes(id))).toEqual([])
})

test('always reuse after fork: the child sees what the parent stored, and the verdict is named', () => {
  const { oracle, frames } = parent()
  oracle.event = 9
  oracle.fork(P, C)
  oracle.event = 10
  expect(oracle.verdict(SITE_WP, P, 3, 1, REUSE, 0)).toBe(true)
  const seen = oracle.store(P, 3)
  expect(oracle.seesExpected(P, 3, seen)).toBe(true)
  expect(oracle.seesExpected(C, 3, seen)).toBe(false)
  oracle.event = 11
  expect(oracle.load(C, 3, seen)).toBe(SAW_MISMATCH | SAW_LEAK)
  // The complement: the pages that the parent left alone look right to both.
  expect(oracle.load(C, 4, frames[4] ?? -1)).toBe(0)
  expect(oracle.load(P, 4, frames[4] ?? -1)).toBe(0)

  expect(oracle.counts).toEqual({ ...noCounts(), reuses: 1, unsafe_reuses: 1, leaks: 1 })
  expect(oracle.breaches).toEqual([
    {
      kind: 'leak',
      event: 11,
      mm: C,
      vpn: 3,
      pin: -1,
      hold: -1,
      token: seen,
      author: P,
      expected: frames[3],
      cause: { event: 10, mm: P, vpn: 3, site: SITE_WP, verdict: REUSE },
    },
  ])
  expect(oracle.breaches.map(describe)).toEqual([
    'process 1 loads from page 3 what process 0 stored after fork; caused by event 10: do_wp_page on page 3 answered reuse',
  ])
})

test('later stores without a question still lead back to the unsafe reuse that let them through', () => {
  const { oracle } = parent()
  oracle.fork(P, C)
  oracle.event = 10
  oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)
  oracle.store(P, 0)
  oracle.event = 11
  oracle.store(P, 0)
  oracle.event = 12
  const latest = oracle.store(P, 0)
  oracle.event = 13
  expect(oracle.load(C, 0, latest)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.breaches[0]?.cause?.event).toBe(10)
})

test('of two processes that both reuse the frame, the one whose store is seen is blamed', () => {
  const { oracle } = parent()
  oracle.fork(P, C)
  oracle.fork(P, 2)
  oracle.event = 10
  oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)
  const byParent = oracle.store(P, 0)
  oracle.event = 11
  oracle.verdict(SITE_WP, C, 0, 1, REUSE, 0)
  const byChild = oracle.store(C, 0)
  oracle.load(2, 0, byChild)
  oracle.load(2, 0, byParent)
  oracle.load(P, 0, byChild)
  expect(oracle.breaches.map(({ mm, author, cause }) => [mm, author, cause?.event])).toEqual([
    [2, C, 11],
    [2, P, 10],
    [P, C, 11],
  ])
})

test('reuse on mapcount after a vmsplice: the pipe of the child shows what the parent stores (CVE-2020-29374)', () => {
  const { oracle, frames } = parent()
  oracle.fork(P, C)
  oracle.pin(7, C, 0, 4, HOLD_GET_RO)
  oracle.munmap(C, 0, 8)
  // The child's own reference is all that is left of it: nobody else's store so far.
  expect(oracle.devread(7, 0, frames[0] ?? -1)).toBe(DEV_NOLEAK)
  oracle.event = 12
  expect(oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)).toBe(true)
  const frame = oracle.store(P, 0)
  oracle.event = 14
  expect(oracle.devread(7, 0, frame)).toBe(DEV_LEAK)
  expect(oracle.devread(7, 1, frames[1] ?? -1)).toBe(DEV_NOLEAK)
  expect(oracle.counts).toEqual({ ...noCounts(), reuses: 1, unsafe_reuses: 1, leaks: 1 })
  expect(oracle.breaches.map(describe)).toEqual([
    'the pipe held by process 1 shows what process 0 stored after fork; caused by event 12: do_wp_page on page 0 answered reuse',
  ])
})

test('while the pipe holds the page a copy is needed, and once it is drained it is not', () => {
  const { oracle } = parent()
  oracle.fork(P, C)
  oracle.pin(7, C, 0, 4, HOLD_GET_RO)
  oracle.munmap(C, 0, 8)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  // Page 4 was never in the pipe.
  oracle.verdict(SITE_WP, P, 4, 1, COPY_REFERENCED, 0)
  oracle.store(P, 4)
  oracle.unpin(7)
  oracle.verdict(SITE_WP, P, 1, 1, COPY_REFERENCED, 0)
  oracle.store(P, 1)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    copies: 3,
    needed_copies: 1,
    spurious_copies: 2,
    missed_reuses: 2,
  })
})

test('a copy under a promised pin: the device does not see the owner, nor the owner the device', () => {
  const { oracle, frames } = parent()
  oracle.event = 8
  oracle.pin(1, P, 0, 4, HOLD_PIN_WRITE)
  expect(oracle.devread(1, 0, frames[0] ?? -1)).toBe(DEV_COHERENT)
  // mprotect() took the write bit, and the extra reference looks like a sharer to page_count.
  oracle.event = 10
  expect(oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)).toBe(false)
  const mapped = oracle.store(P, 0)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    copies: 1,
    spurious_copies: 1,
    missed_reuses: 1,
  })
  oracle.event = 11
  expect(oracle.devread(1, 0, frames[0] ?? -1)).toBe(DEV_INCOHERENT)
  oracle.event = 12
  const pinned = oracle.devwrite(1, 0)
  expect(pinned).not.toBe(mapped)
  oracle.event = 13
  // The owner should load what the device stored, and loads its own store.
  expect(oracle.seesExpected(P, 0, pinned)).toBe(true)
  expect(oracle.load(P, 0, mapped)).toBe(SAW_MISMATCH)
  // And the device, which reads its own store, is still not where the owner is.
  expect(oracle.devread(1, 0, pinned)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(3)
  expect(oracle.counts.leaks + oracle.counts.lost_writes).toBe(0)
  const by = 'caused by event 10: do_wp_page on page 0 answered copy: referenced elsewhere'
  expect(oracle.breaches.map(describe)).toEqual([
    `the DMA buffer held by process 0 does not show what that process has on page 0; ${by}`,
    `process 0 does not see on page 0 what a device stored through a promised pin; ${by}`,
    `the DMA buffer held by process 0 does not show what that process has on page 0; ${by}`,
  ])
  // The owner's next store ends what it should have seen of the device.
  expect(oracle.load(P, 0, oracle.store(P, 0))).toBe(0)
})

test('the other pages of the pin stay coherent, in both directions', () => {
  const { oracle } = parent()
  oracle.pin(1, P, 0, 4, HOLD_PIN_WRITE)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  oracle.verdict(SITE_WP, P, 1, 1, REUSE, 0)
  const frame = oracle.store(P, 1)
  expect(oracle.devread(1, 1, frame)).toBe(DEV_COHERENT)
  expect(oracle.load(P, 1, oracle.devwrite(1, 1))).toBe(0)
  expect(oracle.counts.lost_coherence).toBe(0)
})

test('forgetting the swap entry of the child: what the parent stores at swap-in, the child swaps in too', () => {
  const { oracle, frames } = parent()
  oracle.fork(P, C)
  // Both are swapped out; the parent's store swaps in and mapcount sees no other mapping.
  oracle.event = 11
  expect(oracle.verdict(SITE_SWAPIN, P, 5, 1, REUSE, 0)).toBe(true)
  const swapcache = oracle.store(P, 5)
  oracle.event = 12
  expect(oracle.load(C, 5, swapcache)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.load(C, 6, frames[6] ?? -1)).toBe(0)
  expect(oracle.counts).toEqual({ ...noCounts(), reuses: 1, unsafe_reuses: 1, leaks: 1 })
  expect(oracle.breaches.map(describe)).toEqual([
    'process 1 loads from page 5 what process 0 stored after fork; caused by event 11: do_swap_page on page 5 answered reuse',
  ])
})

test('a fork that shares a pinned page: parent and device part at the next store, and the child sees the device', () => {
  // The litmus test 30_rw_pin_before_fork_parent_write, as 5.8 ran it.
  const { oracle, frames } = parent()
  oracle.event = 8
  oracle.pin(1, P, 0, 4, HOLD_PIN_WRITE)
  oracle.event = 9
  oracle.fork(P, C)
  oracle.event = 10
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const mapped = oracle.store(P, 0)
  expect(oracle.devread(1, 0, frames[0] ?? -1)).toBe(DEV_INCOHERENT)
  const pinned = oracle.devwrite(1, 0)
  expect(oracle.load(P, 0, mapped)).toBe(SAW_MISMATCH)
  expect(oracle.load(C, 0, pinned)).toBe(SAW_MISMATCH | SAW_LEAK)
  // Page 1 was not stored to: the device and its owner agree, and the child sees what is not for it.
  const both = oracle.devwrite(1, 1)
  expect(oracle.load(P, 1, both)).toBe(0)
  expect(oracle.load(C, 1, both)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    copies: 1,
    needed_copies: 1,
    lost_coherence: 2,
    leaks: 2,
  })
  const copy = { event: 10, mm: P, vpn: 0, site: SITE_WP, verdict: COPY_MAPPED }
  expect(oracle.breaches.map(({ kind, cause }) => [kind, cause])).toEqual([
    ['lost_coherence', copy],
    ['lost_coherence', copy],
    ['leak', copy],
    ['leak', { event: 9, mm: P, vpn: 1, site: SITE_FORK, verdict: REUSE }],
  ])
  expect(oracle.breaches.map(describe).at(-1)).toBe(
    'process 1 loads from page 1 what process 0 stored after fork; caused by event 9: fork shared page 1 in spite of its pin',
  )
})

test('a child forked later expects what its parent should have seen of the device', () => {
  // The end of 66_rw_pin_fork_parent_writes_then_child_exit_then_refork on 5.8: mismatch, and no leak.
  const { oracle } = parent()
  oracle.pin(1, P, 0, 2, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  oracle.event = 8
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const mapped = oracle.store(P, 0)
  oracle.devwrite(1, 0)
  oracle.unpin(1)
  oracle.fork(P, 2)
  expect(oracle.load(2, 0, mapped)).toBe(SAW_MISMATCH)
  expect(oracle.counts.lost_coherence).toBe(1)
  expect(oracle.breaches[0]?.cause).toMatchObject({ event: 8, mm: P })
})

test('a page given up reads zeroes: finding the old content is a lost write, of nobody else', () => {
  const { oracle, frames } = parent()
  oracle.fork(P, C)
  oracle.dontneed(C, 0, 4)
  expect(oracle.seesExpected(C, 0, 0)).toBe(true)
  // The child may see what its parent stored before the fork, so that this is no leak.
  expect(oracle.load(C, 0, frames[0] ?? -1)).toBe(SAW_MISMATCH)
  expect(oracle.counts).toEqual({ ...noCounts(), lost_writes: 1 })
  expect(oracle.breaches.map(describe)).toEqual([
    'process 1 loads what process 0 stored from page 0, which is not the last store there; no verdict led to it',
  ])
})

test('what MADV_FREE gave up may be dropped, unless something was stored to it since', () => {
  const { oracle, frames } = parent()
  oracle.lazyfree(P, 0, 3)
  oracle.fork(P, C)
  const stored = oracle.store(P, 1)
  for (const mm of [P, C]) for (let vpn = 0; vpn < 4; vpn++) oracle.dropped(mm, vpn)
  expect([0, 1, 2, 3].map((vpn) => oracle.seesExpected(P, vpn, 0))).toEqual([
    true,
    false,
    true,
    false,
  ])
  expect([0, 1, 2, 3].map((vpn) => oracle.seesExpected(C, vpn, 0))).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(oracle.load(P, 1, 0)).toBe(SAW_MISMATCH)
  expect(oracle.load(C, 3, 0)).toBe(SAW_MISMATCH)
  expect(oracle.counts).toEqual({ ...noCounts(), lost_writes: 2 })
  expect(oracle.breaches.map(({ mm, expected }) => [mm, expected])).toEqual([
    [P, stored],
    [C, frames[3]],
  ])
  // Nobody else has what is there now.
  oracle.verdict(SITE_WP, P, 1, 1, COPY, 0)
  expect(oracle.counts.spurious_copies).toBe(1)
  expect(oracle.seesExpected(P, 1, oracle.store(P, 1))).toBe(true)
})

test('only a page of zeroes may give way to the zero page', () => {
  const { oracle, frames } = parent()
  oracle.dontneed(P, 0, 2)
  oracle.zeroed(P, 0, 4)
  expect([0, 1, 2, 3].map((vpn) => oracle.load(P, vpn, 0))).toEqual([
    0,
    0,
    SAW_MISMATCH,
    SAW_MISMATCH,
  ])
  expect(oracle.counts).toEqual({ ...noCounts(), lost_writes: 2 })
  expect(oracle.breaches.map(({ expected }) => expected)).toEqual([frames[2], frames[3]])
})

test('after exec a process has nothing of its relatives', () => {
  const { oracle, frames } = parent()
  oracle.fork(P, C)
  oracle.exec(C)
  expect(oracle.load(C, 0, 0)).toBe(0)
  expect(oracle.load(C, 0, frames[0] ?? -1)).toBe(SAW_MISMATCH)
  // And the parent is the sole user of what it has.
  oracle.verdict(SITE_WP, P, 0, 1, COPY, 0)
  expect(oracle.counts.spurious_copies).toBe(1)
})

test('the first thousand breaches are kept in full, and all are counted', () => {
  const { oracle } = parent()
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)
  const seen = oracle.store(P, 0)
  for (let i = 0; i < 1200; i++) oracle.load(C, 0, seen)
  expect(oracle.counts.leaks).toBe(1200)
  expect(oracle.breaches.length).toBe(1000)
})

test('a token that was never handed out is a bug of the mechanism, not of a policy', () => {
  const { oracle } = parent()
  expect(() => oracle.load(P, 0, 123_456)).toThrow('unknown token: 123456')
})
