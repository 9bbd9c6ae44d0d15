/** plain-stores.test: verdicts and stores that the judge takes together, against the same one by one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { COPY_MAPPED, REUSE, SITE_WP } from '../policy/verdict.ts'
import { C, P, parent } from '../test/oracle/cases.ts'
import { HOLD_PIN_WRITE } from '../trace/observed.ts'
import { noCounts } from './judge.ts'

test('a store to a page that nobody else can have needs no verdict; any other is left to store()', () => {
  const oracle = parent(4)
  // Page 5 is a frame of zeroes.
  oracle.separated(P, 5, 1)
  expect(oracle.plainStores(P)).toBe(true)
  const token = oracle.storeOwn(0, 0)
  expect(oracle.load(P, 0, token)).toBe(0)
  expect(oracle.storeOwn(0, 0)).toBeGreaterThan(token)
  expect(oracle.load(P, 5, oracle.storeOwn(5, 0))).toBe(0)
  // Nobody has stored to page 6, and the child has page 0.
  expect(oracle.storeOwn(6, 0)).toBe(0)
  oracle.fork(P, C)
  expect(oracle.plainStores(P)).toBe(true)
  expect(oracle.storeOwn(0, 0)).toBe(0)
  expect(oracle.storeAfter(0, COPY_MAPPED)).toBeGreaterThan(token)
  // The copy is the parent's alone, and may be reused.
  expect(oracle.storeOwn(0, 0)).toBeGreaterThan(token)
  expect(oracle.storeOwn(0, 1)).toBeGreaterThan(token)
  expect(oracle.counts).toEqual({ ...noCounts(), copies: 1, needed_copies: 1, reuses: 1 })
})

test('the first store of every block of tokens is left to store()', () => {
  const oracle = parent(4)
  expect(oracle.plainStores(P)).toBe(true)
  let left = 0
  for (let i = 0; i < 1024; i++) {
    if (oracle.storeOwn(0, 1) !== 0) continue
    left++
    oracle.store(P, 0)
    expect(oracle.plainStores(P)).toBe(true)
  }
  expect([left, oracle.counts.reuses]).toEqual([4, 1020])
})

test('a verdict and the store after it are one call where nothing else is in sight', () => {
  const oracle = parent(4)
  oracle.fork(P, C)
  expect(oracle.plainStores(P)).toBe(true)
  const token = oracle.storeAfter(0, COPY_MAPPED)
  expect(oracle.load(P, 0, token)).toBe(0)
  expect(oracle.storeAfter(0, COPY_MAPPED)).toBeGreaterThan(token)
  // The child shares page 1: the reuse is unsafe, and is left to verdict(), which returns that.
  expect(oracle.storeAfter(1, REUSE)).toBe(0)
  oracle.exit(C)
  expect(oracle.plainStores(P)).toBe(true)
  expect(oracle.storeAfter(1, REUSE)).toBeGreaterThan(0)
  // Nobody is left who could have page 2, though it was last stored to before the fork.
  expect(oracle.storeOwn(2, 0)).toBeGreaterThan(0)
  // No process has stored to page 600.
  expect(oracle.storeAfter(600, COPY_MAPPED)).toBe(0)
  oracle.pin(1, P, 2, 1, HOLD_PIN_WRITE)
  expect(oracle.plainStores(P)).toBe(false)
  expect(oracle.counts).toEqual({
    ...noCounts(),
    copies: 2,
    needed_copies: 1,
    spurious_copies: 1,
    missed_reuses: 1,
    reuses: 1,
  })
})

test('copies that are told together count as they would one by one', () => {
  const oracle = parent(4)
  oracle.fork(P, C)
  // Page 1 is the child's own from here on; the parent is its only user.
  oracle.verdict(SITE_WP, C, 1, 1, COPY_MAPPED, 0)
  oracle.store(C, 1)
  const before = { ...oracle.counts }
  expect(oracle.plainStores(P)).toBe(true)
  const tokens = new Int32Array(4)
  // No process has stored to page 600.
  expect(oracle.storesAfterCopies(Int32Array.of(0, 1, 2, 600), tokens, 0, 4)).toBe(3)
  expect(oracle.load(P, 2, tokens[2]!)).toBe(0)
  expect(oracle.counts).toEqual({
    ...before,
    copies: before.copies + 3,
    needed_copies: before.needed_copies + 2,
    spurious_copies: 1,
    missed_reuses: 1,
  })
})

test('whoever shares a page is found however the processes are related', () => {
  const action = fc.record({
    kind: fc.constantFrom('fork', 'exit', 'store', 'copies', 'dontneed', 'mremap'),
    mm: fc.nat(3),
    vpn: fc.nat(7),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const [together, singly] = [parent(8), parent(8)]
      const alive = [P]
      let next = P + 1
      for (const { kind, mm: drawn, vpn } of actions) {
        const mm = alive[drawn % alive.length]!
        for (const oracle of [together, singly]) {
          if (kind === 'fork') oracle.fork(mm, next)
          if (kind === 'exit' && alive.length > 1) oracle.exit(mm)
          if (kind === 'dontneed') oracle.dontneed(mm, vpn, 1)
          if (kind === 'mremap') oracle.mremap(mm, vpn, 1, 8 + vpn)
          if (kind === 'store') {
            oracle.verdict(SITE_WP, mm, vpn, 1, COPY_MAPPED, 0)
            oracle.store(mm, vpn)
          }
        }
        if (kind === 'copies') {
          const vpns = Int32Array.from({ length: 4 }, (_, i) => (vpn + 3 * i) % 16)
          const tokens = new Int32Array(4)
          together.plainStores(mm)
          const end = together.storesAfterCopies(vpns, tokens, 0, 4)
          for (const at of vpns.subarray(0, end)) {
            singly.verdict(SITE_WP, mm, at, 1, COPY_MAPPED, 0)
            singly.store(mm, at)
          }
        }
        if (kind === 'fork') alive.push(next++)
        if (kind === 'exit' && alive.length > 1) alive.splice(alive.indexOf(mm), 1)
      }
      expect(together.counts).toEqual(singly.counts)
    }),
    { seed: 7, numRuns: 2000 },
  )
})
