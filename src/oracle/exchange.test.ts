/** exchange.test: what devices and owners do in turn through the quick questions, against the same one by one. */
import { expect, test } from 'vitest'
import { COPY_MAPPED, COPY_REFERENCED, SITE_WP } from '../policy/verdict.ts'
import { C, copyAndStore, P, parent, untouched } from '../test/oracle/cases.ts'
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  HOLD_GET_RO,
  HOLD_PIN_WRITE,
  SAW_MISMATCH,
} from '../trace/observed.ts'

test('owner and device see what the other stored', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 2, 4, HOLD_PIN_WRITE)
  expect(oracle.exchanges(1)).toBe(true)
  // Page 3 is the second one of the pin.
  const byOwner = oracle.ownerStores(3, 0)
  expect(oracle.deviceReads(1, byOwner)).toBe(true)
  expect(oracle.deviceReads(0, byOwner)).toBe(false)
  expect(oracle.devread(1, 1, byOwner)).toBe(DEV_COHERENT)
  expect(oracle.counts.reuses).toBe(0)
  expect(oracle.ownerStores(5, 1)).toBe(byOwner + 1)
  expect(oracle.counts.reuses).toBe(1)
  // A device's first token begins a block, which is left to devwrite().
  expect(oracle.deviceStores(1)).toBe(0)
  const first = oracle.devwrite(1, 1)
  const byDevice = oracle.deviceStores(1)
  expect(byDevice).toBe(first + 1)
  expect(oracle.load(P, 3, byDevice)).toBe(0)
  expect(oracle.deviceReads(1, byOwner)).toBe(false)
  expect(oracle.devread(1, 1, byOwner)).toBe(DEV_INCOHERENT)
  expect(oracle.load(P, 3, byOwner)).toBe(SAW_MISMATCH)
  expect(oracle.counts.lost_coherence).toBe(2)
})

test('what a child may have is left to the long questions, until the child has gone', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 0, 2, HOLD_PIN_WRITE)
  oracle.fork(P, C)
  expect(oracle.exchanges(1)).toBe(true)
  expect(oracle.ownerStores(0, 0)).toBe(0)
  expect(oracle.deviceStores(0)).toBe(0)
  oracle.exit(C)
  expect(oracle.exchanges(1)).toBe(true)
  expect(oracle.ownerStores(0, 0)).toBe(0)
  // The fork has closed the parent's block of tokens.
  oracle.store(P, 0)
  expect(oracle.ownerStores(1, 0)).toBeGreaterThan(0)
})

test('a page that is not there, or that its owner copied, is left to the long questions', () => {
  const oracle = untouched(8)
  oracle.pin(1, P, 0, 2, HOLD_GET_RO)
  expect(oracle.exchanges(1)).toBe(false)
  const frame = oracle.store(P, 0)
  expect(oracle.exchanges(1)).toBe(false)
  oracle.unpin(1)
  oracle.pin(2, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.exchanges(2)).toBe(true)
  expect(oracle.deviceReads(0, frame)).toBe(true)
  oracle.verdict(SITE_WP, P, 0, 1, COPY_REFERENCED, 0)
  // A store is to come.
  expect(oracle.exchanges(2)).toBe(false)
  oracle.store(P, 0)
  expect(oracle.exchanges(2)).toBe(false)
  expect(oracle.devread(2, 0, frame)).toBe(DEV_INCOHERENT)
})

test('a pin that has moved with its pages is no longer where it was taken', () => {
  const oracle = parent(8)
  oracle.pin(1, P, 0, 1, HOLD_PIN_WRITE)
  expect(oracle.exchanges(1)).toBe(true)
  const token = oracle.ownerStores(0, 0)
  oracle.mremap(P, 0, 1, 100)
  expect(oracle.exchanges(1)).toBe(false)
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
