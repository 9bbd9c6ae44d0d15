/** pool.test: every cell ends exactly once, whatever its thread does. */
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
import { COST_PROFILES, type CostProfile } from '../../metrics/cost.ts'
import type { Cell, PolicyChoice, TraceChoice } from '../../plan.ts'
import { COPY, definePolicy } from '../../policy/api.ts'
import type { Trace } from '../../trace/trace.ts'
import type { CellOutcome, CellTask } from '../../worker.ts'
import { runCells } from './pool.ts'
import type { PoolOptions, TraceSource } from './pool-options.ts'

afterEach(() => vi.restoreAllMocks())

/**
 * Stands in for the worker: does what the cell's parameter `does` says, and reports its policy and its thread; then it
 * tells those who wait for it in shared memory.
 */
const SOURCE = `
  import { parentPort, threadId } from 'node:worker_threads'
  parentPort.on('message', ({ policy, params: { does }, reached }) => {
    if (does === 'hang') for (;;);
    if (does === 'exit') process.exit(3)
    if (does === 'throw') throw new Error('out of frames')
    const breaches = [policy]
    parentPort.postMessage({ ok: true, values: {}, breaches, verdicts: { threadId } })
    if (reached === undefined) return
    Atomics.store(reached, 0, 1)
    Atomics.notify(reached, 0)
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
    if (trace.seed === 14) throw 'no error either'
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
  const spec = {
    name,
    summary: '',
    era: '',
    kernel: '6.18' as const,
    hooks: () => ({ wpReuse: () => COPY }),
  }
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
async function run(
  cells: Cell[],
  { stopAfter, ...options }: Partial<PoolOptions> & { stopAfter?: number } = {},
) {
  const ended: Ended[] = []
  const stop = new AbortController()
  await runCells(cells, {
    ...{ worker: WORKER, jobs: 1, traces: new Traces(), timeoutSeconds: 2, signal: stop.signal },
    taskOf: ({ policy: { definition }, policyValues }) => ({
      ...{ policy: definition.name, params: policyValues, trace: EMPTY },
      ...{ cost: COST_PROFILES['vm'] as CostProfile, oracle: 'epoch', check: false },
    }),
    finished: ({ key }, outcome) => {
      ended.push({ key, outcome })
      if (ended.length === stopAfter) stop.abort()
    },
    ...options,
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
  const ids = threadsOf(await run(cells, { traces: new Traces(events) }))
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
    { jobs: 2 },
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

test('what is thrown and no Error is told all the same', async () => {
  const [{ outcome } = { outcome: undefined }] = await run([cell(policy('a'), trace(14))])
  expect(outcome).toEqual({ ok: false, error: 'no error either' })
})

test('a result that came in time counts, though making the next trace kept it waiting', async () => {
  const a = policy('a')
  const answered = new Int32Array(new SharedArrayBuffer(4))
  class Slow extends Traces {
    override get(of: TraceChoice): Trace {
      // The next trace: until the thread has answered, and longer than a cell may take.
      if (of.seed === 13) Atomics.wait(answered, 0, 0)
      for (const start = performance.now(); performance.now() < start + 5; );
      return super.get(of)
    }
  }
  const ended = await run([cell(a, trace(1)), cell(a, trace(13))], {
    traces: new Slow(),
    timeoutSeconds: 0.001,
    taskOf: () => ({ policy: 'a', params: {}, reached: answered }) as unknown as CellTask,
  })
  expect(ended.map(({ outcome }) => outcome.ok || outcome.error)).toEqual([true, 'no trace today'])
})

test('a cell that never began leaves no timer behind, which would end the thread of another', async () => {
  const started = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  const [{ outcome } = { outcome: undefined }] = await run([cell(policy('a'), trace(1))], {
    taskOf: () => ({ params: { pages: () => 1 } }) as unknown as CellTask,
  })
  expect(outcome).toEqual({ ok: false, error: '() => 1 could not be cloned.' })
  const timer = started.mock.calls.findIndex(([, after]) => after === 2000)
  expect(cleared).toHaveBeenCalledWith(started.mock.results[timer]?.value)
})

test('a trace is made once and held until its last cell', async () => {
  const [a, b] = [policy('a'), policy('b')]
  const [one, two] = [trace(1), trace(2)]
  const traces = new Traces()
  await run([cell(a, one), cell(a, two), cell(b, one), cell(b, two)], { traces })
  expect(traces).toMatchObject({ made: 2, most: 2 })
  expect(traces.held.size).toBe(0)
})

test('traces that do not fit into memory together are run one after another', async () => {
  const [a, b] = [policy('a'), policy('b')]
  const [one, two] = [trace(1), trace(2)]
  const traces = new Traces(2 ** 28)
  const ended = await run([cell(a, one), cell(a, two), cell(b, one), cell(b, two)], { traces })
  expect(ended.map(({ key }) => key)).toEqual(['a 1 work', 'b 1 work', 'a 2 work', 'b 2 work'])
  expect(traces).toMatchObject({ made: 2, most: 1 })
})

test('an interruption ends what is under way and starts nothing new', async () => {
  const a = policy('a')
  const cells = [cell(a, trace(1)), cell(a, trace(2), 'hang'), cell(a, trace(3))]
  const ended = await run(cells, { stopAfter: 1 })
  expect(ended.map(({ key }) => key)).toEqual(['a 1 work'])
})

test('a result that cannot be kept ends the run with its error, and every thread', async () => {
  const ended = vi.spyOn(Worker.prototype, 'terminate')
  const kept: string[] = []
  const cells = ['work', 'hang', 'work'].map((does, i) => cell(policy(`p${i}`), trace(1), does))
  const running = run(cells, {
    jobs: 2,
    finished: ({ key }) => {
      kept.push(key)
      throw new Error('no space left')
    },
  })
  await expect(running).rejects.toThrow('no space left')
  expect(kept).toEqual(['p0 1 work'])
  expect(new Set(ended.mock.contexts).size).toBe(2)
})
