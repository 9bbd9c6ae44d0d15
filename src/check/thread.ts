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
import { EVERY_MODEL, type Model } from './models.ts'
import { type RandomOptions, searchRandomly } from './random.ts'
import type { WorldSettings } from './world.ts'

export const SMALL_WORLD: GeometryData = { hugeOrder: 2 }

/** What runs: a policy by name or path, as `loadPolicy` takes it. */
export interface Subject {
  readonly policy: string
  /** Of its file when the search began. */
  readonly hash?: string | undefined
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
  /** Take but a look at the first levels of these models instead, one after the other. */
  readonly probe?: readonly { readonly model: string; readonly depth: number }[]
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
  | { readonly coverage: Coverage; readonly model: string }
  | { readonly explored: Explored }
  | { readonly error: string }

/** States from which on levels grow evenly enough to foretell the next ones; some 50 milliseconds' worth. */
const ENOUGH_FOR_PROBE = 2000

export async function settingsOf(
  { policy, hash, ...subject }: Subject,
  pulse?: Pulse,
): Promise<WorldSettings> {
  const { definition } = await loadPolicy(policy, { pulse, hash })
  return { ...subject, policy: definition }
}

const NO_STATES: Coverage = { depth: 0, states: 0, transitions: 0, bytes: 0, filled: 0 }

async function runTask(task: ExploreTask): Promise<Explored> {
  const settings = await settingsOf(task.subject, task.pulse)
  if (task.probe !== undefined) {
    const rival = task.against && (await settingsOf(task.against, task.pulse))
    for (const { model, depth } of task.probe) {
      const { findings } = exploreOne({ ...task, model, depth }, settings, rival, ENOUGH_FOR_PROBE)
      // Nothing after it is going to be searched.
      if (findings.length > 0 && !task.every) break
    }
    return { ...NO_STATES, stopped: '', findings: [] }
  }
  const model = modelOf(task)
  if (task.random !== undefined) {
    const { sequences, finding } = searchRandomly(settings, model, {
      ...task.random,
      progress: (drawn) => {
        const coverage = { ...NO_STATES, transitions: drawn }
        parentPort?.postMessage({ coverage, model: task.model } satisfies ThreadMessage)
      },
    })
    const findings =
      finding === undefined ? [] : [linesOf(settings, model, finding.path, finding.seen)]
    return { ...NO_STATES, transitions: sequences, stopped: '', findings }
  }
  const rival = task.against && (await settingsOf(task.against, task.pulse))
  const { findings, ...coverage } = exploreOne(task, settings, rival)
  const lines = findings.map(({ path, seen }) => linesOf(settings, model, path, seen))
  return { ...coverage, findings: lines }
}

/** Explores the task's model until it is done, or has met `most` states. */
function exploreOne(
  task: ExploreTask,
  settings: WorldSettings,
  rival: WorldSettings | undefined,
  most = Number.POSITIVE_INFINITY,
): Exploration {
  const options = {
    ...task,
    progress: (coverage: Coverage) => {
      parentPort?.postMessage({ coverage, model: task.model } satisfies ThreadMessage)
      return coverage.states < most
    },
  }
  return rival === undefined
    ? explore(settings, modelOf(task), options)
    : findDifference(settings, rival, modelOf(task), options)
}

function modelOf(task: ExploreTask): Model {
  return EVERY_MODEL.find(({ name }) => name === task.model) as Model
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
