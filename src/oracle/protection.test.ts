/** protection.test: userfaultfd write protection: which events must come, and which need not. */
import { expect, test } from 'vitest'
import { COPY_MAPPED, SITE_WP } from '../policy/verdict.ts'
import { C, P, parent } from '../test/oracle/cases.ts'
import { MAP_PRIVATE_ANON, UFFD_WP } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'

test('userfaultfd: a store to a protected page without an event is a lost event', () => {
  const oracle = parent()
  oracle.mmap(P, 512, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.uffdWp(P, 0, 8, true)
  oracle.uffdWp(P, 512, 8, true)
  // Page 0 the right way: event, answer, store.
  oracle.uffdEvent(P, 0, UFFD_WP)
  oracle.uffdWp(P, 0, 1, false)
  oracle.store(P, 0)
  expect(oracle.counts).toEqual(noCounts())
  // An event more than needed, a store without one, and a hole, which cannot be protected.
  oracle.uffdEvent(P, 0, UFFD_WP)
  oracle.store(P, 1)
  oracle.store(P, 512)
  expect(oracle.counts).toEqual({ ...noCounts(), extra_events: 1, lost_events: 1 })
  expect(oracle.breaches.map(describe)).toEqual([
    'a store by process 0 to write-protected page 1 raised no event; no verdict led to it',
  ])
})

test('userfaultfd: the child is not registered, and what is dropped or moved is protected no more', () => {
  const oracle = parent()
  oracle.uffdWp(P, 0, 8, true)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, C, 0, 1, COPY_MAPPED, 0)
  oracle.store(C, 0)
  oracle.dontneed(P, 1, 1)
  oracle.store(P, 1)
  oracle.mremap(P, 4, 4, 1024)
  oracle.verdict(SITE_WP, P, 1024, 1, COPY_MAPPED, 0)
  oracle.store(P, 1024)
  oracle.mmap(P, 4, 4, MAP_PRIVATE_ANON, 0, 0)
  oracle.store(P, 4)
  expect(oracle.counts.lost_events).toBe(0)
  oracle.verdict(SITE_WP, P, 2, 1, COPY_MAPPED, 0)
  oracle.store(P, 2)
  oracle.storeSame(P, 3, 1)
  expect(oracle.counts.lost_events).toBe(2)
})
