/**
 * interleavings: every order of the steps of two operations on one page. After each step all counts add up, and where
 * exclusivity is tracked no page is under a finished FOLL_PIN without being exclusive; after each order the owner and
 * its device see the same page. Policies that lose the race lose it in some order, and only in some.
 */
import { describe, expect, test } from 'vitest'
import { waits } from '../sim/locks.ts'
import { PG_EXCLUSIVE } from '../state/frames.ts'
import {
  OP_BEGIN,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_FORK,
  OP_LOAD,
  OP_PIN,
  OP_STEP,
  OP_STORE,
  OP_SWAPOUT,
  PIN_DMAPIN,
  PROT_READ,
} from '../trace/ops.ts'
import { STEP_NEXT } from '../trace/steps.ts'
import { RW, Scene, type SceneOptions } from './scene.ts'

const CHILD = 1
const PIN = 0
const GUP = [OP_PIN, 0, PIN_DMAPIN, PIN] as const
const RECLAIM = [OP_SWAPOUT, 0] as const
const FORK = [OP_FORK, CHILD] as const
const STORE = [OP_STORE, 0] as const

type Operation = typeof GUP | typeof RECLAIM | typeof FORK | typeof STORE

interface World extends SceneOptions {
  readonly policy: string
  /** mprotect has taken the write bit of the entry away: what is exclusive may be read-only. */
  readonly readOnly?: boolean
}

interface Outcome {
  /** Which task made each step. */
  readonly order: string
  readonly violations: number
}

/** Every order of the steps of the two operations, each from the start: there is one page, stored to by its owner. */
function everyOrder(world: World, operations: readonly [Operation, Operation]): Outcome[] {
  const outcomes: Outcome[] = []
  const untried: string[] = ['']
  for (let order = untried.pop(); order !== undefined; order = untried.pop()) {
    const scene = sceneOf(world, operations)
    for (const task of order) scene.redo(OP_STEP, 0, Number(task), STEP_NEXT)
    for (;;) {
      const [next, other] = scene.m.tasks.filter((task) => !waits(scene.m, task))
      if (next === undefined) break
      if (other !== undefined) untried.push(`${order}${other.id}`)
      order += next.id
      makeStep(scene, next.id)
    }
    expect(scene.m.tasks).toEqual([])
    outcomes.push({ order, violations: aftermath(scene) })
  }
  return outcomes
}

function sceneOf({ policy, readOnly, ...options }: World, operations: readonly Operation[]): Scene {
  const scene = new Scene(policy, options)
  scene.owner(1)
  if (readOnly) {
    scene.mprotect(0, 0, 1, PROT_READ)
    scene.mprotect(0, 0, 1, RW)
  }
  operations.forEach((operation, task) => {
    scene.redo(OP_BEGIN, 0, task, ...operation)
  })
  return scene
}

/** scene.do() recounts everything after the step. */
function makeStep(scene: Scene, task: number): void {
  scene.do(OP_STEP, 0, task, STEP_NEXT)
  const { m } = scene
  const pin = m.k.pins.get(PIN)
  const finished = pin !== undefined && !m.tasks.some(({ op }) => op === OP_PIN)
  if (m.policy.tracksExclusive && finished) {
    for (const pfn of pin.frames) expect(m.frames.has(pfn, PG_EXCLUSIVE)).toBe(true)
  }
}

/** The owner stores, the device reads and stores, the owner loads: does anybody miss anything? */
function aftermath(scene: Scene): number {
  scene.redo(OP_LOAD, 0, 0)
  scene.redo(OP_STORE, 0, 0)
  if (scene.m.k.pins.has(PIN)) {
    scene.do(OP_DEVREAD, 0, PIN, 0)
    scene.do(OP_DEVWRITE, 0, PIN, 0)
  }
  scene.redo(OP_LOAD, 0, 0)
  if (scene.m.k.mms[CHILD] !== undefined) scene.do(OP_LOAD, CHILD, 0)
  const { leaks, lost_coherence, lost_writes } = scene.counts
  return leaks + lost_coherence + lost_writes
}

const EXCLUSIVE = ['anon-exclusive', 'mm-id', 'cow-pte-accounted']
const PAIRS: readonly (readonly [string, readonly [Operation, Operation]])[] = [
  ['reclaim and GUP-fast', [RECLAIM, GUP]],
  ['fork and GUP-fast', [FORK, GUP]],
  ['a store and GUP-fast', [STORE, GUP]],
  ['reclaim and fork', [RECLAIM, FORK]],
  ['reclaim and a store', [RECLAIM, STORE]],
]

describe.each(PAIRS)('%s', (_name, pair) => {
  test.each([...EXCLUSIVE, 'clairvoyant'])('in any order break nothing under %s', (policy) => {
    for (const readOnly of [false, true]) {
      const outcomes = everyOrder({ policy, readOnly }, pair)
      expect(outcomes.filter(({ violations }) => violations > 0)).toEqual([])
      expect(outcomes.length).toBeGreaterThan(1)
    }
  })
})

describe('GUP-fast is lost', () => {
  const lost = (world: World, pair: readonly [Operation, Operation]): number[] => {
    const outcomes = everyOrder(world, pair)
    return [outcomes.filter(({ violations }) => violations > 0).length, outcomes.length]
  }

  test('between the test and the unmap of the 2009 proposal, and not in its correction', () => {
    const [orders = 0, all = 0] = lost({ policy: 'no-unmap-gup' }, [RECLAIM, GUP])
    expect(orders).toBeGreaterThan(0)
    expect(orders).toBeLessThan(all)
    const params = { recheckAfterClear: true }
    expect(lost({ policy: 'no-unmap-gup', params }, [RECLAIM, GUP])[0]).toBe(0)
  })

  test('between the test and the write-protection of a fork in 5.9, and not in 5.11', () => {
    const params = { writeProtectSeq: false }
    const [orders = 0, all = 0] = lost({ policy: 'page-count', params }, [FORK, GUP])
    expect(orders).toBeGreaterThan(0)
    expect(orders).toBeLessThan(all)
    expect(lost({ policy: 'page-count' }, [FORK, GUP])[0]).toBe(0)
  })

  test('after reclaim has tested for pins, from 5.11 to 5.18', () => {
    for (const policy of ['page-count', 'page-count-refined']) {
      const [orders = 0, all = 0] = lost({ policy }, [RECLAIM, GUP])
      expect(orders).toBeGreaterThan(0)
      expect(orders).toBeLessThan(all)
    }
  })
})
