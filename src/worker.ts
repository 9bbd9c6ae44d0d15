/**
 * worker: runs cells on a thread, one at a time, takes the time of them, or makes a long trace for the threads that run.
 *
 * Functions do not cross threads: policies and workloads come by name or path and are loaded again; traces come in
 * shared memory, long ones through a ring.
 */
import { parentPort } from 'node:worker_threads'
import { startClock } from './load/clock.ts'
import { loadPolicy } from './load/policies.ts'
import type { CostProfile } from './metrics/cost.ts'
import { METRIC_IDS } from './metrics/row.ts'
import type { MetricValues } from './metrics/schema.ts'
import type { ParamValue } from './params/params.ts'
import type { PolicyDefinition } from './policy/api.ts'
import { VERDICT_LABELS } from './policy/verdict.ts'
import { FailedEvent, simulate } from './run.ts'
import type { NoiseSettings } from './sim/noise.ts'
import { type Produced, produce, type Source } from './stream/produce.ts'
import { Ring, type RingMemory } from './stream/ring.ts'
import type { ChunkedTrace, Trace } from './trace/trace.ts'

export interface CellTask {
  /** Name or absolute path. */
  readonly policy: string
  /** Of a policy's file when the run began. */
  readonly hash?: string | undefined
  readonly params: Readonly<Record<string, ParamValue>>
  /** Era of the mechanism; without it, the policy's own. */
  readonly era?: string
  readonly cost: CostProfile
  readonly oracle: 'epoch' | 'eager'
  readonly check: boolean
  readonly trace: Trace | Seat
  readonly noise?: NoiseSettings | undefined
  /** Where the number of the event under way goes: of policies that may never answer. */
  readonly reached?: Int32Array
}

/** A cell again and again, to know how long that takes. */
export interface TimedTask extends CellTask {
  readonly trace: Trace
  /** CPU time to spend at least. */
  readonly atLeastMs: number
}

/** Where a thread reads a long trace. */
export interface Seat {
  readonly ring: RingMemory
  readonly seat: number
}

export interface ProduceTask {
  readonly source: Source
  readonly ring: RingMemory
}

export interface Failure {
  readonly ok: false
  readonly error: string
  /** The event that it happened at, where it happened at one. */
  readonly event?: number
}

export type ProduceOutcome = ({ readonly ok: true } & Produced) | Failure

export type CellOutcome =
  | {
      readonly ok: true
      readonly values: MetricValues
      readonly breaches: readonly string[]
      readonly verdicts: Readonly<Record<string, number>>
    }
  | Failure

export type TimedOutcome =
  | {
      readonly ok: true
      readonly runs: number
      readonly cpuMs: number
      /** Ready to run, but not running; NaN where the system does not say. */
      readonly waitMs: number
    }
  | Failure

const loaded = new Map<string, PolicyDefinition>()

async function definitionOf({ policy, hash }: CellTask): Promise<PolicyDefinition> {
  const known = loaded.get(policy)
  if (known !== undefined) return known
  const { definition } = await loadPolicy(policy, { hash })
  loaded.set(policy, definition)
  return definition
}

const port = parentPort
port?.on('message', async (task: CellTask | TimedTask | ProduceTask) => {
  if ('source' in task) port.postMessage(await produced(task))
  else port.postMessage('atLeastMs' in task ? await timed(task) : await outcomeOf(task))
})

async function produced({ source, ring }: ProduceTask): Promise<ProduceOutcome> {
  try {
    return { ok: true, ...(await produce(source, new Ring(ring))) }
  } catch (error) {
    return failure(error)
  }
}

async function outcomeOf(task: CellTask): Promise<CellOutcome> {
  if (!('ring' in task.trace)) return await simulated(task, task.trace)
  const { seat } = task.trace
  const ring = new Ring(task.trace.ring)
  try {
    return await simulated(task, { chunks: ring.read(seat) })
  } finally {
    ring.leave(seat)
  }
}

async function simulated(task: CellTask, trace: Trace | ChunkedTrace): Promise<CellOutcome> {
  try {
    const policy = await definitionOf(task)
    const { values, breaches, verdicts } = simulate({ ...task, policy, trace })
    const odd = METRIC_IDS.find((id) => !Number.isSafeInteger(values[id]))
    if (odd !== undefined)
      throw new Error(`invalid ${odd}: ${values[odd]}; expected a whole number`)
    const given = [...verdicts.entries()].filter(([, count]) => count > 0)
    return {
      ok: true,
      values,
      breaches,
      verdicts: Object.fromEntries(given.map(([verdict, n]) => [VERDICT_LABELS[verdict] ?? '', n])),
    }
  } catch (error) {
    return failure(error)
  }
}

async function timed(task: TimedTask): Promise<TimedOutcome> {
  try {
    const policy = await definitionOf(task)
    const spent = startClock()
    for (let runs = 1; ; runs++) {
      simulate({ ...task, policy })
      const { cpuMs, waitMs } = spent()
      if (cpuMs >= task.atLeastMs) return { ok: true, runs, cpuMs, waitMs }
    }
  } catch (error) {
    return failure(error)
  }
}

function failure(error: unknown): Failure {
  const failed: Failure = {
    ...{ ok: false, error: error instanceof Error ? error.message : String(error) },
  }
  return error instanceof FailedEvent ? { ...failed, event: error.event } : failed
}
