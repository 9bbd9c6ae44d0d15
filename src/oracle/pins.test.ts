/** pins.test: what each kind of reference promises, and whether the promise is kept. */
import { expect, test } from 'vitest'
import {
  COPY,
  COPY_MAPPED,
  COPY_REFERENCED,
  SITE_FORK,
  SITE_TABLE,
  SITE_WP,
} from '../policy/verdict.ts'
import { C, copyAndStore, D, P, untouched } from '../test/oracle/cases.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_NOLEAK,
  HOLD_GET_RO,
  HOLD_GET_WRITE,
  HOLD_PIN_RO,
  HOLD_PIN_WRITE,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { Oracle } from './oracle.ts'

test.each([
  { hold: HOLD_GET_RO, name: 'vmsplice', lost: 0, stale: 1 },
  { hold: HOLD_GET_WRITE, name: 'direct I/O', lost: 1, stale: 0 },
  { hold: HOLD_PIN_RO, name: 'r/o FOLL_PIN', lost: 1, stale: 0 },
  { hold: HOLD_PIN_WRITE, name: 'FOLL_PIN', lost: 1, stale: 0 },
])('$name, no fork: a copy loses $lost promised and $stale unpromised reads', (kind) => {
  const oracle = untouched()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, kind.hold)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(kind.lost)
  expect(oracle.counts.stale_reads_unpromised).toBe(kind.stale)
})

test.each([
  { hold: HOLD_GET_WRITE, name: 'direct I/O by FOLL_GET', lost: 0, stale: 1 },
  { hold: HOLD_PIN_RO, name: 'r/o FOLL_PIN', lost: 1, stale: 0 },
  { hold: HOLD_PIN_WRITE, name: 'FOLL_PIN', lost: 1, stale: 0 },
])('$name across fork: a copy loses $lost promised and $stale unpromised reads', (kind) => {
  const oracle = untouched()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, kind.hold)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(kind.lost)
  expect(oracle.counts.stale_reads_unpromised).toBe(kind.stale)
})

test.each([
  { hold: HOLD_GET_WRITE, name: 'direct I/O by FOLL_GET', lost: 0, stale: 1 },
  { hold: HOLD_PIN_WRITE, name: 'FOLL_PIN', lost: 1, stale: 0 },
])('$name, taken before a fork in progress comes to its page, is across that fork', (kind) => {
  const oracle = untouched()
  const frame = oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.pin(1, P, 0, 1, kind.hold)
  oracle.forkedPages(P, C, 0, 1)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(kind.lost)
  expect(oracle.counts.stale_reads_unpromised).toBe(kind.stale)
})

test('a fork by somebody else ends no promise, nor does one before the pin', () => {
  const oracle = untouched()
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_WRITE)
  oracle.fork(C, D)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.counts.lost_coherence).toBe(1)
})

test("an unpromised device store expects nothing of the owner's page, and is still not for the child", () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_WRITE)
  oracle.fork(P, C)
  oracle.event = 5
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  const mapped = oracle.store(P, 0)
  const pinned = oracle.devwrite(1, 0)
  expect(oracle.load(P, 0, mapped)).toBe(0)
  expect(oracle.load(C, 0, pinned)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.breaches[0]?.cause?.event).toBe(5)
})

test('fork copies are needed exactly for pages under a pin that must survive fork', () => {
  const oracle = untouched()
  for (let vpn = 0; vpn < 8; vpn++) oracle.store(P, vpn)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(2, P, 1, 1, HOLD_PIN_RO)
  oracle.pin(3, P, 2, 1, HOLD_GET_WRITE)
  oracle.pin(4, P, 3, 1, HOLD_GET_RO)
  oracle.pin(5, P, 4, 1, HOLD_PIN_WRITE)
  oracle.unpin(5)
  oracle.fork(P, C)
  // Pages 0 and 1 need it. 2 and 3 are promised nothing, 4 no longer, 5 never: a count took them for pinned.
  for (let vpn = 0; vpn < 6; vpn++) oracle.verdict(SITE_FORK, P, vpn, 1, COPY_REFERENCED, C)
  expect(oracle.counts.fork_copies).toBe(6)
  expect(oracle.counts.copies).toBe(6)
  expect(oracle.counts.needed_copies).toBe(2)
  expect(oracle.counts.spurious_copies).toBe(4)
  expect(oracle.counts.missed_reuses).toBe(0)
  // Whoever got a copy, neither side shares it; the pages left alone are shared.
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((vpn) => copyAndStore(oracle, C, vpn))).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
    false,
    false,
  ])
})

test('the copy made for the child holds what the parent had, and the pin stays with the parent', () => {
  const oracle = untouched()
  const before = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  oracle.verdict(SITE_FORK, P, 0, 1, COPY_REFERENCED, C)
  const after = oracle.store(P, 0)
  expect(oracle.load(C, 0, before)).toBe(0)
  expect(oracle.devread(1, 0, after)).toBe(DEV_COHERENT)
  expect(oracle.load(P, 0, oracle.devwrite(1, 0))).toBe(0)
  expect(oracle.breaches).toEqual([])
})

test('after dontneed the pinned address promises nothing: noleak, whatever is there now', () => {
  const oracle = untouched()
  const frame = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.dontneed(P, 0, 1)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_NOLEAK)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_NOLEAK)
  const pinned = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(P, 0, pinned)).toBe(false)
  expect(oracle.devread(1, 0, pinned)).toBe(DEV_NOLEAK)
  // A new pin of the same address is a new promise.
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.devread(2, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
  expect(oracle.breaches).toEqual([])
})

test('a pin follows its page through mremap', () => {
  const oracle = untouched()
  oracle.store(P, 1)
  oracle.pin(1, P, 1, 1, HOLD_PIN_WRITE)
  oracle.mremap(P, 0, 8, 1024)
  expect(oracle.devread(1, 0, oracle.store(P, 1025))).toBe(DEV_COHERENT)
  oracle.verdict(SITE_WP, P, 1025, 1, COPY_REFERENCED, 0)
  const copy = oracle.store(P, 1025)
  oracle.devwrite(1, 0)
  expect(oracle.load(P, 1025, copy)).toBe(SAW_MISMATCH)
  expect(oracle.counts.lost_coherence).toBe(1)
})

test('of several pins of one page each goes its own way', () => {
  const oracle = untouched()
  const first = oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  oracle.pin(3, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(2)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  const second = oracle.store(P, 0)
  oracle.pin(4, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(1)
  expect(oracle.devread(3, 0, first)).toBe(DEV_INCOHERENT)
  expect(oracle.devread(4, 0, second)).toBe(DEV_COHERENT)
  oracle.unpin(3)
  oracle.unpin(4)
  oracle.exit(P)
  expect(oracle.idle).toBe(true)
})

test('device stores before and after a fork are told apart', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  const early = oracle.devwrite(1, 0)
  oracle.fork(P, C)
  const late = oracle.devwrite(1, 0)
  expect(oracle.load(C, 0, early)).toBe(0)
  expect(oracle.load(C, 0, late)).toBe(SAW_MISMATCH | SAW_LEAK)
})

test('what went astray before a fork is expected by the child, what went astray after it is not', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  const mapped = oracle.store(P, 0)
  const early = oracle.devwrite(1, 0)
  const again = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(P, 0, early)).toBe(false)
  expect(oracle.seesExpected(P, 0, again)).toBe(true)
  oracle.fork(P, C)
  const late = oracle.devwrite(1, 0)
  expect(oracle.seesExpected(C, 0, again)).toBe(true)
  expect(oracle.seesExpected(P, 0, late)).toBe(true)
  // Parent and child still share the page that neither should see, and the store ends that.
  expect(oracle.load(C, 0, mapped)).toBe(SAW_MISMATCH)
  expect(copyAndStore(oracle, P, 0)).toBe(false)
  expect(copyAndStore(oracle, C, 0)).toBe(true)
})

test('pins of shared memory see every store, and everybody sees the device', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_SHARED, 9, 0)
  oracle.fork(P, C)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.devread(1, 0, oracle.store(C, 0))).toBe(DEV_COHERENT)
  const token = oracle.devwrite(1, 0)
  expect(oracle.load(P, 0, token)).toBe(0)
  expect(oracle.load(C, 0, token)).toBe(0)
  oracle.munmap(P, 0, 4)
  const late = oracle.devwrite(1, 0)
  expect(oracle.load(C, 0, late)).toBe(0)
  expect(oracle.breaches).toEqual([])
})

test('a process that copies its page table leaves its own pin with the relative, by that copy', () => {
  const oracle = untouched()
  const frame = oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.tableShared(P, C, 0)
  // The table still said writable: the pin took the shared page.
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.event = 5
  oracle.verdict(SITE_TABLE, P, 0, 512, COPY_MAPPED, 0)
  oracle.verdict(SITE_FORK, P, 0, 1, COPY, P)
  oracle.tableLeft(P, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_INCOHERENT)
  expect(oracle.breaches.map(describe)).toEqual([
    'the DMA buffer held by process 0 does not show what that process has on page 0; caused by event 5: fork on page 0 answered copy',
  ])
})
