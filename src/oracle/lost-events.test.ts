/** lost-events.test: userfaultfd's missing and minor faults: which first accesses need an event, and which do not. */
import { expect, test } from 'vitest'
import { C, P, parent } from '../test/oracle/cases.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, UFFD_MINOR, UFFD_MISSING } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'
import type { Oracle } from './oracle.ts'

const OBJECT = 3
/** Two mappings of one object, at 512 and at 1024. */
function shared(): Oracle {
  const oracle = parent()
  oracle.mmap(P, 512, 8, MAP_SHARED, OBJECT, 0)
  oracle.mmap(P, 1024, 8, MAP_SHARED, OBJECT, 0)
  return oracle
}

/** The page comes into the cache by an access, as a fault makes it. */
function touch(oracle: Oracle, vpn: number): void {
  oracle.event++
  oracle.load(P, vpn, oracle.objectPage(OBJECT, vpn % 512))
}

test('missing: the first access to each page needs an event, what was there before does not', () => {
  const oracle = parent()
  oracle.mmap(P, 512, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.uffdRegister(P, 512, 8, UFFD_MISSING)
  oracle.uffdPresent(P, 519, 1)
  // Event, answer, access.
  oracle.uffdEvent(P, 512, UFFD_MISSING)
  oracle.uffdPresent(P, 512, 1)
  oracle.store(P, 512)
  oracle.load(P, 519, 0)
  expect(oracle.counts).toEqual(noCounts())
  // The kernel filled these on its own: one breach each, however often they are accessed.
  oracle.store(P, 513)
  oracle.store(P, 513)
  expect(oracle.seesExpected(P, 514, 0)).toBe(false)
  oracle.load(P, 514, 0)
  expect(oracle.seesExpected(P, 514, 0)).toBe(true)
  expect(oracle.counts).toEqual({ ...noCounts(), lost_events: 2 })
  expect(oracle.breaches.map(describe)).toEqual([
    'process 0 came upon page 513 of a range registered with userfaultfd without an event; no verdict led to it',
    'process 0 came upon page 514 of a range registered with userfaultfd without an event; no verdict led to it',
  ])
})

test('missing: asked for again after MADV_DONTNEED, not after it is unmapped, moved or no longer registered', () => {
  const oracle = parent()
  oracle.mmap(P, 512, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.uffdRegister(P, 512, 8, UFFD_MISSING)
  oracle.uffdPresent(P, 512, 8)
  oracle.dontneed(P, 512, 1)
  oracle.uffdEvent(P, 512, UFFD_MISSING)
  expect(oracle.counts.extra_events).toBe(0)
  oracle.store(P, 512)
  expect(oracle.counts.lost_events).toBe(1)
  // Fork leaves the child unregistered.
  oracle.fork(P, C)
  oracle.dontneed(C, 513, 1)
  oracle.store(C, 513)
  oracle.mremap(P, 514, 2, 1024)
  oracle.store(P, 1024)
  oracle.uffdRegister(P, 512, 2, 0)
  oracle.dontneed(P, 513, 1)
  oracle.store(P, 513)
  expect(oracle.counts.lost_events).toBe(1)
})

test('an event for a page that the manager has provided before is extra', () => {
  const oracle = shared()
  touch(oracle, 512)
  oracle.uffdRegister(P, 1024, 8, UFFD_MINOR)
  oracle.uffdEvent(P, 1024, UFFD_MINOR)
  oracle.uffdPresent(P, 1024, 1)
  expect(oracle.counts.extra_events).toBe(0)
  oracle.uffdEvent(P, 1024, UFFD_MINOR)
  expect(oracle.counts.extra_events).toBe(1)
})

test('minor: what is in the cache needs an event, what the access itself brings there does not', () => {
  const oracle = shared()
  touch(oracle, 512)
  oracle.uffdRegister(P, 1024, 8, UFFD_MINOR)
  touch(oracle, 1025)
  expect(oracle.counts.lost_events).toBe(0)
  touch(oracle, 1024)
  expect(oracle.counts.lost_events).toBe(1)
  // Filled by a collapse, a hole is in the cache as well.
  oracle.event++
  const filled = oracle.objectPage(OBJECT, 2)
  oracle.event++
  oracle.load(P, 1026, filled)
  expect(oracle.counts.lost_events).toBe(2)
})

test('missing, shared: a hole needs an event until some process has touched it, whoever filled it', () => {
  const oracle = shared()
  touch(oracle, 512)
  oracle.uffdRegister(P, 1024, 8, UFFD_MISSING)
  // In the cache before, and put there since by another mapping.
  touch(oracle, 1024)
  touch(oracle, 513)
  touch(oracle, 1025)
  expect(oracle.counts.lost_events).toBe(0)
  // A collapse filled it: nobody has touched it.
  oracle.event++
  const filled = oracle.objectPage(OBJECT, 2)
  oracle.event++
  oracle.load(P, 1026, filled)
  expect(oracle.counts).toMatchObject({ lost_events: 1, requested_lost_events: 0 })
})

test('events lost in what the process itself had collapsed are counted apart', () => {
  const oracle = shared()
  touch(oracle, 512)
  touch(oracle, 513)
  oracle.uffdRegister(P, 1024, 8, UFFD_MINOR)
  oracle.uffdPresent(P, 1024, 1)
  oracle.collapseRequested(P, 1024, 8)
  touch(oracle, 1024)
  touch(oracle, 1025)
  expect(oracle.counts).toMatchObject({ lost_events: 1, requested_lost_events: 1 })
})
