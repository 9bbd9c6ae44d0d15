/**
 * search: explores models on threads, smallest first, and shows what was found before the oracle.
 */
import { Worker } from 'node:worker_threads'
import { isPath } from '../load/module.ts'
import { PulseWatch } from '../load/pulse.ts'
import { type Counterexample, counterexample, difference } from './counterexample.ts'
import { type Goal, isCovered, type Kind } from './explore.ts'
import { type Coverage, NO_COVERAGE } from './frontier.ts'
import type { Model } from './models.ts'
import { newPlace } from './place.ts'
import type { RandomOptions } from './random.ts'
import {
  type Explored,
  type ExploreTask,
  SMALL_WORLD,
  type Subject,
  settingsOf,
  type ThreadMessage,
} from './thread.ts'

export interface SearchOptions {
  readonly subject: Subject
  /** What a counterexample expects of it: a policy's or kernel's name. */
  readonly name: string
  /** Look for a difference from this policy, in place of the goal. */
  readonly against?: { readonly subject: Subject; readonly name: string }
  readonly models: readonly Model[]
  readonly depthOf: (model: Model) => number
  readonly goal: Goal
  readonly every: boolean
  /** Bytes for the states of one model. */
  readonly memory: number
  readonly jobs: number
  /** For one answer of a policy of one's own [10]. */
  readonly seconds?: number
  /** After everything else, if nothing was found: sequences drawn at random, in the widest model. */
  readonly random?: RandomOptions
  /** Told where they are drawn, before that. */
  readonly drawing?: (model: Model) => void
  /** Ends the search: what was covered until then is the result. */
  readonly signal?: AbortSignal
  readonly progress?: (model: Model, coverage: Coverage) => void
  readonly finished?: (result: ModelResult) => void
}

export interface ModelResult extends Coverage {
  readonly model: Model
  /** Asked for. */
  readonly goalDepth: number
  readonly stopped: Explored['stopped']
  readonly seconds: number
  /** Sequences were drawn at random: `transitions` of them. */
  readonly random: boolean
  readonly counterexamples: readonly Counterexample[]
  /** Findings that are left out, being of a kind that a model before it showed. */
  readonly known: number
}

/** A result as a thread gave it: each finding with its kind. */
type Result = ModelResult & { readonly kinds: readonly (Kind | undefined)[] }

/**
 * Results in the order of the models; unless `every`, none after the first one that found something, and with it, none
 * of a kind twice.
 */
export async function search(options: SearchOptions): Promise<ModelResult[]> {
  const { models, jobs, every, random } = options
  const results: (Result | undefined)[] = models.map(() => undefined)
  const spoken: ModelResult[] = []
  const kinds: Kind[] = []
  const enough = new AbortController()
  let next = 0
  let told = 0
  const lane = async (): Promise<void> => {
    while (next < models.length && !enough.signal.aborted && !options.signal?.aborted) {
      const index = next++
      const result = await exploreModel(models[index] as Model, options, enough.signal)
      results[index] = result
      // Smaller models speak first, and what is larger than one that found something has nothing to add.
      for (
        ;
        told < models.length && results[told] !== undefined && !enough.signal.aborted;
        told++
      ) {
        const result = onlyNew(results[told] as Result, kinds)
        spoken.push(result)
        options.finished?.(result)
        if (result.counterexamples.length > 0 && !every) enough.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: jobs }, lane))
  const found = spoken.some(({ counterexamples }) => counterexamples.length > 0)
  const widest = widestOf(models)
  if (random === undefined || found || widest === undefined || options.signal?.aborted)
    return spoken
  options.drawing?.(widest)
  const drawn = onlyNew(await exploreModel(widest, options, enough.signal, random), kinds)
  options.finished?.(drawn)
  return [...spoken, drawn]
}

/** What was left out for want of a capability was often the last, and what is last now need not have much in it. */
function widestOf(models: readonly Model[]): Model | undefined {
  return models.reduce<Model | undefined>(
    (widest, model) => (widest === undefined || model.width >= widest.width ? model : widest),
    undefined,
  )
}

/** Without the findings of known kinds; those of the others are known from now on. */
function onlyNew({ kinds, ...result }: Result, known: Kind[]): ModelResult {
  const counterexamples = result.counterexamples.filter((_, i) => {
    const kind = kinds[i]
    return kind === undefined || !isCovered(kind, known)
  })
  known.push(...kinds.flatMap((kind) => kind ?? []))
  return {
    ...{ ...result, counterexamples },
    known: result.counterexamples.length - counterexamples.length,
  }
}

/** Looks at the first levels of each model, less than a second for all: `progress` is told of every level. */
export async function probe(options: SearchOptions): Promise<void> {
  const { subject, against, goal, every, memory, models, depthOf, signal } = options
  const task: ExploreTask = {
    ...SMALL_WORLD,
    ...{ subject, model: '', depth: 0, goal, every, memory },
    ...(against === undefined ? {} : { against: against.subject }),
    probe: models.map((model) => ({ model: model.name, depth: depthOf(model) })),
  }
  const never = new AbortController().signal
  await explored(task, options, signal ?? never, (coverage, name) => {
    const model = models.find((known) => known.name === name)
    if (model !== undefined) options.progress?.(model, coverage)
  })
}

async function exploreModel(
  model: Model,
  options: SearchOptions,
  enough: AbortSignal,
  random?: RandomOptions,
): Promise<Result> {
  const { subject, name, against, goal, every, memory, depthOf } = options
  const started = performance.now()
  const goalDepth = depthOf(model)
  const task: ExploreTask = {
    ...SMALL_WORLD,
    ...{ subject, model: model.name, depth: goalDepth, goal, every, memory },
    ...(random === undefined ? {} : { random }),
    ...(against === undefined ? {} : { against: against.subject }),
  }
  const signals = [enough, ...(options.signal === undefined ? [] : [options.signal])]
  const result = await explored(task, options, AbortSignal.any(signals), (coverage) =>
    options.progress?.(model, coverage),
  )
  const settings = await settingsOf(subject)
  const rival = against && { settings: await settingsOf(against.subject), name: against.name }
  const { findings, ...coverage } = result
  const counterexamples = findings.map(({ lines }) => {
    const shown =
      rival === undefined
        ? counterexample(settings, lines, goal, name)
        : difference(settings, rival.settings, lines, [name, rival.name])
    if (shown !== undefined) return shown
    const own = ownNames(options)
    if (own !== '') {
      throw new Error(
        `invalid policy: ${own}: what failed once did not when the same was done again: are its answers repeatable? ` +
          `Look for Math.random, Date, and variables that outlive a call; at: ${lines.join('; ')}`,
      )
    }
    // Small and large worlds must not differ; where they do, that is this program's mistake, not the policy's.
    throw new Error(`a small world shows what a large one does not: ${lines.join('; ')}`)
  })
  const seconds = (performance.now() - started) / 1000
  return {
    ...{ ...coverage, model, goalDepth, seconds, counterexamples },
    ...{ random: random !== undefined, known: 0, kinds: findings.map(({ kind }) => kind) },
  }
}

/** Policies that did not come with the program; empty if all did. */
function ownNames({ subject, name, against }: SearchOptions): string {
  return [
    ...(isPath(subject.policy) ? [name] : []),
    ...(isOwn(against) ? [against.name] : []),
  ].join(' or ')
}

function isOwn(rival: SearchOptions['against']): rival is NonNullable<typeof rival> {
  return rival !== undefined && isPath(rival.subject.policy)
}

/** Runs a task on a thread, watched where a policy of one's own might never answer. */
async function explored(
  task: ExploreTask,
  options: SearchOptions,
  signal: AbortSignal,
  progress: (coverage: Coverage, model: string) => void = () => {},
): Promise<Explored> {
  const { seconds = 10 } = options
  const own = ownNames(options)
  if (own === '') return await runThread(task, signal, seconds, progress)
  const place = newPlace()
  try {
    return await runThread({ ...task, place }, signal, seconds, progress)
  } catch (error) {
    if (!(error instanceof Silent)) throw error
    // The thread itself cannot tell any more; what led there was answered.
    const { findings } = await runThread({ ...task, place, tellPlace: true }, signal, seconds)
    const lines = findings.flatMap((finding) => finding.lines)
    const at = lines.length === 0 ? '' : `; at: ${lines.join('; ')}`
    throw new Error(`invalid policy: ${own}: ${error.message}${at}`)
  }
}

/** A question has no answer. */
class Silent extends Error {}

async function runThread(
  task: ExploreTask,
  signal: AbortSignal,
  seconds: number,
  progress: (coverage: Coverage, model: string) => void = () => {},
): Promise<Explored> {
  let coverage = NO_COVERAGE
  let silent = (_hook: string): void => {}
  const watch = new PulseWatch(seconds, (hook) => silent(hook))
  const exploreTask = { ...task, pulse: watch.pulse }
  const worker = new Worker(threadFile(), { workerData: { ...SMALL_WORLD, exploreTask } })
  try {
    return await new Promise<Explored>((resolve, reject) => {
      silent = (hook) => reject(new Silent(`${hook} gave no answer within ${seconds} seconds`))
      const stop = (): void => resolve({ ...coverage, stopped: 'interrupted', findings: [] })
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true })
      worker.on('message', (message: ThreadMessage) => {
        if ('explored' in message) resolve(message.explored)
        else if ('error' in message) reject(new Error(message.error))
        else {
          coverage = message.coverage
          progress(coverage, message.model)
        }
      })
      worker.on('error', reject)
      worker.on('exit', (code) => reject(new Error(`the thread ended with code ${code}`)))
    })
  } finally {
    watch.end()
    await worker.terminate()
  }
}

/** Threads have no TypeScript loader: from the sources, the thread is the one that was built. */
function threadFile(): URL {
  const built = import.meta.url.endsWith('.js')
  return new URL(built ? '../check/thread.js' : '../../dist/src/check/thread.js', import.meta.url)
}
