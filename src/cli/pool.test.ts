/** pool.test: every cell ends exactly once, whatever its thread does. */
import { expect, test } from 'vitest'
import { COST_PROFILES, type CostProfile } from '../metrics/cost.ts'
import type { Cell, PolicyChoice, TraceChoice } from '../plan.ts'
import { COPY, definePolicy } from '../policy/api.ts'
import type { Trace } from '../trace/trace.ts'
import type { CellOutcome } from '../worker.ts'
import { runCells } from './pool.ts'
import type { TraceSource } from './pool-options.ts'

/** Stands in for the worker: does what the cell's parameter `does` says, and reports its policy and its thread. */
const SOURCE = `
  import { parentPort, threadId } from 'node:worker_threads'
  parentPort.on('message', ({ policy, params: { does } }) => {
    if (does === 'hang') for (;;);
    if (does === 'exit') process.exit(3)
    if (does === 'throw') throw new Error('out of frames')
    const breaches = [policy]
    parentPort.postMessage({ ok: true, values: {}, breaches, verdicts: { threadId } })
  })`
const WORKER = new URL(`data:text/javascript,${encodeURIComponent(SOURCE)}`)

const EMPTY: Trace = { segments: new Int32Array(), args: new Int32Array(), events: 0, processes: 0 }

class Traces implements TraceSource {
  readonly held = new Set<TraceChoice>()
  most = 0
  made = 0
  readonly size: number
  constructor(size = 1) {
    this.size = size
  }
  get(trace: TraceChoice): Trace {
    if (trace.seed === 13) throw new Error('no trace today')
    if (!this.held.has(trace)) this.made++
    this.held.add(trace)
    this.most = Math.max(this.most, this.held.size)
    return EMPTY
  }
  source(): undefined {}
  learn(): void {}
  events(): number {
    return this.size
  }
  drop(trace: TraceChoice): void {
    this.held.delete(trace)
  }
}

function policy(name: string): PolicyChoice {
  const spec = { name, summary: '', era: '', kernel: '', hooks: () => ({ wpReuse: () => COPY }) }
  return { definition: definePolicy(spec) }
}

const workload = { name: 'w', params: {}, needs: () => [] }
function trace(seed: number): TraceChoice {
  return { workload, values: {}, seed }
}
function cell(of: PolicyChoice, on: TraceChoice, does = 'work'): Cell {
  const name = { policy: of.definition.name, workload: 'w', params: '', seed: on.seed }
  return {
    key: `${name.policy} ${on.seed} ${does}`,
    policy: of,
    policyValues: { does },
    trace: on,
    name,
  }
}

interface Ended {
  readonly key: string
  readonly outcome: CellOutcome
}
async function run(cells: Cell[], jobs = 1, traces = new Traces(), stopAfter = Infinity) {
  const ended: Ended[] = []
  const stop = new AbortController()
  await runCells(cells, {
    ...{ worker: WORKER, jobs, traces, timeoutSeconds: 2, signal: stop.signal },
    taskOf: ({ policy: { definition }, policyValues }) => ({
      ...{ policy: definition.name, params: policyValues, trace: EMPTY },
      ...{ cost: COST_PROFILES['vm'] as CostProfile, oracle: 'epoch', check: false },
    }),
    finished: ({ key }, outcome) => {
      ended.push({ key, outcome })
      if (ended.length === stopAfter) stop.abort()
    },
  })
  return ended
}
const threadsOf = (ended: Ended[]): number[] =>
  ended.map(({ outcome }) => (outcome.ok ? (outcome.verdicts['threadId'] ?? 0) : 0))

test('cells run policy by policy, in order', async () => {
  const cells = [policy('a'), policy('b')].flatMap((p) =>
    [1, 2].map((seed) => cell(p, trace(seed))),
  )
  const ended = await run(cells)
  expect(ended.map(({ key }) => key)).toEqual(cells.map(({ key }) => key))
  expect(ended.map(({ outcome }) => outcome.ok && outcome.breaches)).toEqual(
    [...'aabb'].map((name) => [name]),
  )
})

test.each([
  ['small policies share a thread', 1, [1, 1, 1, 1]],
  ['large ones have one each', 1e7, [1, 1, 2, 2]],
])('%s', async (_, events, threads) => {
  const cells = [policy('a'), policy('b')].flatMap((p) =>
    [1, 2].map((seed) => cell(p, trace(seed))),
  )
  const ids = threadsOf(await run(cells, 1, new Traces(events)))
  // Counted from 1 in the order of their first cell.
  const numbers = [...new Set(ids)]
  expect(ids.map((id) => numbers.indexOf(id) + 1)).toEqual(threads)
})

test("a policy of one's own shares its thread with nobody", async () => {
  const own = { ...policy('own'), file: { path: '/own.ts', hash: '' } }
  const on = trace(1)
  const ids = threadsOf(await run([cell(policy('a'), on), cell(own, on), cell(policy('b'), on)]))
  expect(new Set(ids).size).toBe(3)
})

test('threads to spare divide the cells of one policy', async () => {
  const a = policy('a')
  const ended = await run(
    [1, 2, 3, 4].map((seed) => cell(a, trace(seed))),
    2,
  )
  expect(ended.map(({ key }) => key).sort()).toEqual([1, 2, 3, 4].map((seed) => `a ${seed} work`))
  expect(new Set(threadsOf(ended)).size).toBe(2)
})

test.each([
  ['exit', 'the thread ended with code 3'],
  ['throw', 'out of frames'],
  ['hang', 'no result within 2 seconds'],
])(
  'a cell that makes its thread %s fails, and the next one runs in a fresh thread',
  async (does, error) => {
    const a = policy('a')
    const on = trace(1)
    const ended = await run([cell(a, on), cell(a, on, does), cell(a, trace(2))])
    expect(ended.map(({ outcome }) => outcome.ok)).toEqual([true, false, true])
    expect(ended[1]?.outcome).toEqual({ ok: false, error })
    expect(threadsOf(ended)[2]).not.toBe(threadsOf(ended)[0])
  },
)

test('a trace that cannot be made fails its cells and no others', async () => {
  const [a, b] = [policy('a'), policy('b')]
  const [bad, good] = [trace(13), trace(1)]
  const ended = await run([cell(a, bad), cell(a, good), cell(b, bad), cell(b, good)])
  expect(ended.map(({ outcome }) => outcome.ok || outcome.error)).toEqual([
    'no trace today',
    true,
    'no trace today',
    true,
  ])
})

test('a trace is made once and held until its last cell', async () => {
  const [a, b] = [policy('a'), policy('b')]
  const [one, two] = [trace(1), trace(2)]
  const traces = new Traces()
  await run([cell(a, one), cell(a, two), cell(b, one), cell(b, two)], 1, traces)
  expect(traces).toMatchObject({ made: 2, most: 2 })
  expect(traces.held.size).toBe(0)
})

test('traces that do not fit into memory together are run one after another', async () => {
  const [a, b] = [policy('a'), policy('b')]
  const [one, two] = [trace(1), trace(2)]
  const traces = new Traces(2 ** 28)
  const ended = await run([cell(a, one), cell(a, two), cell(b, one), cell(b, two)], 1, traces)
  expect(ended.map(({ key }) => key)).toEqual(['a 1 work', 'b 1 work', 'a 2 work', 'b 2 work'])
  expect(traces).toMatchObject({ made: 2, most: 1 })
})

test('an interruption ends what is under way and starts nothing new', async () => {
  const a = policy('a')
  const cells = [cell(a, trace(1)), cell(a, trace(2), 'hang'), cell(a, trace(3))]
  const ended = await run(cells, 1, new Traces(), 1)
  expect(ended.map(({ key }) => key)).toEqual(['a 1 work'])
})
