/**
 * counterexample: what was found in a small world, as a .cow file that shows it in a large one, before the oracle, with
 * a sentence for what was observed and the verdict that caused it.
 */

import { parseLitmus } from '../litmus/parse.ts'
import type { LitmusTest } from '../litmus/program.ts'
import type { OperationResult } from '../litmus/result.ts'
import { LitmusRun } from '../litmus/run.ts'
import { say } from '../litmus/say.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { decisionOf } from '../oracle/describe.ts'
import type { Breach } from '../oracle/judge.ts'
import type { Oracle } from '../oracle/oracle.ts'
import { COPY, VERDICT_LABELS } from '../policy/verdict.ts'
import { litmusMachine } from '../run.ts'
import type { Goal } from './explore.ts'
import type { WorldSettings } from './world.ts'

export interface Counterexample {
  /** The whole .cow file. */
  readonly cow: string
  readonly sentence: string
  /** After the area was mapped, whatever shows it at last included. */
  readonly operations: number
  readonly kind: string
}

/** The lines before the oracle; undefined if a large world does not show what the small one did. */
export function counterexample(
  settings: WorldSettings,
  lines: readonly string[],
  goal: Goal,
  name: string,
): Counterexample | undefined {
  const test = parseLitmus(lines.join('\n'), 'counterexample')
  const replayed = replay(settings, test)
  const found = goal === 'violation' ? violation(test, replayed) : missedReuse(test, replayed)
  if (found === undefined) return undefined
  const { kind, observed } = found
  const sentence = `${kind}: ${observed}`
  const cow = cowOf(name, sentence, replayed.results)
  return { cow, sentence, operations: lines.length - SET_UP, kind }
}

/** The lines in both policies' hands: what each answers where their answers part, or undefined if they never do. */
export function difference(
  one: WorldSettings,
  other: WorldSettings,
  lines: readonly string[],
  names: readonly [string, string],
): Counterexample | undefined {
  const test = parseLitmus(lines.join('\n'), 'difference')
  const here = replay(one, test).results
  const there = replay(other, test).results
  const answers = here.map((result, i) => [answerOf(result), answerOf(there[i] ?? result)] as const)
  const parts = answers.findIndex(([a, b]) => a !== b)
  const parted = here[parts]
  if (parted === undefined) return undefined
  const [a, b] = answers[parts] ?? ['', '']
  const sentence = `difference: \`${parted.operation.text}\` is ${a} under ${names[0]}, ${b} under ${names[1]}`
  const body = here.flatMap(({ operation }, i) => {
    const [mine, yours] = answers[i] ?? ['', '']
    if (mine !== yours) {
      return [operation.text, `expect[${names[0]}] ${mine}`, `expect[${names[1]}] ${yours}`]
    }
    if (!EXPECTS.has(operation.verb)) return [operation.text]
    return [operation.text, `expect[${names.join(',')}] ${mine}`]
  })
  const cow = [`# ${sentence}.`, ...body, ''].join('\n')
  return { cow, sentence, operations: lines.length - SET_UP, kind: 'difference' }
}

function answerOf({ outcome, flags }: OperationResult): string {
  return [outcome, ...flags].join(' ')
}

interface Shown {
  readonly kind: string
  readonly observed: string
}

function violation(
  test: LitmusTest,
  { results, breaches, operationAt }: Replay,
): Shown | undefined {
  const breach = breaches[0]
  const last = results.at(-1)
  if (breach === undefined || last === undefined) return undefined
  const { kind } = breach
  const seen =
    kind === 'lost_event'
      ? `${last.operation.text}: the store to the write-protected page raised no event`
      : say(test, last)
  return { kind, observed: `${seen}; ${causeOf(breach, test, operationAt)}` }
}

function missedReuse(test: LitmusTest, { results, missed, verdicts }: Replay): Shown | undefined {
  const last = results.at(-1)
  if (last === undefined || missed === 0) return undefined
  const { operation } = last
  const who = test.processes[operation.mm] ?? ''
  return {
    kind: 'missed_reuse',
    observed: `\`${operation.text}\` copies what nobody but ${who} could reach; it was answered ${verdicts.join(', ')}`,
  }
}

/** Lines before anything happens: spawn and mmap. */
const SET_UP = 2

interface Replay {
  readonly results: readonly OperationResult[]
  readonly breaches: readonly Breach[]
  /** Reuses that the last operation missed, and the labels of the copies that it was given. */
  readonly missed: number
  readonly verdicts: readonly string[]
  /** The operation in which an event happened. */
  readonly operationAt: (event: number) => number
}

export function replay(settings: WorldSettings, test: LitmusTest): Replay {
  const engine = litmusMachine({ ...settings, cost: DEFAULT_PROFILE })
  const run = new LitmusRun(test, engine, { policy: settings.policy.name })
  const oracle = engine.machine.judge as Oracle
  const ends: number[] = []
  let missed = 0
  let verdicts: readonly number[] = []
  const results = test.operations.map((operation) => {
    missed = oracle.counts.missed_reuses
    verdicts = engine.machine.verdicts.slice()
    const result = run.step(operation)
    ends.push(engine.machine.events)
    return result
  })
  const given = engine.machine.verdicts.flatMap((times, verdict) =>
    verdict >= COPY && times > (verdicts[verdict] ?? 0) ? [VERDICT_LABELS[verdict] ?? ''] : [],
  )
  return {
    results,
    breaches: oracle.breaches,
    missed: oracle.counts.missed_reuses - missed,
    verdicts: given,
    operationAt: (event) => ends.findIndex((end) => event < end),
  }
}

function causeOf({ cause }: Breach, test: LitmusTest, operationAt: Replay['operationAt']): string {
  if (cause === null) return 'no verdict led to it'
  const operation = test.operations[operationAt(cause.event)]
  return `caused by \`${operation?.text}\`: ${decisionOf(cause)}`
}

/** The file, which expects of every store, load, pin and device read what it shows here. */
export function cowOf(name: string, sentence: string, results: readonly OperationResult[]): string {
  const lines = results.flatMap(({ operation, outcome, flags }) => {
    if (!EXPECTS.has(operation.verb)) return [operation.text]
    return [operation.text, `expect[${name}] ${[outcome, ...flags].join(' ')}`]
  })
  return [`# ${name}: ${sentence}.`, ...lines, ''].join('\n')
}

const EXPECTS = new Set(['write', 'read', 'poke', 'pin', 'devread'])
