/** sharing.test: who is the sole user of a page, as processes fork, exit, unmap and move. */
import { expect, test } from 'vitest'
import { C, copyAndStore, D, E, P, parent, sole } from '../test/oracle/cases.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import { Oracle } from './oracle.ts'

test('a page that was never shared has a sole user, before any fork and after everybody else is gone', () => {
  const oracle = parent()
  expect(sole(oracle, P, 0)).toBe(true)
  oracle.fork(P, C)
  expect(sole(oracle, P, 0)).toBe(false)
  expect(sole(oracle, C, 0)).toBe(false)
  oracle.exit(C)
  expect(sole(oracle, P, 0)).toBe(true)
})

test('a store after the fork is on a page of its own, on either side', () => {
  const oracle = parent()
  oracle.fork(P, C)
  copyAndStore(oracle, P, 0)
  copyAndStore(oracle, C, 1)
  expect([0, 1, 2].map((vpn) => sole(oracle, P, vpn))).toEqual([true, true, false])
  expect([0, 1, 2].map((vpn) => sole(oracle, C, vpn))).toEqual([true, true, false])
})

test('a page filled after the fork is shared with nobody', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.fork(P, C)
  oracle.store(P, 0)
  oracle.store(C, 0)
  expect(sole(oracle, P, 0)).toBe(true)
  expect(sole(oracle, C, 0)).toBe(true)
})

test('a chain of forks: the grandchild shares with the grandparent after the child is gone', () => {
  const oracle = parent()
  oracle.fork(P, C)
  oracle.fork(C, D)
  oracle.exit(C)
  expect(sole(oracle, P, 0)).toBe(false)
  expect(sole(oracle, D, 0)).toBe(false)
  oracle.exit(P)
  expect(sole(oracle, D, 0)).toBe(true)
})

test('siblings share what they inherited, with the parent alive or not', () => {
  const oracle = parent()
  oracle.fork(P, C)
  copyAndStore(oracle, P, 1)
  oracle.fork(P, D)
  oracle.exit(P)
  // Page 0 is older than both children; page 1 was stored between their births.
  expect(sole(oracle, C, 0)).toBe(false)
  expect(sole(oracle, C, 1)).toBe(true)
  expect(sole(oracle, D, 1)).toBe(true)
  copyAndStore(oracle, C, 0)
  expect(sole(oracle, D, 0)).toBe(true)
})

test('of a hundred relatives one that shares is enough, in whatever order they exit', () => {
  const oracle = parent(2)
  for (let child = 1; child <= 100; child++) oracle.fork(P, child)
  for (let child = 1; child <= 100; child++) if (child !== 57) copyAndStore(oracle, child, 0)
  expect(sole(oracle, P, 0)).toBe(false)
  for (let child = 100; child >= 1; child -= 2) oracle.exit(child)
  expect(sole(oracle, P, 0)).toBe(false)
  oracle.exit(57)
  expect(sole(oracle, P, 0)).toBe(true)
  // Page 1 is still shared with the 49 that are left, the first of them included.
  expect(sole(oracle, 1, 1)).toBe(false)
})

test('strangers share nothing, though they have the same addresses', () => {
  const oracle = parent()
  oracle.spawn(C)
  oracle.mmap(C, 0, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.store(C, 0)
  expect(sole(oracle, P, 0)).toBe(true)
  expect(sole(oracle, C, 0)).toBe(true)
})

test('munmap, dontneed and exec give a share up, page by page', () => {
  const oracle = parent(1024)
  oracle.fork(P, C)
  oracle.munmap(C, 0, 2)
  oracle.dontneed(C, 2, 2)
  expect([0, 1, 2, 3, 4].map((vpn) => sole(oracle, P, vpn))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ])
  // A whole page table at once, and part of the next.
  oracle.munmap(C, 512, 513)
  expect([511, 512, 1023].map((vpn) => sole(oracle, P, vpn))).toEqual([false, true, true])
  oracle.exec(C)
  expect(sole(oracle, P, 4)).toBe(true)
})

test('a moved page keeps its sharers, and what is mapped in its place has none', () => {
  const oracle = parent()
  oracle.fork(P, C)
  oracle.mremap(P, 0, 4, 1024)
  expect(sole(oracle, P, 1024)).toBe(false)
  expect(sole(oracle, C, 0)).toBe(false)
  oracle.mmap(P, 0, 4, MAP_PRIVATE_ANON, 0, 0)
  oracle.store(P, 0)
  expect(sole(oracle, P, 0)).toBe(true)
  expect(sole(oracle, C, 0)).toBe(false)
  copyAndStore(oracle, P, 1024)
  expect(sole(oracle, C, 0)).toBe(true)
})

test('moves add up on both sides: halves of an area that went different ways still find each other', () => {
  const oracle = parent()
  oracle.mremap(P, 0, 8, 1024)
  oracle.fork(P, C)
  oracle.mremap(P, 1024, 4, 2048)
  oracle.mremap(P, 2050, 2, 4096)
  oracle.mremap(C, 1024, 8, 512)
  // Home 1 is at 2049 and 513, home 3 at 4097 and 515, home 5 at 1029 and 517.
  for (const [mine, its] of [
    [2049, 513],
    [4097, 515],
    [1029, 517],
  ] as const) {
    expect([sole(oracle, P, mine), sole(oracle, C, its)]).toEqual([false, false])
    copyAndStore(oracle, C, its)
    expect(sole(oracle, P, mine)).toBe(true)
  }
  oracle.exit(C)
  oracle.exit(P)
  expect(oracle.idle).toBe(true)
})

test('a move carries along what was moved into the area before, and what was there from the start', () => {
  const oracle = parent()
  oracle.mmap(P, 1024, 2, MAP_PRIVATE_ANON, 0, 0)
  oracle.store(P, 1024)
  oracle.fork(P, C)
  oracle.mremap(P, 4, 2, 1026)
  oracle.mremap(P, 1024, 4, 2048)
  // Home 1024 is at 2048 now, home 4 at 2050; the child has both at home.
  for (const [mine, home] of [
    [2048, 1024],
    [2050, 4],
  ] as const) {
    expect(sole(oracle, P, mine)).toBe(false)
    oracle.dontneed(C, home, 1)
    expect(sole(oracle, P, mine)).toBe(true)
  }
})

test('four generations and their exits leave nothing behind', () => {
  const oracle = parent(2000)
  oracle.fork(P, C)
  oracle.fork(C, D)
  oracle.fork(D, E)
  for (const mm of [C, P, E]) oracle.exit(mm)
  expect(oracle.idle).toBe(false)
  expect(sole(oracle, D, 1999)).toBe(true)
  oracle.exit(D)
  expect(oracle.idle).toBe(true)
})
