/** Writeback: a page that the swap device is still writing, and a store that comes meanwhile. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { COST_PROFILES } from '../metrics/cost.ts'
import { litmusMachine } from '../run.ts'
import {
  MAP_PRIVATE_ANON,
  OP_MMAP,
  OP_PIN,
  OP_SPAWN,
  OP_STORE,
  OP_WRITEBACK,
  OP_WRITEBACK_END,
  PIN_ODIRECT,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'

/** One process stores to a page while it is written out. Did the store move to a new frame? */
function storeWhileWritten(
  policyName: string,
  swapDisk: boolean,
  pinKind?: number,
): 'same frame' | 'new frame' {
  const policy = POLICIES.find(({ name }) => name === policyName)
  const cost = COST_PROFILES['bare-metal']
  if (policy === undefined || cost === undefined) throw new Error(`unknown policy: ${policyName}`)
  const engine = litmusMachine({ policy, params: {}, cost, swapDisk })
  engine.apply(OP_SPAWN, 0)
  engine.apply(OP_MMAP, 0, 0, 1, MAP_PRIVATE_ANON, PROT_READ | PROT_WRITE, 0, 0, 0)
  engine.apply(OP_STORE, 0, 0)
  if (pinKind !== undefined) engine.apply(OP_PIN, 0, 0, 1, pinKind, 0)
  const before = engine.frameOf(0, 0)
  engine.apply(OP_WRITEBACK, 0, 0, 1)
  expect(engine.frameOf(0, 0)).toBe(-1)
  engine.apply(OP_STORE, 0, 0)
  const after = engine.frameOf(0, 0)
  engine.apply(OP_WRITEBACK_END, 0)
  return after === before ? 'same frame' : 'new frame'
}

test('mapcount + swapcount may not write to a page that a stable-pages device is writing', () => {
  expect(storeWhileWritten('reuse-swap-page', false)).toBe('new frame')
})

test('any other device may see the page change: it is written in place', () => {
  expect(storeWhileWritten('reuse-swap-page', true)).toBe('same frame')
})

test('the swp-exclusive marker does not count while a stable-pages device is writing', () => {
  // The swapcache cannot be given up before the device is done, so the page cannot be taken back either.
  expect(storeWhileWritten('anon-exclusive', false)).toBe('new frame')
  expect(storeWhileWritten('anon-exclusive', true)).toBe('same frame')
})

test('writeback does not begin on a page that anything but the swapcache refers to', () => {
  // is_page_cache_freeable() in pageout(), in every version: what is held is kept as it is. So O_DIRECT keeps its page
  // where swap-in asks mapcount or the swp-exclusive marker, and loses it in 5.18, which asks the count (I-10).
  for (const kind of [PIN_VMSPLICE, PIN_ODIRECT]) {
    expect(storeWhileWritten('page-count', false, kind)).toBe('same frame')
    expect(storeWhileWritten('page-count-refined', false, kind)).toBe('new frame')
    expect(storeWhileWritten('anon-exclusive', false, kind)).toBe('same frame')
  }
})
