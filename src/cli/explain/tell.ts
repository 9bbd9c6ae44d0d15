/** tell: from the words of `explain` to what is printed. */
import { explain, firstDivergence, type Wanted } from '../../explain/explain.ts'
import { textOf } from '../../explain/text.ts'
import { unknown } from '../../params/closest.ts'
import { counted, print, say } from '../shell/streams.ts'
import { withParams } from '../words/choices.ts'
import { refuseFlags } from '../words/flag-table.ts'
import { parseWhole } from '../words/flags.ts'
import { answerSeconds } from '../words/patience.ts'
import { UsageError } from '../words/usage-error.ts'
import type { ExplainFlags } from './flags.ts'
import { choicesOf, filesAndPolicies } from './named.ts'
import { ofCell, ofTest, patient, type Subject } from './subject.ts'

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
  const subjects: Subject[] = []
  // One after the other: where the trace of the first never comes, nobody waits for that of the second.
  for (const choice of chosen) {
    const told = isTest ? ofTest(file ?? '', choice, flags) : await ofCell(file, choice, flags)
    subjects.push(choice.file === undefined ? told : patient(told, isTest, seconds, flags))
  }
  const [subject, other] = subjects
  if (subject === undefined) return
  if (other !== undefined) diff(subject, other, flags)
  else tellAll(subject, wantedOf(subject, flags, isTest), flags)
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
