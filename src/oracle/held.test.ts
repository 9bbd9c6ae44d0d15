/** held.test: pages that a reference holds: whom it keeps from being the sole user, and how the page is got for it. */
import { expect, test } from 'vitest'
import { COPY_MAPPED, COPY_NOT_ANON, REUSE, SITE_UNSHARE, SITE_WP } from '../policy/verdict.ts'
import { C, copyAndStore, D, P, untouched } from '../test/oracle/cases.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  HOLD_GET_RO,
  HOLD_GET_WRITE,
  HOLD_PIN_RO,
  HOLD_PIN_WRITE,
} from '../trace/observed.ts'
import { MAP_PRIVATE_FILE } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { Oracle } from './oracle.ts'

test('fork does not hand a pin on, and exit drops it', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  oracle.fork(P, C)
  oracle.munmap(P, 0, 8)
  expect(copyAndStore(oracle, C, 1)).toBe(true)
  // The parent's pipe still holds page 0.
  oracle.fork(C, D)
  oracle.exit(C)
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  expect(oracle.counts.unsafe_reuses).toBe(1)
  oracle.store(D, 0)
  oracle.exit(P)
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  expect(oracle.counts.unsafe_reuses).toBe(1)
  expect(() => oracle.devread(1, 0, 0)).toThrow('unknown pin: 1')
})

test('exec drops pins too', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.pin(1, C, 0, 1, HOLD_GET_RO)
  oracle.exec(C)
  expect(copyAndStore(oracle, P, 0)).toBe(true)
})

test("a process's own pin never makes it share its page", () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.exit(C)
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  expect(copyAndStore(oracle, P, 0)).toBe(true)
})

test('what was copied away stays held: the child does not become the sole user while the pin lasts', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.verdict(SITE_WP, C, 0, 1, REUSE, 0)).toBe(true)
  const frame = oracle.store(C, 0)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_LEAK)
  oracle.unpin(1)
  expect(oracle.verdict(SITE_WP, C, 0, 1, REUSE, 0)).toBe(false)
})

test('an UNSHARE gives a r/o pin a page of its own: a copy while shared, the page itself when not', () => {
  const oracle = untouched()
  const before = oracle.store(P, 0)
  oracle.store(P, 1)
  oracle.fork(P, C)
  oracle.verdict(SITE_UNSHARE, P, 0, 1, COPY_MAPPED, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, before)).toBe(DEV_COHERENT)
  // The next store goes in place, to the page that the pin holds.
  expect(oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)).toBe(false)
  expect(oracle.devread(1, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
  expect(oracle.load(C, 0, before)).toBe(0)
  oracle.exit(C)
  oracle.verdict(SITE_UNSHARE, P, 1, 1, COPY_MAPPED, 0)
  expect(oracle.counts.unshare_copies).toBe(2)
  expect(oracle.counts.needed_copies).toBe(1)
  expect(oracle.counts.spurious_copies).toBe(1)
  expect(oracle.counts.missed_reuses).toBe(1)
  expect(oracle.counts.copies).toBe(2)
})

test('a pin without UNSHARE goes stale at the first store of its owner, from the zero page on', () => {
  const oracle = untouched()
  oracle.event = 3
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, 0)).toBe(DEV_COHERENT)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, 0)).toBe(DEV_INCOHERENT)
  expect(oracle.breaches.map(describe)).toEqual([
    'the read-only DMA buffer held by process 0 does not show what that process has on page 0; caused by event 3: the pin took page 0 as it was',
  ])
  // The pin is left with the zero page, which is nobody's: the child shares the new page with the parent only.
  oracle.fork(P, C)
  expect(copyAndStore(oracle, P, 0)).toBe(false)
  expect(copyAndStore(oracle, C, 0)).toBe(true)
})

test('a pipe that holds the zero page keeps nobody from the page that a write pin put there later', () => {
  const oracle = untouched()
  oracle.pin(1, P, 0, 1, HOLD_GET_RO)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  oracle.unpin(2)
  oracle.fork(P, C)
  expect(copyAndStore(oracle, P, 0)).toBe(false)
  expect(copyAndStore(oracle, C, 0)).toBe(true)
})

test('a write pin of an untouched page takes a frame of zeroes, which fork shares', () => {
  const oracle = untouched()
  oracle.pin(1, P, 0, 2, HOLD_GET_WRITE)
  oracle.unpin(1)
  oracle.fork(P, C)
  expect(copyAndStore(oracle, P, 0)).toBe(false)
  oracle.dontneed(C, 1, 1)
  expect(copyAndStore(oracle, P, 1)).toBe(true)
  // Page 2 was never there for anybody.
  expect(copyAndStore(oracle, P, 2)).toBe(true)
})

test('a write fault for a pin makes a copy that no store follows', () => {
  const oracle = untouched()
  const before = oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.load(P, 0, before)).toBe(0)
  // Each has a frame of its own now.
  expect(copyAndStore(oracle, C, 0)).toBe(true)
  expect(oracle.devread(1, 0, oracle.store(P, 0))).toBe(DEV_COHERENT)
})

test('the cause of a leak to a device is found after both mappings are gone', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.fork(P, C)
  oracle.event = 6
  oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)
  oracle.store(P, 0)
  // A grandchild shares the frame under the name that the unsafe store gave it, and reuses it too.
  oracle.fork(P, D)
  oracle.event = 8
  oracle.verdict(SITE_WP, D, 0, 1, REUSE, 0)
  const frame = oracle.store(D, 0)
  oracle.pin(1, C, 0, 1, HOLD_GET_RO)
  oracle.munmap(C, 0, 8)
  oracle.exit(P)
  expect(oracle.devread(1, 0, frame)).toBe(DEV_LEAK)
  expect(oracle.breaches[0]?.cause?.event).toBe(8)
})

test('an unsafe reuse is not mistaken for a fork that shared a pin', () => {
  const oracle = untouched()
  oracle.store(P, 0)
  oracle.event = 4
  oracle.fork(P, C)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  const found = oracle.devwrite(1, 0)
  oracle.load(C, 0, found)
  // The pin came after the fork: get_user_pages() took a shared page without asking anybody.
  expect(oracle.breaches[0]?.cause).toBe(null)
})

test('a r/o pin of a private file page stays with the page cache when the owner stores', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_PRIVATE_FILE, 9, 0)
  const cached = oracle.objectPage(9, 0)
  oracle.pin(1, P, 0, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, cached)).toBe(DEV_COHERENT)
  oracle.event = 7
  oracle.verdict(SITE_WP, P, 0, 1, COPY_NOT_ANON, 0)
  oracle.store(P, 0)
  expect(oracle.devread(1, 0, cached)).toBe(DEV_INCOHERENT)
  expect(oracle.breaches[0]?.cause?.event).toBe(7)
})
