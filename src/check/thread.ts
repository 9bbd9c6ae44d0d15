/**
 * thread: explores one model, on a thread of its own that was started with huge pages of four (src/geometry.ts).
 *
 * Functions do not cross threads: the policy comes by name or path and is loaded again.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { GeometryData } from '../geometry.ts'
import { PolicyFailure, type Pulse } from '../load/checked-policy.ts'
import { loadPolicy } from '../load/policies.ts'
import type { ParamValue } from '../params/params.ts'
import { findDifference } from './differ.ts'
import { type Exploration, explore, type Goal } from './explore.ts'
import type { Coverage } from './frontier.ts'
import { linesOf } from './lines.ts'
import { MODELS, type Model } from './models.ts'
import { type RandomOptions, searchRandomly } from './random.ts'
import type { WorldSettings } from './world.ts'

export const SMALL_WORLD: GeometryData = { hugeOrder: 2 }

/** What runs: a policy by name or path, as `loadPolicy` takes it. */
export interface Subject {
  readonly policy: string
  readonly params: Readonly<Record<string, ParamValue>>
  readonly era?: string
  readonly swapDisk: boolean
}

export interface ExploreTask extends GeometryData {
  readonly subject: Subject
  /** Look for a difference from this one instead. */
  readonly against?: Subject
  readonly model: string
  readonly depth: number
  readonly goal: Goal
  readonly every: boolean
  readonly memory: number
  /** Draw sequences for so long instead. */
  readonly random?: RandomOptions
  /** Where questions and answers are counted, for whoever waits. */
  readonly pulse?: Pulse
}

export interface Explored extends Coverage {
  readonly stopped: Exploration['stopped']
  /** Each a .cow file's lines, without what it expects. */
  readonly findings: readonly (readonly string[])[]
}

/** Coverage so far, now and then; then the result, or what went wrong. */
export type ThreadMessage =
  | { readonly coverage: Coverage }
  | { readonly explored: Explored }
  | { readonly error: string }

export async function settingsOf(
  { policy, ...subject }: Subject,
  pulse?: Pulse,
): Promise<WorldSettings> {
  const { definition } = await loadPolicy(policy, pulse)
  return { ...subject, policy: definition }
}

async function runTask(task: ExploreTask): Promise<Explored> {
  const settings = await settingsOf(task.subject, task.pulse)
  const model = MODELS.find(({ name }) => name === task.model) as Model
  if (task.random !== undefined) {
    const { sequences, finding } = searchRandomly(settings, model, task.random)
    const findings =
      finding === undefined ? [] : [linesOf(settings, model, finding.path, finding.seen)]
    return { ...{ depth: 0, states: 0, transitions: sequences, bytes: 0, stopped: '' }, findings }
  }
  const options = {
    ...task,
    progress: (now: Coverage) => {
      parentPort?.postMessage({ coverage: now } satisfies ThreadMessage)
      return true
    },
  }
  const { findings, ...coverage } =
    task.against === undefined
      ? explore(settings, model, options)
      : findDifference(settings, await settingsOf(task.against, task.pulse), model, options)
  const lines = findings.map(({ path, seen }) => linesOf(settings, model, path, seen))
  return { ...coverage, findings: lines }
}

const data = workerData as { readonly exploreTask?: ExploreTask } | null
if (data?.exploreTask !== undefined) {
  try {
    const explored = await runTask(data.exploreTask)
    parentPort?.postMessage({ explored } satisfies ThreadMessage)
  } catch (error) {
    const { message } = error as Error
    const told =
      error instanceof PolicyFailure ? `invalid policy: ${error.policy}: ${message}` : message
    parentPort?.postMessage({ error: told } satisfies ThreadMessage)
  }
}
