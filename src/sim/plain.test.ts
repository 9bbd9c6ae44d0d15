/**
 * plain.test: what the engine takes in one piece ends exactly as it does step by step: every column of the machine, every
 * count, every time, and what the judge saw.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { PG_LRU_BATCH } from '../state/frames.ts'
import { PINS, recipes, traceOf } from '../test/random-trace.ts'
import { RW } from '../test/scene.ts'
import { heap, state, stepByStep, whole, written } from '../test/whole-or-steps.ts'
import {
  MADV_MERGEABLE,
  MAP_PRIVATE_ANON,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_VMSPLICE,
  PROT_READ,
} from '../trace/ops.ts'
import type { Trace } from '../trace/trace.ts'
import { plainStores } from './plain.ts'

const SEED = 20_031_102

describe('a whole trace ends as it does step by step', () => {
  test.each(POLICIES.map(({ name }) => name))('at random under %s', (policy) => {
    fc.assert(
      fc.property(recipes(60), (recipe) => {
        const trace = traceOf(recipe)
        expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
      }),
      { seed: SEED, numRuns: 20 },
    )
  })

  test.each(POLICIES.map(({ name }) => name))('with forks, stores and exits under %s', (policy) => {
    const action = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 99 }), fc.nat({ max: 99 }))
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 60 }), (actions) => {
        const trace = written((t) => {
          let alive = [heap(t, 100)]
          for (const [what, who, where] of actions) {
            const mm = alive[who % alive.length] as number
            if (what === 0 && alive.length < 4) alive.push(t.fork(mm))
            else if (what === 1 && alive.length > 1) {
              t.exit(mm)
              alive = alive.filter((other) => other !== mm)
            } else for (let vpn = where; vpn < Math.min(100, where + 40); vpn++) t.store(mm, vpn)
          }
        })
        expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
      }),
      { seed: SEED, numRuns: 25 },
    )
  })
})

describe('pages that were swapped out return as they do step by step', () => {
  const action = fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 99 }), fc.nat({ max: 99 }))
  const actions = fc.array(action, { minLength: 1, maxLength: 60 })

  /** Up to four relatives swap out, load, store, pin and protect what they share, or do not share. */
  function churned(order: number, drawn: readonly (readonly [number, number, number])[]): Trace {
    return written((t) => {
      const first = t.spawn()
      t.mmap(first, 0, 1024, MAP_PRIVATE_ANON, RW, order)
      for (let vpn = 0; vpn < 100; vpn++) t.store(first, vpn)
      let alive = [first]
      const pins: [number, number][] = []
      for (const [what, who, where] of drawn) {
        const mm = alive[who % alive.length] as number
        const last = Math.min(100, where + 1 + (who % 40))
        const touched = Array.from(
          { length: last - where },
          (_, i) => where + ((i * 7) % (last - where)),
        )
        if (what === 0 && alive.length < 4) alive.push(t.fork(mm))
        else if (what === 1 && alive.length > 1) {
          t.exit(mm)
          alive = alive.filter((other) => other !== mm)
          for (const pin of pins) if (pin[0] === mm) pins.splice(pins.indexOf(pin), 1)
        } else if (what === 2)
          pins.push([mm, t.pin(mm, where, 1, PINS[who % PINS.length] as number)])
        else if (what === 3 && pins.length > 0) t.unpin(...(pins.pop() as [number, number]))
        else if (what === 4) {
          t.mprotect(mm, where, last - where, PROT_READ)
          if (who % 2 === 0) t.mprotect(mm, where, last - where, RW)
        } else if (what < 7) t.swapout(mm, where, last - where)
        else if (what === 7) for (const vpn of touched) t.load(mm, vpn)
        else {
          for (const vpn of touched) {
            if (what === 8) t.load(mm, vpn)
            t.store(mm, vpn)
          }
        }
      }
    })
  }

  test.each(POLICIES.map(({ name }) => name))('under %s', (policy) => {
    fc.assert(
      fc.property(fc.constantFrom(0, 0, 4, 9), actions, (order, drawn) => {
        const trace = churned(order, drawn)
        expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
      }),
      { seed: SEED, numRuns: 40 },
    )
  })
})

test.each(['mm-id', 'page-count', 'mapcount'])(
  'a heap of three page tables is swapped out and in under %s',
  (policy) => {
    const trace = written((t) => {
      const mm = heap(t, 1100)
      for (let round = 0; round < 2; round++) {
        // The range covers two page tables and part of a third, with a hole.
        t.munmap(mm, 700 + round, 1)
        t.swapout(mm, 100, 1000)
        for (let i = 0; i < 1100; i++) {
          const vpn = (i * 37) % 1100
          if (vpn >= 700 && vpn < 702) continue
          if (i % 4 !== 0) t.load(mm, vpn)
          t.store(mm, vpn)
        }
      }
    })
    expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
  },
)

test.each(POLICIES.map(({ name }) => name))(
  'pages with something special about them, among many, are shared by fork and let go by exit under %s',
  (policy) => {
    const trace = written((t) => {
      const mm = heap(t, 600)
      t.madvise(mm, 0, 600, MADV_MERGEABLE)
      // Neighbours that have one KSM page; and a pin, a reference that no pin knows of, a page in swap,
      // and some that userfaultfd protects.
      t.storeSame(mm, [101, 102, 103, 333])
      t.ksmWait()
      t.unpin(mm, t.pin(mm, 7, 1, PIN_DMAPIN))
      t.uffdWp(mm, 400, 20, true)
      for (const references of [false, true]) {
        t.pin(mm, 18, 3, PIN_DMAPIN)
        t.pin(mm, 509, 5, PIN_IOURING)
        if (references) t.get(mm, 205)
        t.swapout(mm, 250, 2)
        const child = t.fork(mm)
        for (let vpn = 0; vpn < 600; vpn += 50) t.store(mm, vpn)
        const grandchild = t.fork(child)
        t.exit(child)
        for (let vpn = 25; vpn < 600; vpn += 50) t.store(mm, vpn)
        t.exit(grandchild)
        for (let vpn = 0; vpn < 600; vpn += 3) t.store(mm, vpn)
      }
      t.put(mm, 205)
      t.fork(mm)
    })
    expect(state(whole(policy, trace))).toEqual(state(stepByStep(policy, trace)))
  },
)

describe('stores to plain pages', () => {
  /** A parent that has just forked, its last operand being the first of the stores to take. */
  const forked = written((t) => t.fork(heap(t, 64)))
  const stores = Int32Array.from({ length: 64 }, (_, i) => i)

  test('are taken until the run ends: a copy each while the child is there', () => {
    const { engine, oracle } = whole('mm-id', forked)
    const { machine } = engine
    expect(plainStores(machine, machine.mm(0), stores, 0, 64)).toBe(64)
    expect(machine.counts.storeFaults).toBe(64 + 64)
    expect(oracle.counts).toMatchObject({ copies: 64, needed_copies: 64, reuses: 0 })
  })

  test('are taken until a page waits in an LRU batch', () => {
    const { engine } = whole('mm-id', forked)
    const { machine } = engine
    machine.frames.set(engine.frameOf(0, 12), PG_LRU_BATCH)
    expect(plainStores(machine, machine.mm(0), stores, 0, 64)).toBe(12)
  })

  test('are taken together with those that hit', () => {
    const { engine, oracle } = whole('mm-id', forked)
    const { machine } = engine
    const twice = Int32Array.from({ length: 64 }, (_, i) => i >> 1)
    expect(plainStores(machine, machine.mm(0), twice, 0, 64)).toBe(64)
    expect(machine.counts.storeFaults).toBe(64 + 32)
    expect(oracle.counts.copies).toBe(32)
  })

  test('are taken until the columns would have to grow', () => {
    const { machine } = whole('mm-id', forked).engine
    while (machine.frames.room > 5) machine.frames.alloc()
    expect(plainStores(machine, machine.mm(0), stores, 0, 64)).toBe(5)
  })

  test('are each asked about while anybody holds a reference: the flags do not show it', () => {
    const alone = written((t) => t.exit(t.fork(heap(t, 64))))
    const { engine, oracle } = whole('page-count', alone)
    const { machine } = engine
    // A speculative reference, of which the judge does not know.
    machine.frames.hold(engine.frameOf(0, 12))
    expect(plainStores(machine, machine.mm(0), stores, 0, 64)).toBe(64)
    expect(oracle.counts).toMatchObject({ reuses: 63, copies: 1 })
  })

  test('are not taken while anybody holds a reference: the judge wants to know more', () => {
    const pinned = written((t) => {
      const mm = heap(t, 64)
      t.pin(mm, 3, 1, PIN_VMSPLICE)
      t.fork(mm)
    })
    const { machine } = whole('mm-id', pinned).engine
    expect(plainStores(machine, machine.mm(0), stores, 0, 64)).toBe(0)
    // Nothing was counted either: whoever takes the store does that.
    expect(machine.counts.storeFaults).toBe(64)
  })
})
