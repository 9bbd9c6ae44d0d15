/** merges.test: pages that KSM made one, and pages that only hold the same bytes. */
import { expect, test } from 'vitest'
import { COPY_KSM, REUSE, SITE_WP } from '../policy/verdict.ts'
import { C, copyAndStore, D, P, sole } from '../test/oracle/cases.ts'
import { HOLD_GET_RO, SAW_LEAK, SAW_MISMATCH } from '../trace/observed.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

test('KSM: the page is shared by whoever was merged, relatives or not, and by their children', () => {
  const oracle = new Oracle()
  for (const mm of [P, C]) {
    oracle.spawn(mm)
    oracle.mmap(mm, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  }
  const token = oracle.storeSame(P, 0, 1)
  expect(oracle.storeSame(P, 1, 1)).toBe(token)
  expect(oracle.storeSame(C, 5, 1)).toBe(token)
  // Equal bytes are not one page yet.
  expect(sole(oracle, P, 0)).toBe(true)
  oracle.merged([P, 0, P, 1, C, 5])
  expect([sole(oracle, P, 0), sole(oracle, P, 1), sole(oracle, C, 5)]).toEqual([
    false,
    false,
    false,
  ])
  expect(oracle.load(C, 5, token)).toBe(0)
  oracle.fork(C, D)
  oracle.exit(C)
  copyAndStore(oracle, P, 0)
  copyAndStore(oracle, P, 1)
  // The child that was forked from a member is the last user.
  expect(sole(oracle, D, 5)).toBe(true)
  expect(oracle.load(D, 5, token)).toBe(0)
})

test('KSM: the first page is the one that is kept, and a relative may have it without being merged', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  for (const vpn of [0, 1]) oracle.storeSame(P, vpn, 1)
  oracle.fork(P, C)
  oracle.merged([P, 1, P, 0])
  copyAndStore(oracle, P, 0)
  expect([sole(oracle, P, 1), sole(oracle, C, 1)]).toEqual([false, false])
  // Of the page that is gone the relative is the only one left.
  expect(sole(oracle, C, 0)).toBe(true)
  copyAndStore(oracle, C, 1)
  expect(sole(oracle, P, 1)).toBe(true)
})

test('KSM: what is merged although it holds other bytes is lost, and what is found there is a leak', () => {
  const oracle = new Oracle()
  for (const mm of [P, C]) {
    oracle.spawn(mm)
    oracle.mmap(mm, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  }
  const kept = oracle.storeSame(P, 0, 1)
  oracle.storeSame(P, 1, 2)
  oracle.storeSame(C, 0, 3)
  oracle.merged([P, 0, P, 1, C, 0])
  expect(oracle.load(P, 0, kept)).toBe(0)
  expect(oracle.load(P, 1, kept)).toBe(SAW_MISMATCH)
  expect(oracle.load(C, 0, kept)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.counts).toEqual({ ...noCounts(), lost_writes: 1, leaks: 1 })
  // A store in place would change what the others find there.
  expect([sole(oracle, P, 0), sole(oracle, P, 1)]).toEqual([false, false])
  expect(copyAndStore(oracle, P, 1)).toBe(false)
})

test("KSM: another process's pin of a merged page keeps the last mapper from being the sole user", () => {
  const oracle = new Oracle()
  for (const mm of [P, C]) {
    oracle.spawn(mm)
    oracle.mmap(mm, 0, 8, MAP_PRIVATE_ANON, 0, 0)
    oracle.storeSame(mm, 0, 1)
  }
  oracle.merged([P, 0, C, 0])
  oracle.pin(1, C, 0, 1, HOLD_GET_RO)
  oracle.munmap(C, 0, 8)
  expect(sole(oracle, P, 0)).toBe(false)
  oracle.unpin(1)
  expect(sole(oracle, P, 0)).toBe(true)
})

test('KSM: the last user is sole, and a copy for it is spurious', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  for (const vpn of [0, 1, 2, 3]) oracle.storeSame(P, vpn, 1)
  oracle.merged([P, 0, P, 1])
  oracle.merged([P, 1, P, 2, P, 3])
  for (const vpn of [0, 1, 2, 3]) {
    oracle.verdict(SITE_WP, P, vpn, 1, COPY_KSM, 0)
    oracle.store(P, vpn)
  }
  expect(oracle.counts).toEqual({
    ...noCounts(),
    copies: 4,
    needed_copies: 3,
    spurious_copies: 1,
    missed_reuses: 1,
  })
})

test("KSM: a reuse while the process's other page is merged loses that page's content", () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  for (const vpn of [0, 1]) oracle.storeSame(P, vpn, 1)
  oracle.merged([P, 0, P, 1])
  oracle.event = 5
  expect(oracle.verdict(SITE_WP, P, 0, 1, REUSE, 0)).toBe(true)
  const found = oracle.store(P, 0)
  expect(oracle.load(P, 1, found)).toBe(SAW_MISMATCH)
  expect(oracle.breaches.map(describe)).toEqual([
    'process 0 loads what process 0 stored from page 1, which is not the last store there; caused by event 5: do_wp_page on page 0 answered reuse',
  ])
})

test('bytes that two processes stored on their own are no secret between them', () => {
  const oracle = new Oracle()
  for (const mm of [P, C]) {
    oracle.spawn(mm)
    oracle.mmap(mm, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  }
  const first = oracle.storeSame(P, 0, 1)
  expect(oracle.load(C, 1, first)).toBe(SAW_MISMATCH | SAW_LEAK)
  oracle.storeSame(C, 0, 1)
  expect(oracle.load(C, 1, first)).toBe(SAW_MISMATCH)
})
