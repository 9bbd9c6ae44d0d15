/** exchange.test: what devices and owners do in turn through the quick questions, against the same one by one. */
import { expect, test } from 'vitest'
import { COPY, COPY_MAPPED, COPY_REFERENCED, SITE_FORK, SITE_WP } from '../policy/verdict.ts'
import { C, copyAndStore, P, parent, untouched } from '../test/oracle/cases.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  HOLD_GET_RO,
  HOLD_PIN_WRITE,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import type { Exchange } from './exchange.ts'
import type { Oracle } from './oracle.ts'

function opened(oracle: Oracle, pin: number): Exchange {
  const exchange = oracle.exchanges(pin)
  if (exchange === undefined) throw new Error(`nothing may be asked about pin ${pin}`)
  return exchange
}

test('owner and device see what the other stored', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 2, 4, HOLD_PIN_WRITE)
  const exchange = opened(oracle, 1)
  // Page 3 is the second one of the pin.
  const byOwner = exchange.stores(1, 0)
  expect(exchange.reads(1, byOwner)).toBe(true)
  expect(exchange.reads(0, byOwner)).toBe(false)
  expect(oracle.devread(1, 1, byOwner)).toBe(DEV_COHERENT)
  expect(oracle.counts.reuses).toBe(0)
  expect(exchange.stores(3, 1)).toBe(byOwner + 1)
  expect(oracle.counts.reuses).toBe(1)
  // Stores by devices have tokens of their own: the first one begins a block.
  const first = exchange.writes(1)
  const byDevice = exchange.writes(1)
  expect(byDevice).toBe(first + 1)
  expect(oracle.load(P, 3, byDevice)).toBe(0)
  expect(exchange.reads(1, byOwner)).toBe(false)
  expect(oracle.devread(1, 1, byOwner)).toBe(DEV_INCOHERENT)
  expect(oracle.load(P, 3, byOwner)).toBe(SAW_MISMATCH)
  expect(oracle.counts.lost_coherence).toBe(2)
})

test('what a child may have is left to the long questions, until the child has gone', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 0, 2, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  const exchange = opened(oracle, 1)
  expect(exchange.stores(0, 0)).toBe(0)
  expect(exchange.writes(0)).toBe(0)
  // The child gets a copy of the second page: the owner has that one to itself.
  oracle.verdict(SITE_FORK, P, 1, 1, COPY, C)
  const byOwner = opened(oracle, 1).stores(1, 0)
  expect(exchange.reads(1, byOwner)).toBe(true)
  expect(exchange.writes(1)).toBeGreaterThan(0)
  oracle.exit(C)
  expect(opened(oracle, 1).stores(0, 0)).toBe(byOwner + 1)
})

test('a page that is not there, or that its owner copied, is left to the long questions', () => {
  const oracle = untouched(8)
  oracle.pin(1, P, 0, 2, HOLD_GET_RO)
  expect(oracle.exchanges(1)).toBe(undefined)
  const frame = oracle.store(P, 0)
  expect(oracle.exchanges(1)).toBe(undefined)
  oracle.unpin(1)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  expect(opened(oracle, 2).reads(0, frame)).toBe(true)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  // A store is to come.
  expect(oracle.exchanges(2)).toBe(undefined)
  oracle.store(P, 0)
  expect(oracle.exchanges(2)).toBe(undefined)
  expect(oracle.devread(2, 0, frame)).toBe(DEV_INCOHERENT)
})

test('a pin that has moved with its pages is no longer where it was taken', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  const token = opened(oracle, 1).stores(0, 0)
  oracle.mremap(P, 0, 1, 100)
  expect(oracle.exchanges(1)).toBe(undefined)
  expect(oracle.devread(1, 0, token)).toBe(DEV_COHERENT)
})

test('pins that nobody has asked about are found when somebody does', () => {
  const oracle = parent(8)
  const frame = oracle.store(P, 0)
  for (let id = 1; id <= 4; id++) oracle.pin(id, P, 0, 1, HOLD_PIN_WRITE)
  // The latest one is in no list yet, nor is the first.
  oracle.unpin(4)
  oracle.unpin(1)
  oracle.fork(P, C)
  expect(copyAndStore(oracle, P, 0)).toBe(false)
  expect([2, 3].map((id) => oracle.devread(id, 0, frame))).toEqual([DEV_INCOHERENT, DEV_INCOHERENT])
  oracle.unpin(3)
  oracle.exit(C)
  // Of the old frame there is one pin left, which is the owner's own.
  expect(oracle.verdict(SITE_WP, P, 0, 1, COPY_MAPPED, 0)).toBe(false)
  oracle.unpin(2)
  oracle.exit(P)
  expect(oracle.idle).toBe(true)
})
