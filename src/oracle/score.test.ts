/** score.test: decisions about more than one page: huge folios, page tables, fills and collapse. */
import { expect, test } from 'vitest'
import {
  COPY,
  COPY_LARGE,
  COPY_MAPPED,
  REUSE,
  REUSE_EXCLUSIVE,
  SITE_TABLE,
  SITE_WP,
  SITE_WP_HUGE,
} from '../policy/verdict.ts'
import { C, D, P, parent, sole } from '../test/oracle/cases.ts'
import { HOLD_PIN_RO, SAW_LEAK, SAW_MISMATCH } from '../trace/observed.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

test('a huge reuse is one decision, safe only if every page is', () => {
  const oracle = parent(512)
  oracle.fork(P, C)
  expect(oracle.verdict(SITE_WP_HUGE, P, 0, 512, REUSE, 0)).toBe(true)
  oracle.dontneed(C, 0, 511)
  expect(oracle.verdict(SITE_WP_HUGE, P, 0, 512, REUSE, 0)).toBe(true)
  oracle.dontneed(C, 511, 1)
  expect(oracle.verdict(SITE_WP_HUGE, P, 0, 512, REUSE_EXCLUSIVE, 0)).toBe(false)
  expect(oracle.counts).toEqual({ ...noCounts(), reuses: 3, huge_reuses: 3, unsafe_reuses: 2 })
})

test('every later store into an unsafely reused huge page leads back to that one verdict', () => {
  const oracle = parent(512)
  oracle.fork(P, C)
  oracle.event = 5
  oracle.verdict(SITE_WP_HUGE, P, 0, 512, REUSE, 0)
  oracle.store(P, 0)
  oracle.event = 6
  const found = oracle.store(P, 300)
  oracle.event = 7
  expect(oracle.load(C, 300, found)).toBe(SAW_MISMATCH | SAW_LEAK)
  expect(oracle.breaches.map(describe)).toEqual([
    'process 1 loads from page 300 what process 0 stored after fork; caused by event 5: do_huge_pmd_wp_page on page 0 answered reuse',
  ])
})

test('a huge copy is 512 pages, each needed or spurious by itself, and separates them all', () => {
  const oracle = parent(512)
  oracle.fork(P, C)
  oracle.dontneed(C, 100, 412)
  oracle.verdict(SITE_WP_HUGE, P, 0, 512, COPY_MAPPED, 0)
  oracle.store(P, 0)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    huge_copies: 1,
    copies: 512,
    needed_copies: 100,
    spurious_copies: 412,
  })
  expect(sole(oracle, P, 50)).toBe(true)
  expect(sole(oracle, C, 50)).toBe(true)
  // Once more, now that nobody shares any of it: one missed decision.
  oracle.verdict(SITE_WP_HUGE, P, 0, 512, COPY_MAPPED, 0)
  expect(oracle.counts.missed_reuses).toBe(1)
  expect(oracle.counts.spurious_copies).toBe(412 + 512)
})

test('a refused huge page is one missed reuse only if all of it could have been reused', () => {
  const oracle = parent(512)
  oracle.fork(P, C)
  oracle.refusedHuge(P, 0, 512, COPY_LARGE)
  expect(oracle.counts.missed_reuses).toBe(0)
  oracle.dontneed(C, 0, 511)
  oracle.refusedHuge(P, 0, 512, COPY_LARGE)
  expect(oracle.counts.missed_reuses).toBe(0)
  oracle.exit(C)
  oracle.refusedHuge(P, 0, 512, COPY_LARGE)
  expect(oracle.counts).toEqual({ ...noCounts(), missed_reuses: 1 })
})

test('zeroes that a huge fault filled in are shared by fork; a hole is not', () => {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, 1024, MAP_PRIVATE_ANON, 0, 0)
  oracle.separated(P, 0, 512)
  oracle.store(P, 3)
  oracle.fork(P, C)
  expect(oracle.seesExpected(C, 4, 0)).toBe(true)
  expect(sole(oracle, P, 4)).toBe(false)
  expect(sole(oracle, P, 600)).toBe(true)
  oracle.dontneed(C, 4, 1)
  expect(sole(oracle, P, 4)).toBe(true)
  // Filled on both sides after the fork: two frames of zeroes.
  oracle.separated(P, 512, 512)
  oracle.separated(C, 512, 512)
  expect(sole(oracle, P, 600)).toBe(true)
})

test('collapse separates: content stays, sharing ends, nothing is counted', () => {
  const oracle = parent(512)
  const token = oracle.store(P, 7)
  oracle.fork(P, C)
  oracle.separated(C, 0, 512)
  expect(sole(oracle, P, 7)).toBe(true)
  expect(sole(oracle, C, 7)).toBe(true)
  expect(oracle.load(C, 7, token)).toBe(0)
  expect(oracle.counts.copies).toBe(0)
})

test('a page table is sole when nobody else uses it any more; its copy is no page copy', () => {
  const oracle = parent(1024)
  oracle.fork(P, C)
  oracle.tableShared(P, C, 0)
  oracle.tableShared(P, C, 512)
  oracle.fork(P, D)
  oracle.tableShared(P, D, 0)
  expect(oracle.verdict(SITE_TABLE, C, 0, 512, COPY, 0)).toBe(false)
  oracle.tableLeft(C, 0)
  oracle.exit(D)
  // Only the parent is left with the first table; the second is still shared with C.
  oracle.verdict(SITE_TABLE, P, 0, 512, COPY, 0)
  oracle.tableLeft(P, 0)
  expect(oracle.verdict(SITE_TABLE, P, 512, 512, REUSE, 0)).toBe(true)
  oracle.tableLeft(C, 600)
  expect(oracle.verdict(SITE_TABLE, P, 700, 512, REUSE, 0)).toBe(false)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    missed_reuses: 1,
    reuses: 2,
    unsafe_reuses: 1,
  })
  oracle.exit(C)
  oracle.exit(P)
  expect(oracle.idle).toBe(true)
})

test('pages are taken over without a verdict once nobody else can have them', () => {
  const oracle = parent(4)
  oracle.separated(P, 5, 1)
  // There are four pages to take over at once, and a frame of zeroes is left to verdict().
  expect(oracle.takesOver(P, 0, 6)).toBe(4)
  // The child has page 0. Page 5 is a frame of zeroes, and page 6 is none at all: verdict() has to be called.
  oracle.fork(P, C)
  for (const vpn of [0, 5, 6]) expect(oracle.takesOver(P, vpn, 1)).toBe(0)
  expect(oracle.counts).toEqual({ ...noCounts(), reuses: 4 })
  oracle.exit(C)
  expect(oracle.takesOver(P, 0, 1)).toBe(1)
  // The child's pin on page 1 stays with the frame that it had in common with its parent.
  oracle.fork(P, D)
  oracle.pin(1, D, 1, 1, HOLD_PIN_RO)
  oracle.verdict(SITE_WP, D, 1, 1, COPY_MAPPED, 0)
  oracle.store(D, 1)
  expect(oracle.takesOver(P, 1, 1)).toBe(0)
  expect(oracle.counts.reuses).toBe(5)
})
