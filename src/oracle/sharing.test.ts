/** sharing.test: who is the sole user of a page, through every way in which pages come to be shared and cease to be. */
import { expect, test } from 'vitest'
import {
  COPY,
  COPY_KSM,
  COPY_LARGE,
  COPY_MAPPED,
  COPY_NOT_ANON,
  REUSE,
  REUSE_EXCLUSIVE,
  SITE_TABLE,
  SITE_WP,
  SITE_WP_HUGE,
} from '../policy/verdict.ts'
import { HOLD_GET_RO, SAW_LEAK, SAW_MISMATCH } from '../trace/observed.ts'
import { MAP_PRIVATE_ANON, MAP_PRIVATE_FILE, MAP_SHARED } from '../trace/ops.ts'
import { describe } from './describe.ts'
import { noCounts } from './judge.ts'
import { Oracle } from './oracle.ts'

const P = 0
const C = 1
const D = 2
const E = 3

/** A process with `pages` pages, each stored once. */
function parent(pages = 8): Oracle {
  const oracle = new Oracle()
  oracle.spawn(P)
  oracle.mmap(P, 0, pages, MAP_PRIVATE_ANON, 0, 0)
  for (let vpn = 0; vpn < pages; vpn++) oracle.store(P, vpn)
  return oracle
}

/** Asked without consequences: a reuse by the sole user, or an unsafe one, with no store after it. */
function sole(oracle: Oracle, mm: number, vpn: number): boolean {
  return !oracle.verdict(SITE_WP, mm, vpn, 1, REUSE, 0)
}

function copyAndStore(oracle: Oracle, mm: number, vpn: number): void {
  oracle.verdict(SITE_WP, mm, vpn, 1, COPY_MAPPED, 0)
  oracle.store(mm, vpn)
}

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

test('userfaultfd: a store to a protected page without an event is a lost event', () => {
  const oracle = parent()
  oracle.mmap(P, 512, 8, MAP_PRIVATE_ANON, 0, 0)
  oracle.uffdWp(P, 0, 8, true)
  oracle.uffdWp(P, 512, 8, true)
  // Page 0 the right way: event, answer, store.
  oracle.uffdEvent(P, 0)
  oracle.uffdWp(P, 0, 1, false)
  oracle.store(P, 0)
  expect(oracle.counts).toEqual(noCounts())
  // An event more than needed, a store without one, and a hole, which cannot be protected.
  oracle.uffdEvent(P, 0)
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
