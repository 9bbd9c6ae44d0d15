/**
 * timings: how long cells take, each measured again and again by tinybench. Every policy has a thread of its own from the
 * first sample to the last, as a policy with much to do has in a run. One sample is taken at a time, and all cells in
 * turn: what the machine does meanwhile, it does to all.
 */
import { Bench, type Task } from 'tinybench'
import { compileLoopsInTurn } from '../../load/v8-settings.ts'
import type { Cell, PolicyChoice } from '../../plan.ts'
import type { TimedOutcome } from '../../worker.ts'
import { cellTask, workerFile } from '../run/cell-task.ts'
import type { RunOptions } from '../run/options.ts'
import { Thread } from '../run/thread.ts'
import type { Traces } from '../run/traces.ts'

export interface Timing {
  readonly cell: Cell
  /** Of its trace; 0 if that could not be made. */
  readonly events: number
  /** CPU time of one event, or why there is none. */
  readonly ns: NsPerEvent | { readonly error: string }
}

/** tinybench's statistics of the samples. */
export interface NsPerEvent {
  readonly median: number
  readonly mean: number
  readonly min: number
  readonly max: number
  /** Standard deviation. */
  readonly sd: number
  /** Median absolute deviation. */
  readonly mad: number
  /** Half of the 95 % interval of the mean, in percent of it. */
  readonly rme: number
  readonly samples: number
}

export interface Timings {
  readonly timings: readonly Timing[]
  /** Share of the time that the threads were ready to run, but waited for a CPU. */
  readonly waiting: number
}

export interface TimingOptions {
  readonly run: Pick<RunOptions, 'cost' | 'oracle' | 'check' | 'timeoutSeconds'>
  readonly traces: Traces
  /** Samples of each cell, after one that warms it up. */
  readonly rounds: number
  /** CPU time of a sample, at least. */
  readonly sampleMs: number
  readonly taken: (cell: Cell) => void
}

export async function timingsOf(
  cells: readonly Cell[],
  { run, traces, rounds, sampleMs, taken }: TimingOptions,
): Promise<Timings> {
  compileLoopsInTurn()
  const threads = new Map<PolicyChoice, Thread>()
  const total = { cpuMs: 0, waitMs: 0 }
  const sample = async (cell: Cell) => {
    if (traces.source(cell.trace) !== undefined) throw new Error(TOO_LONG)
    const trace = traces.get(cell.trace)
    const task = { ...cellTask(cell, trace, run), atLeastMs: sampleMs }
    const thread = livingThread(threads, cell.policy)
    const outcome = await thread.runWithin<TimedOutcome>(run.timeoutSeconds, task)
    if (outcome?.ok !== true) throw new Error(outcome?.error)
    const { cpuMs, waitMs, runs } = outcome
    total.cpuMs += cpuMs
    if (!Number.isNaN(waitMs)) total.waitMs += waitMs
    // A sample is the time of an event; what it took is counted for the sample's share of the time.
    return { overriddenDuration: cpuMs / (runs * trace.events), overriddenIterationCost: cpuMs }
  }
  // All tasks begin at once, and each of their samples waits for its turn: so they come in rounds.
  const bench = new Bench({
    ...{ concurrency: 'bench', warmupTime: 0, warmupIterations: 1, time: 0, iterations: rounds },
  })
  const inTurn = turns()
  for (const [index, cell] of cells.entries()) {
    const next = () => inTurn(() => sample(cell)).finally(() => taken(cell))
    bench.add(String(index), next, { async: true })
  }
  const tasks = await bench.run()
  await Promise.all([...threads.values()].map((thread) => thread.stop()))
  const timings = cells.map((cell, index) => {
    const { events } = traces.facts(cell.trace)
    return { cell, events, ns: nsPerEvent(tasks[index]) }
  })
  const all = total.cpuMs + total.waitMs
  return { timings, waiting: all > 0 ? total.waitMs / all : 0 }
}

const TOO_LONG = 'unsupported trace: too long to be held in memory; expected a shorter one'

function livingThread(threads: Map<PolicyChoice, Thread>, policy: PolicyChoice): Thread {
  const known = threads.get(policy)
  if (known !== undefined && !known.dead) return known
  const thread = new Thread({ worker: workerFile(), signal: new AbortController().signal })
  threads.set(policy, thread)
  return thread
}

/** Does one thing after the other, in the order in which they were asked for. */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }
}

function nsPerEvent(task: Task | undefined): Timing['ns'] {
  const result = task?.result
  if (result?.state === 'errored') return { error: result.error.message }
  if (result?.state !== 'completed') throw new Error(`tinybench: ${result?.state}`)
  const { p50, mean, min, max, sd, mad, rme, samplesCount } = result.latency
  const ns = (ms: number): number => 1e6 * ms
  return {
    ...{ median: ns(p50), mean: ns(mean), min: ns(min), max: ns(max), sd: ns(sd), mad: ns(mad) },
    ...{ rme, samples: samplesCount },
  }
}
