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
import { type Exploration, explore, type Finding, type Goal, type Kind } from './explore.ts'
import { type Coverage, NO_COVERAGE } from './frontier.ts'
import { linesOf } from './lines.ts'
import { EVERY_MODEL, type Model } from './models.ts'
import { enterModel, readPlace, type SharedPlace } from './place.ts'
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
  /** Where the sequence under way is kept. */
  readonly place?: SharedPlace
  /** Only say what lines led to `place`, as the one finding. */
  readonly tellPlace?: boolean
}

export interface Explored extends Coverage {
  readonly stopped: Exploration['stopped']
  readonly findings: readonly FoundLines[]
}

export interface FoundLines {
  /** Of a .cow file, without what it expects. */
  readonly lines: readonly string[]
  readonly kind?: Kind
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

async function runTask(task: ExploreTask): Promise<Explored> {
  const settings = await settingsOf(task.subject, task.pulse)
  if (task.tellPlace) {
    const lines = task.place && linesTo(task.place, settings)
    return { ...NO_COVERAGE, stopped: '', findings: lines === undefined ? [] : [{ lines }] }
  }
  if (task.probe !== undefined) {
    const rival = task.against && (await settingsOf(task.against, task.pulse))
    for (const { model, depth } of task.probe) {
      const { findings } = exploreOne({ ...task, model, depth }, settings, rival, ENOUGH_FOR_PROBE)
      // Nothing after it is going to be searched.
      if (findings.length > 0 && !task.every) break
    }
    return { ...NO_COVERAGE, stopped: '', findings: [] }
  }
  const model = modelOf(task)
  if (task.random !== undefined) {
    enter(task)
    const { sequences, finding } = searchRandomly(settings, model, {
      ...task.random,
      ...(task.place === undefined ? {} : { place: task.place }),
      progress: (drawn) => {
        const coverage = { ...NO_COVERAGE, transitions: drawn }
        parentPort?.postMessage({ coverage, model: task.model } satisfies ThreadMessage)
      },
    })
    const found = finding === undefined ? [] : [finding]
    const findings = found.map((one) => foundLines(settings, model, one))
    return { ...NO_COVERAGE, transitions: sequences, stopped: '', findings }
  }
  const rival = task.against && (await settingsOf(task.against, task.pulse))
  const { findings, ...coverage } = exploreOne(task, settings, rival)
  return { ...coverage, findings: findings.map((one) => foundLines(settings, model, one)) }
}

function foundLines(
  settings: WorldSettings,
  model: Model,
  { path, seen, kind }: Finding,
): FoundLines {
  const lines = linesOf(settings, model, path, seen)
  return kind === undefined ? { lines } : { lines, kind }
}

/** What led to the action under way, and that action. */
function linesTo(place: SharedPlace, settings: WorldSettings): string[] | undefined {
  const { model: number = 0, actions = [] } = readPlace(place) ?? {}
  const model = EVERY_MODEL[number]
  if (model === undefined || actions.length === 0) return undefined
  const path = actions.flatMap((action) => model.actions[action] ?? [])
  return linesOf(settings, model, path, undefined)
}

function enter({ place, model }: ExploreTask): void {
  if (place === undefined) return
  enterModel(
    place,
    EVERY_MODEL.findIndex(({ name }) => name === model),
  )
}

/** Explores the task's model until it is done, or has met `most` states. */
function exploreOne(
  task: ExploreTask,
  settings: WorldSettings,
  rival: WorldSettings | undefined,
  most = Number.POSITIVE_INFINITY,
): Exploration {
  enter(task)
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

/** `; at: spawn A; ...`. */
async function placeOf({ subject, place }: ExploreTask): Promise<string> {
  const lines = place && linesTo(place, await settingsOf(subject))
  return lines === undefined ? '' : `; at: ${lines.join('; ')}`
}

const data = workerData as { readonly exploreTask?: ExploreTask } | null
if (data?.exploreTask !== undefined) {
  try {
    const explored = await runTask(data.exploreTask)
    parentPort?.postMessage({ explored } satisfies ThreadMessage)
  } catch (error) {
    const { message } = error as Error
    const told =
      error instanceof PolicyFailure
        ? `invalid policy: ${error.policy}: ${message}${await placeOf(data.exploreTask)}`
        : message
    parentPort?.postMessage({ error: told } satisfies ThreadMessage)
  }
}
