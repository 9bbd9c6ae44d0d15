/**
 * expect: what a litmus test says that an operation should show, and whether it did.
 *
 *     expect reuse                          every page of the operation above
 *     expect 0..3=reuse,4=copy              page by page, as outcomes are printed
 *     expect[mapcount,5.8.1] copy           under these policies or kernels only
 *     expect 0=nofault leak mismatch        a load's flags too; `clean`: no flags
 *
 * Of several lines after one operation, the last that speaks for what runs counts.
 */
import { unknown } from '../params/closest.ts'
import { VERBS } from './language.ts'
import type { Expectation, Operation } from './program.ts'
import { parseRuns } from './words.ts'

/** What a load may show beside its outcome; sorted as printed. */
export const FLAGS: readonly string[] = ['leak', 'mismatch']

const EXPECT = /^expect(?:\[([^\]]*)\])? (\S+)( .*)?$/
const PAGE_COUNTS = [/^n\d+:present\d+:swapped\d+$/, 'nN:presentN:swappedN'] as const
const EVENT_COUNTS = [/^missing\d+:minor\d+:wp\d+$/, 'missingN:minorN:wpN'] as const

/** Throws RangeError if `text` can never hold for `operation`. */
export function parseExpectation(
  text: string,
  line: number,
  operation: Pick<Operation, 'verb' | 'first' | 'pages'>,
): Expectation {
  const match = EXPECT.exec(text)
  const outcome = match?.[2]
  if (outcome === undefined) {
    throw new RangeError('missing outcome; expected: expect[NAMES] OUTCOME [FLAGS]')
  }
  const names = match?.[1]?.split(',').map((name) => name.trim()) ?? []
  if (names.includes(''))
    throw new RangeError(`invalid expect: ${text}; expected: expect[a,b] OUTCOME`)
  checkOutcome(outcome, operation)
  return { names, outcome, flags: flagsOf(match?.[3]?.trim() ?? '', operation.verb), line }
}

function checkOutcome(
  outcome: string,
  { verb, first, pages }: Pick<Operation, 'verb' | 'first' | 'pages'>,
): void {
  // Any operation may meet a lock that is held.
  if (outcome === 'waits') return
  const words = VERBS[verb]?.words
  // The last step of a swapout says what the whole operation says.
  if (verb === 'step' && PAGE_COUNTS[0].test(outcome)) return
  if (words === undefined) {
    const [form, shape] = verb === 'events' ? EVENT_COUNTS : PAGE_COUNTS
    if (form.test(outcome)) return
    throw new RangeError(`invalid outcome of ${verb}: ${outcome}; expected ${shape}`)
  }
  const paged = outcome.includes('=')
  for (const run of paged ? parseRuns(outcome) : [{ page: first, outcome }]) {
    if (run.outcome !== 'waits' && !words.includes(run.outcome)) {
      throw new RangeError(unknown(`outcome of ${verb}`, run.outcome, words))
    }
    if (paged && (run.page < first || run.page >= first + pages)) {
      throw new RangeError(
        `invalid outcome of ${verb}: ${outcome}; page ${run.page} is not touched`,
      )
    }
  }
}

function flagsOf(text: string, verb: string): readonly string[] | undefined {
  if (text === '') return undefined
  if (verb !== 'read') throw new RangeError(`unsupported flags: ${text}; only a read has flags`)
  if (text === 'clean') return []
  const flags = text.split(' ')
  const odd = flags.find((flag) => !FLAGS.includes(flag))
  if (odd !== undefined) throw new RangeError(unknown('flag', odd, [...FLAGS, 'clean']))
  return FLAGS.filter((flag) => flags.includes(flag))
}

/** The expectation that counts for a run that goes by `names` (policy, kernel, `drained`...), if any does. */
export function expectationFor(
  operation: Pick<Operation, 'expectations'>,
  names: readonly string[],
): Expectation | undefined {
  return operation.expectations.findLast(
    (expectation) =>
      expectation.names.length === 0 || expectation.names.some((name) => names.includes(name)),
  )
}

/** Does an operation that printed `outcome` and `flags` meet the expectation? */
export function meets(
  { outcome: expected, flags: expectedFlags }: Expectation,
  outcome: string,
  flags: readonly string[],
): boolean {
  if (expectedFlags !== undefined && expectedFlags.join() !== flags.join()) return false
  if (expected === outcome) return true
  if (expected.includes('=')) {
    return outcome.includes('=') && canonical(expected) === canonical(outcome)
  }
  return outcome.includes('=') && parseRuns(outcome).every((page) => page.outcome === expected)
}

function canonical(outcome: string): string {
  return parseRuns(outcome)
    .map(({ page, outcome: word }) => `${page}=${word}`)
    .join()
}
