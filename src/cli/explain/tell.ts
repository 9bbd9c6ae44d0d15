/** tell: from the words of `explain` to what is printed. */
import { type Execution, explain, firstDivergence, type Wanted } from '../../explain/explain.ts'
import { eventsOf, operationsOf } from '../../explain/happenings.ts'
import { NUMBERS, namesOf } from '../../explain/names.ts'
import type { Happening } from '../../explain/story.ts'
import { textOf } from '../../explain/text.ts'
import { Witness } from '../../explain/witness.ts'
import { readTest } from '../../litmus/library.ts'
import { isPath } from '../../load/module.ts'
import { stepsWithin, TooLong, within } from '../../load/within.ts'
import { unknown } from '../../params/closest.ts'
import { expand, type PolicyChoice, policyLabel, variantName } from '../../plan.ts'
import { missingCapability } from '../../run.ts'
import { gatherInputs } from '../run/inputs.ts'
import { RUN_FLAGS, type RunFlags, runOptions } from '../run/options.ts'
import { Traces } from '../run/traces.ts'
import { counted, print, say } from '../shell/streams.ts'
import {
  kernelChoice,
  policyChoice,
  policyOrKernel,
  settingsOf,
  withParams,
} from '../words/choices.ts'
import { readFlags, refuseFlags } from '../words/flag-table.ts'
import { parseList, parseVariant, parseWhole } from '../words/flags.ts'
import { answerSeconds } from '../words/patience.ts'
import { isSwapDisk } from '../words/swap-device.ts'
import { UsageError } from '../words/usage-error.ts'
import type { ExplainFlags } from './flags.ts'

/** What is to be told, under one policy. */
interface Subject {
  readonly label: string
  readonly execution: Execution
}

const ONLY = ['all', 'asked', 'interesting'] as const
/** Events of a trace that are told at most, unless --limit says otherwise. */
const TOLD = 20
const MOST = 2 ** 31 - 1

export async function explainFiles(words: readonly string[], flags: ExplainFlags): Promise<void> {
  const { file, compared } = filesAndPolicies(words, flags)
  if (compared.length > 0) {
    const unfit = ['event', 'page', 'only', 'limit'] as const
    refuseFlags(flags, unfit, 'with --diff: it tells where the two part')
  }
  if (flags.event !== undefined) {
    refuseFlags(
      flags,
      ['page', 'only', 'limit'],
      'with --event: that event is told, whatever it is',
    )
  }
  const choices = await choicesOf(flags, compared)
  const seconds = answerSeconds(flags.timeout)
  const isTest = file?.endsWith('.cow') ?? false
  const chosen = isTest ? withParams(choices, flags.param ?? []) : choices
  const subjects = await Promise.all(
    chosen.map(async (choice) => {
      const told = isTest ? ofTest(file ?? '', choice, flags) : await ofCell(file, choice, flags)
      return choice.file === undefined ? told : patient(told, isTest, seconds, flags)
    }),
  )
  const [subject, other] = subjects
  if (subject === undefined) return
  if (other !== undefined) diff(subject, other, flags)
  else tellAll(subject, wantedOf(subject, flags, isTest), flags)
}

/** The shell gives `--diff A B` as A and a word that is no file. */
function filesAndPolicies(
  words: readonly string[],
  { diff }: ExplainFlags,
): { file: string | undefined; compared: string[] } {
  const isPolicy = (word: string): boolean =>
    /\.[cm]?[jt]s$/.test(parseVariant(word).name) ||
    (!isPath(word) && !/\.(cow|gz|trace|txt|bin)$/.test(word))
  const compared = [...parseList('diff', diff ?? [])]
  if (compared.length === 1) compared.push(...words.filter(isPolicy))
  const files = words.filter((word) => !compared.includes(word))
  if (files.length > 1) throw new UsageError(`unknown argument: ${files[1]}; expected: one file`)
  if (diff !== undefined && compared.length !== 2) {
    throw new UsageError(`invalid --diff: ${compared.join(',')}; expected two policies: A,B`)
  }
  return { file: files[0], compared }
}

async function choicesOf(
  { policy, kernel }: ExplainFlags,
  compared: readonly string[],
): Promise<PolicyChoice[]> {
  const policies = parseList('policy', policy ?? [])
  const kernels = parseList('kernel', kernel ?? [])
  if (compared.length > 0) {
    if (policies.length + kernels.length > 0)
      throw new UsageError('unsupported --policy beside --diff')
    return await Promise.all(compared.map(policyOrKernel))
  }
  if (policies.length + kernels.length !== 1) {
    const given = [...policies, ...kernels].join(',')
    throw new UsageError(
      given === ''
        ? 'missing --policy: expected: one policy or --kernel, or --diff A,B'
        : `invalid --policy: ${given}; expected: one policy or kernel, or --diff A,B`,
    )
  }
  return [
    ...(await Promise.all(policies.map(policyChoice))),
    ...(await Promise.all(kernels.map(kernelChoice))),
  ]
}

function ofTest(file: string, choice: PolicyChoice, flags: ExplainFlags): Subject {
  refuseFlags(flags, ['workload', 'trace', 'seed'], 'for a litmus test')
  const swapDisk = isSwapDisk(flags.swap ?? 'zram')
  const test = readTest(file)
  const label = policyLabel(choice)
  const settings = { ...settingsOf(choice), swapDisk }
  const execution: Execution = {
    names: namesOf(test),
    start() {
      const witness = new Witness(settings)
      const drained = flags.drained ?? false
      return { witness, happenings: operationsOf(test, witness.engine, label, drained) }
    },
  }
  return { label, execution }
}

/** The same, where the policy may never answer: a test's operations and the event asked for then end with an error. */
function patient(
  { label, execution }: Subject,
  isTest: boolean,
  seconds: number,
  flags: ExplainFlags,
): Subject {
  let at = 0
  function* watched(happenings: Iterable<Happening>): Generator<Happening> {
    for (const happening of happenings) {
      at = happening.n
      const run = (): string => within(seconds, 'answer', happening.run)
      yield isTest || String(at) === flags.event ? { ...happening, run } : happening
    }
  }
  return {
    label,
    execution: {
      ...execution,
      start() {
        const { witness, happenings } = execution.start()
        return { witness, happenings: watched(happenings) }
      },
      steps(step) {
        try {
          // The event asked for has its own guard, which comes first.
          stepsWithin(2 * seconds, 'answer', step)
        } catch (error) {
          if (!(error instanceof TooLong)) throw error
          throw new UsageError(
            `invalid policy: ${label}: no answer at event ${at}; see --event ${at}`,
          )
        }
      },
    },
  }
}

async function ofCell(
  file: string | undefined,
  { definition, file: source, params, kernel }: PolicyChoice,
  flags: ExplainFlags,
): Promise<Subject> {
  const sources = [
    ...(file === undefined ? [] : [file]),
    ...(flags.workload === undefined ? [] : ['--workload']),
    ...(flags.trace === undefined ? [] : ['--trace']),
  ]
  const [what, another] = sources
  if (what === undefined) {
    throw new UsageError('missing argument: expected: a .cow file, --workload or --trace')
  }
  if (another !== undefined) {
    throw new UsageError(`unsupported ${another} with ${what}: one cell is told`)
  }
  refuseFlags(flags, ['drained', 'swap'], `with ${what}: it is for litmus tests`)
  const trace = file ?? flags.trace
  const named: RunFlags = {
    ...readFlags({}, RUN_FLAGS),
    ...(kernel === undefined
      ? { policy: [variantName(source?.path ?? definition.name, params)] }
      : { kernel: [variantName(kernel.name, params)] }),
    ...(flags.workload === undefined ? {} : { workload: [flags.workload] }),
    ...(trace === undefined ? {} : { trace: [trace] }),
    ...{ param: flags.param, seed: flags.seed },
  }
  const inputs = await gatherInputs(runOptions(named))
  const plan = expand(inputs.plan, (choice, needs) =>
    missingCapability(choice.definition, needs, choice.kernel?.era),
  )
  if (inputs.plan.workloads.length > 1) {
    throw new UsageError(`invalid --workload: ${flags.workload}; expected one`)
  }
  const [cell] = plan.cells
  if (cell === undefined) {
    const [skipped] = plan.skipped
    throw new UsageError(
      `unsupported workload: ${skipped?.workload}; ${definition.name} lacks ${skipped?.reason}`,
    )
  }
  const events = new Traces(inputs.origins).get(cell.trace)
  const { noise, policyValues } = cell
  const settings = {
    ...{ policy: definition, params: policyValues, cost: inputs.plan.conditions.cost },
    ...(noise === undefined ? {} : { noise: { values: noise, seed: cell.trace.seed } }),
    ...(kernel === undefined ? {} : { era: kernel.era }),
  }
  return {
    label: `${policyLabel(cell.policy)} on ${cell.name.workload}`,
    execution: {
      names: NUMBERS,
      start() {
        const witness = new Witness(settings)
        return { witness, happenings: eventsOf(events, witness.engine) }
      },
    },
  }
}

function wantedOf({ execution }: Subject, flags: ExplainFlags, isTest: boolean): Wanted {
  const only = (flags.only ?? (isTest ? 'all' : 'asked')) as Wanted['only']
  if (!ONLY.includes(only)) throw new UsageError(unknown('--only', only, ONLY))
  const limit = flags.limit ?? String(isTest ? MOST : TOLD)
  return {
    only,
    limit: parseWhole('limit', limit, 1, MOST),
    ...(flags.event === undefined ? {} : { event: parseWhole('event', flags.event, 0, MOST) }),
    ...(flags.page === undefined ? {} : { page: execution.names.find(flags.page) }),
  }
}

function tellAll({ label, execution }: Subject, wanted: Wanted, { json }: ExplainFlags): void {
  const { told, more, events } = explain(execution, wanted)
  if (told.length === 0 && wanted.event !== undefined) {
    throw new UsageError(`unknown event: ${wanted.event}; ${label} has none of that number`)
  }
  for (const each of told) {
    const end = each.pages.length > 0 ? '\n\n' : '\n'
    print(json ? JSON.stringify(each) : `${textOf(each, execution.names)}${end}`)
  }
  const which = wanted.only === 'all' ? '' : ` (${wanted.only})`
  if (wanted.event === undefined) {
    const rest = more === 0 ? '' : `; ${more} more with --limit ${told.length + more}`
    say(`${label}: ${told.length} of ${counted(events, 'event')} told${which}${rest}`)
  }
}

function diff(a: Subject, b: Subject, { json }: ExplainFlags): void {
  const { first, events } = firstDivergence(a.execution, b.execution)
  if (json) {
    const [left, right] = first ?? []
    print(
      JSON.stringify(
        {
          events,
          ...(left && right ? { event: left.n, [a.label]: left, [b.label]: right } : {}),
        },
        null,
        2,
      ),
    )
    return
  }
  if (first === undefined) {
    print(`${a.label} and ${b.label} decide alike in all ${events} events`)
    return
  }
  const [left, right] = first
  print(`${a.label} and ${b.label} decide alike in ${counted(events, 'event')}, and part here:\n\n`)
  print(`${a.label}:\n${textOf(left, a.execution.names)}\n\n`)
  print(`${b.label}:\n${textOf(right, b.execution.names)}`)
}
