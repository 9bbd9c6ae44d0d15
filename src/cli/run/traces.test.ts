/** traces.test: traces are made once, shared, and counted. */
import { expect, test } from 'vitest'
import type { TraceChoice, WorkloadChoice } from '../../plan.ts'
import { TraceWriter } from '../../trace/trace.ts'
import { defineWorkload, int } from '../../workload/api.ts'
import type { TraceOrigin } from './inputs.ts'
import { Traces } from './traces.ts'

let made = 0
const params = { stores: int(3, 0, 1000, '') }
/** One process that spawns, maps, stores and exits: 3 events and the stores. */
const stores = defineWorkload({
  ...{ name: 'stores', summary: '', params },
  generate(t, rng, p) {
    made++
    if (p.stores === 13) throw new Error('not thirteen')
    const mm = t.spawn()
    t.mmap(mm, 0, 1024, 0, 3)
    for (let i = 0; i < p.stores; i++) t.store(mm, rng.below(1024))
    t.exit(mm)
  },
})
const declared = defineWorkload({
  ...{ name: 'declared', summary: '', params, events: () => 1e9 },
  generate: () => {
    throw new Error('nobody should make this')
  },
})

const choiceOf = (name: string): WorkloadChoice => ({ name, params: {}, needs: () => [] })
const [generated, large, recorded] = [choiceOf('stores'), choiceOf('declared'), choiceOf('file')]
const wild = defineWorkload({
  ...{ name: 'wild', summary: '', params: {} },
  generate: (t) => t.store(5, 0),
})
const own: WorkloadChoice = { ...choiceOf('wild'), file: { path: '/wild.ts', hash: '' } }
const writer = new TraceWriter()
writer.exit(writer.spawn())
const origins = new Map<WorkloadChoice, TraceOrigin>([
  [generated, { workload: stores }],
  [large, { workload: declared }],
  [own, { workload: wild }],
  [recorded, { trace: writer.finish(), hash: 'abc' }],
])
const choice = (workload: WorkloadChoice, count = 3, seed = 1): TraceChoice => ({
  ...{ workload, values: { stores: count }, seed },
})

test('a trace is in shared memory, and the same one is given again', () => {
  const traces = new Traces(origins)
  const one = choice(generated)
  const trace = traces.get(one)
  expect(trace.args.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(traces.get(one)).toBe(trace)
  expect(traces.get(choice(recorded)).args.buffer).toBeInstanceOf(SharedArrayBuffer)
})

test('its hash and its events are known after it was dropped', () => {
  const traces = new Traces(origins)
  const [one, other] = [choice(generated), choice(generated, 3, 2)]
  for (const each of [one, other]) traces.get(each)
  traces.drop(one)
  expect(traces.facts(one).events).toBe(6)
  expect(traces.facts(one).hash).toMatch(/^[0-9a-f]{16}$/)
  expect(traces.facts(other).hash).not.toBe(traces.facts(one).hash)
  expect(traces.facts(choice(recorded))).toEqual({ hash: '', events: 0 }) // not asked for yet
})

test('events are those it had, or says it has, or another of its workload had', () => {
  const traces = new Traces(origins)
  made = 0
  expect(traces.events(choice(large))).toBe(1e9)
  expect(traces.events(choice(recorded))).toBe(2)
  expect(traces.events(choice(generated, 5))).toBe(8)
  expect(traces.events(choice(generated, 900))).toBe(8)
  expect(made).toBe(1)
})

test('a workload that throws is asked once', () => {
  const traces = new Traces(origins)
  const bad = choice(generated, 13)
  made = 0
  expect(traces.events(bad)).toBe(0)
  for (let i = 0; i < 2; i++) expect(() => traces.get(bad)).toThrow('not thirteen')
  expect(made).toBe(1)
})

test("a workload of one's own that writes events that cannot be is refused by the first", () => {
  expect(() => new Traces(origins).get({ workload: own, values: {}, seed: 1 })).toThrow(
    'invalid trace: event 0: store: process 5 was never started',
  )
})

test("a workload of one's own that leaves a process behind is refused", () => {
  const leaves = defineWorkload({
    ...{ name: 'leaves', summary: '', params: {} },
    generate: (t) => t.exit(t.fork(t.spawn())),
  })
  const traces = new Traces(new Map([[own, { workload: leaves }]]))
  expect(() => traces.get({ workload: own, values: {}, seed: 1 })).toThrow(
    'invalid trace: process 0 has not exited by its end',
  )
})
