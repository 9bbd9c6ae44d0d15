/** objects.test: files and shared memory, which belong to nobody, and private pages that begin as a file. */
import { expect, test } from 'vitest'
import { COPY_NOT_ANON, SITE_WP } from '../policy/verdict.ts'
import { C, D, P, sole } from '../test/oracle/cases.ts'
import { DEV_COHERENT, HOLD_PIN_RO, SAW_MISMATCH } from '../trace/observed.ts'
import { MAP_PRIVATE_ANON, MAP_PRIVATE_FILE, MAP_SHARED } from '../trace/ops.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

test('a private file page shows the file until the first store, whose copy is needed', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_FILE, 4, 100)
  const cached = oracle.objectPage(4, 103)
  expect(oracle.objectPage(4, 103)).toBe(cached)
  expect(oracle.seesExpected(P, 3, cached)).toBe(true)
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, P, 3, 1, COPY_NOT_ANON, 0)
  const stored = oracle.store(P, 3)
  expect(oracle.counts).toEqual({ ...noCounts(), copies: 1, needed_copies: 1 })
  expect(oracle.load(C, 3, cached)).toBe(0)
  expect(oracle.load(P, 3, stored)).toBe(0)
  // From the first store on it is a page like any other: not shared here, shared after the next fork.
  expect(sole(oracle, P, 3)).toBe(true)
  oracle.fork(P, D)
  expect(sole(oracle, P, 3)).toBe(false)
  // What is in the file is no secret: finding it where it does not belong is no leak.
  expect(oracle.load(P, 3, cached)).toBe(SAW_MISMATCH)
  oracle.dontneed(P, 3, 1)
  expect(oracle.load(P, 3, cached)).toBe(0)
})

test('file mappings are cut and moved with their pages', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_FILE, 4, 0)
  const cached = [0, 1, 2, 3, 4, 5, 6, 7].map((pgoff) => oracle.objectPage(4, pgoff))
  oracle.mremap(P, 2, 4, 1024)
  oracle.munmap(P, 1025, 1)
  oracle.verdict(SITE_WP, P, 1026, 1, COPY_NOT_ANON, 0)
  oracle.store(P, 1026)
  oracle.dontneed(P, 1026, 1)
  expect([0, 1, 6, 7].map((vpn) => oracle.seesExpected(P, vpn, cached[vpn] ?? -1))).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(oracle.seesExpected(P, 1024, cached[2] ?? -1)).toBe(true)
  expect(oracle.seesExpected(P, 1025, 0)).toBe(true)
  expect(oracle.seesExpected(P, 1026, cached[4] ?? -1)).toBe(true)
  // Anonymous memory in the place of what went away shows zeroes, also after dontneed.
  oracle.mmap(P, 2, 4, MAP_PRIVATE_ANON, 0, 0)
  oracle.store(P, 4)
  oracle.dontneed(P, 2, 4)
  expect(oracle.seesExpected(P, 4, 0)).toBe(true)
  oracle.mmap(P, 1025, 1, MAP_PRIVATE_ANON, 0, 0)
  oracle.dontneed(P, 1025, 1)
  expect(oracle.seesExpected(P, 1025, 0)).toBe(true)
  // The child has the parent's mappings.
  oracle.fork(P, C)
  oracle.verdict(SITE_WP, C, 7, 1, COPY_NOT_ANON, 0)
  oracle.store(C, 7)
  oracle.dontneed(C, 7, 1)
  expect(oracle.seesExpected(C, 7, cached[7] ?? -1)).toBe(true)
})

test('shared memory: everybody sees the last store, and nobody leaks', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_SHARED, 7, 0)
  oracle.fork(P, C)
  oracle.spawn(D)
  oracle.mmap(D, 512, 4, MAP_SHARED, 7, 0)
  expect(oracle.seesExpected(D, 512, 0)).toBe(true)
  const first = oracle.store(C, 1)
  for (const [mm, vpn] of [
    [P, 1],
    [C, 1],
    [D, 513],
  ] as const) {
    expect(oracle.load(mm, vpn, first)).toBe(0)
  }
  const second = oracle.store(P, 1)
  expect(oracle.load(D, 513, first)).toBe(SAW_MISMATCH)
  expect(oracle.load(D, 513, second)).toBe(0)
  expect(oracle.objectPage(7, 1)).toBe(second)
  expect(oracle.counts).toEqual({ ...noCounts(), lost_writes: 1 })
})

test('a private mapping of a file shows stores through a shared one until its own first store', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 4, MAP_SHARED, 7, 0)
  oracle.mmap(P, 512, 4, MAP_PRIVATE_FILE, 7, 0)
  const first = oracle.store(P, 0)
  expect(oracle.load(P, 512, first)).toBe(0)
  oracle.verdict(SITE_WP, P, 512, 1, COPY_NOT_ANON, 0)
  const own = oracle.store(P, 512)
  oracle.store(P, 0)
  expect(oracle.load(P, 512, own)).toBe(0)
})

test('what is stored to shared memory is no secret, whoever else stores the same bytes', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_SHARED, 4, 0)
  oracle.fork(P, C)
  const stored = oracle.storeSame(P, 3, 1)
  oracle.pin(1, C, 3, 1, HOLD_PIN_RO)
  expect(oracle.devread(1, 0, stored)).toBe(DEV_COHERENT)
  expect(oracle.counts).toEqual(noCounts())
})
