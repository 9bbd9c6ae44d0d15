/** search: from what was asked for to what is printed: a .cow file, or with --every one after the other. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Goal } from '../../check/explore.ts'
import { Foreteller } from '../../check/foretell.ts'
import { EVERY_MODEL, MODELS } from '../../check/models.ts'
import { type ModelResult, probe, type SearchOptions, search } from '../../check/search.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { unknown } from '../../params/closest.ts'
import type { PolicyChoice } from '../../plan.ts'
import type { PolicyDefinition } from '../../policy/api.ts'
import { missingCapability } from '../../run.ts'
import { OP_BEGIN } from '../../trace/ops.ts'
import { interruptCode } from '../shell/interrupted.ts'
import { testReplay } from '../shell/replay.ts'
import { counted, print, say } from '../shell/streams.ts'
import { choiceName, kernelChoice, policyChoice, settingsOf, withParams } from '../words/choices.ts'
import { isSwapDisk } from '../words/swap-device.ts'
import { UsageError } from '../words/usage-error.ts'

export interface CheckRequest {
  readonly policy: string | undefined
  readonly kernel: string | undefined
  /** Of the policy, as --param gives them. */
  readonly params: readonly string[]
  readonly depth: number
  /** Of random search, after that. */
  readonly seconds: number
  readonly seed: number
  readonly models: readonly string[]
  readonly goal: string
  /** A second policy: where do they differ? */
  readonly against: string | undefined
  readonly every: boolean
  readonly swap: string
  /** MiB. */
  readonly memory: number
  readonly jobs: number
  /** For one answer of a policy of one's own. */
  readonly answerSeconds: number
  readonly out: string | undefined
  readonly json: boolean
}

const GOALS: readonly Goal[] = ['violation', 'missed-reuse']
const MIB = 2 ** 20

/** Returns the exit code: 3 if a violation was found. */
export async function runCheck(request: CheckRequest): Promise<number> {
  const rival = await rivalOf(request)
  const { name, subject, models } = await subjectOf(request, rival?.definition)
  const { seconds, seed } = request
  const goal = oneOf('goal', request.goal, GOALS)
  if (seconds > 0 && goal !== 'violation') {
    throw new UsageError(
      `unsupported --time with --goal ${goal}: random sequences look for violations`,
    )
  }
  if (request.out !== undefined) makeRoom(request.out)
  const stop = new AbortController()
  let stoppedBy: NodeJS.Signals | undefined
  const interrupt = (signal: NodeJS.Signals): void => {
    stoppedBy = signal
    stop.abort()
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const foreteller = new Foreteller(request.memory * MIB, say)
  const options: SearchOptions = {
    ...{ subject, name, models, goal, every: request.every, jobs: request.jobs },
    memory: request.memory * MIB,
    seconds: request.answerSeconds,
    depthOf: ({ deeper }) => Math.max(1, request.depth + deeper),
    signal: stop.signal,
    ...(rival === undefined ? {} : { against: rival }),
    ...(seconds > 0 ? { random: { seconds, seed } } : {}),
    drawing: (model) => say(`${model.name}: ${seconds} s of random sequences`),
    progress: (model, coverage) => {
      foreteller.hear(model, Math.max(1, request.depth + model.deeper), coverage)
    },
    finished: (result) => {
      const files = filesOf(result, name, request)
      if (!request.json) report(result, files, request, rival?.name)
    },
  }
  await probe(options)
  foreteller.tellAll()
  const results = await search(options)
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  if (request.json) print(JSON.stringify(documentOf(name, goal, results), undefined, 2))
  if (stoppedBy !== undefined) {
    const searched = results.map(({ model }) => model)
    const rest = models.filter((model) => !searched.includes(model)).map(({ name: of }) => of)
    say(`interrupted${rest.length === 0 ? '' : `; not searched: ${rest.join(', ')}`}`)
    return interruptCode(stoppedBy)
  }
  const found = results.flatMap(({ counterexamples }) => counterexamples).length
  if (found > 1 && request.out === undefined && !request.json) {
    say(`${found} findings, each a .cow file of its own: --out DIR writes them`)
  }
  const fails = goal === 'violation' && rival === undefined
  return fails && found > 0 ? 3 : 0
}

/** The policy that --against names. */
async function rivalOf({ against, policy, swap, ...others }: CheckRequest) {
  if (against === undefined) return undefined
  const odd = [
    others.kernel === undefined ? '' : '--kernel',
    others.goal === 'violation' ? '' : '--goal',
    others.every ? '--every' : '',
    others.seconds > 0 ? '--time' : '',
  ].find((flag) => flag !== '')
  if (odd !== undefined) {
    throw new UsageError(`unsupported ${odd} with --against: it looks for one difference`)
  }
  if (against === policy) {
    throw new UsageError(`invalid --against: ${against}; expected another policy`)
  }
  const choice = await policyChoice(against)
  const { definition } = choice
  return { definition, name: choiceName(choice), subject: policyOf(choice, isSwapDisk(swap)) }
}

type Searched = Pick<SearchOptions, 'name' | 'subject' | 'models'>

async function subjectOf(request: CheckRequest, rival?: PolicyDefinition): Promise<Searched> {
  if (request.policy === undefined && request.kernel === undefined) {
    throw new UsageError('missing policy; expected: cowbench check POLICY')
  }
  if (request.policy !== undefined && request.kernel !== undefined) {
    throw new UsageError('unsupported --kernel with a policy: a kernel has one of its own')
  }
  const named =
    request.kernel === undefined
      ? await policyChoice(request.policy ?? '')
      : await kernelChoice(request.kernel)
  const choice = withParams([named], request.params)[0] ?? named
  const { definition, kernel } = choice
  const known = EVERY_MODEL.map(({ name }) => name)
  const odd = request.models.find((name) => !known.includes(name))
  if (odd !== undefined) throw new UsageError(unknown('model', odd, known))
  const chosen =
    request.models.length === 0
      ? MODELS
      : EVERY_MODEL.filter(({ name }) => request.models.includes(name))
  const models = chosen.filter(({ name, needs, actions }) => {
    for (const [policy, era] of [[definition, kernel?.era] as const, [rival, undefined] as const]) {
      const lacks = policy && missingCapability(policy, needs, era)
      if (lacks === undefined) continue
      say(`${name} is left out: ${policy?.name} has no rule for ${lacks}`)
      return false
    }
    const stepped = rival !== undefined && actions.some(({ op }) => op === OP_BEGIN)
    if (stepped) say(`${name} is left out: steps are each policy's own`)
    return !stepped
  })
  if (models.length === 0) {
    const names = chosen.map(({ name }) => name)
    throw new UsageError(`unsupported --model: ${names.join()}; expected one that is not left out`)
  }
  return {
    name: choiceName(choice),
    models,
    subject: policyOf(choice, isSwapDisk(request.swap)),
  }
}

/** What a thread needs to load the policy again. */
function policyOf(choice: PolicyChoice, swapDisk: boolean): SearchOptions['subject'] {
  const { params, era } = settingsOf(choice)
  const { definition, file } = choice
  return {
    ...{ policy: file?.path ?? definition.name, hash: file?.hash, params, swapDisk },
    ...(era === undefined ? {} : { era }),
  }
}

function oneOf<T extends string>(noun: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw new UsageError(unknown(noun, text, choices))
  return found
}

/** What cannot be written is said before the search, which may take an hour. */
function makeRoom(out: string): void {
  mkdirSync(out, { recursive: true })
  accessSync(out, constants.W_OK)
}

/** Writes the findings to --out, if that was given, and returns the file of each. */
function filesOf(
  { model, counterexamples }: ModelResult,
  name: string,
  { out }: CheckRequest,
): string[] {
  if (out === undefined) return []
  return counterexamples.map(({ cow }, i) => {
    const file = join(out, `${name}-${model.name}-${i + 1}.cow`)
    replaceFile(file, cow)
    return file
  })
}

function report(
  result: ModelResult,
  files: readonly string[],
  request: CheckRequest,
  rival?: string,
): void {
  print(`# ${coverageOf(result, rival)}`)
  const save = request.every
    ? 'save this finding alone as found.cow (--out DIR writes a file for each)'
    : 'save this as found.cow'
  for (const [i, { cow }] of result.counterexamples.entries()) {
    const file = files[i]
    print(
      file === undefined
        ? `${cow}# replay: ${save}, then: ${replayOf('found.cow', request)}`
        : `# replay: ${replayOf(file, request)}`,
    )
  }
}

function replayOf(file: string, request: CheckRequest): string {
  const { policy, kernel, params, against, swap } = request
  const variant = [kernel ?? policy, ...params].join(':')
  const who = [
    kernel === undefined ? '--policy' : '--kernel',
    against === undefined ? variant : `${variant},${against}`,
  ] as const
  return testReplay({ command: 'litmus', file, who, drained: false, swapDisk: isSwapDisk(swap) })
}

function coverageOf(result: ModelResult, rival?: string): string {
  const { model, goalDepth, depth, stopped, counterexamples, states, transitions, bytes } = result
  const shortest = counterexamples[0]
  if (result.random) {
    const ended = stopped === '' ? '' : 'interrupted after '
    const drawn = `${whole(transitions)} random sequences, ${ended}${result.seconds.toFixed(1)} s`
    return `${model.name}: ${shortest === undefined ? 'nothing found' : `1 finding of ${counted(shortest.operations, 'operation')}`} in ${drawn}`
  }
  const found =
    shortest === undefined
      ? nothingOf(result, rival)
      : `${counted(counterexamples.length, rival === undefined ? 'finding' : 'difference')}, the shortest of ${counted(shortest.operations, 'operation')},`
  const why = stopped === 'memory' ? `, stopped at ${Math.ceil(bytes / MIB)} MiB` : ''
  const part =
    stopped === '' ? '' : `${why === '' ? ', interrupted' : why} on the way to ${goalDepth}`
  return (
    `${model.name}: ${found} to depth ${depth}${part}: ${whole(states)} states, ` +
    `${whole(transitions)} transitions, ${model.actions.length} actions, ${result.seconds.toFixed(1)} s`
  )
}

function nothingOf({ known }: ModelResult, rival?: string): string {
  if (rival !== undefined) return `equal to ${rival}`
  return known > 0 ? 'nothing of a kind that is not above' : 'nothing found'
}

function whole(count: number): string {
  return count.toLocaleString('en-US')
}

function documentOf(policy: string, goal: Goal, results: readonly ModelResult[]): unknown {
  return {
    ...{ policy, goal },
    models: results.map(({ model, counterexamples, seconds, ...coverage }) => ({
      model: model.name,
      ...{ ...coverage, actions: model.actions.map(({ text }) => text) },
      seconds: Number(seconds.toFixed(1)),
      findings: counterexamples,
    })),
  }
}
