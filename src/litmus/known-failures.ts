/**
 * known-failures: what a policy makes of a failure of the past (workloads/litmus/failures): a verdict read off what the
 * test showed, never off what the oracle says of it.
 */
import { PIN_VMSPLICE } from '../trace/ops.ts'
import { objectIn, parseJson, textIn, textsIn } from './json.ts'
import type { LitmusTest } from './program.ts'
import type { OperationResult } from './result.ts'

/** What the verdict of a test is about; verdicts.json says what each means. */
const QUESTIONS = ['promises', 'economy', 'huge', 'tracking', 'event'] as const

export type Question = (typeof QUESTIONS)[number]

/** No verdict: the policy's kernels lack what the test needs. */
export const NOT_APPLICABLE = '-'

export interface KnownFailure {
  /** The test's name. */
  readonly test: string
  /** A few words for people. */
  readonly title: string
  readonly shows: Question
  readonly swapDisk: boolean
  /** The verdict written down for each policy. */
  readonly verdicts: ReadonlyMap<string, string>
  /** Where a kernel's parameters or era change its policy's verdict. */
  readonly kernels: ReadonlyMap<string, string>
}

/** Reads verdicts.json. Throws RangeError `invalid verdicts: ...` for anything else. */
export function parseKnownFailures(text: string, fileName: string): KnownFailure[] {
  const fail = (what: string): never => {
    throw new RangeError(`invalid verdicts: ${fileName}: ${what}`)
  }
  const whole = objectIn(parseJson(text, fail)) ?? fail('expected an object')
  const policies = textsIn(whole['policies']) ?? fail('missing policies')
  const rows = objectIn(whole['rows']) ?? fail('missing rows')
  return Object.entries(rows).map(([test, value]) => {
    const row = objectIn(value)
    const title = textIn(row?.['title'])
    const shows = QUESTIONS.find((question) => question === row?.['shows'])
    const verdicts = textsIn(row?.['verdicts'])
    if (title === undefined || shows === undefined || verdicts?.length !== policies.length) {
      return fail(`row ${test}`)
    }
    const kernels = Object.entries(objectIn(row?.['kernels']) ?? {})
    return {
      ...{ test, title, shows, swapDisk: row?.['swapDisk'] === true },
      verdicts: new Map(policies.map((policy, i) => [policy, verdicts[i] ?? NOT_APPLICABLE])),
      kernels: new Map(kernels.map(([kernel, verdict]) => [kernel, String(verdict)])),
    }
  })
}

/** The verdict on a run of the test that a failure is about. */
export function verdictOf(
  { shows }: KnownFailure,
  test: LitmusTest,
  results: readonly OperationResult[],
): string {
  const broken = brokenPromises(test, results)
  const last = results.at(-1)?.pages.map(({ outcome }) => outcome) ?? []
  const copies = last.some((word) => word.includes('copy'))
  switch (shows) {
    case 'promises':
      return broken === '' ? 'ok' : broken
    case 'economy':
      if (broken !== '') return broken
      return copies ? 'cp' : 'ok'
    case 'huge':
      if (last.includes('thp_copy_huge')) return 'copy2M'
      return copies ? 'copy4K' : 'ok'
    case 'tracking':
      if (copies) return 'copies'
      return last.some((word) => word.endsWith('reuse')) ? 'clears' : 'spared'
    case 'event':
      return results.at(-1)?.outcome === 'error' ? 'event' : 'ok'
  }
}

/** I1, I2 and I3 as seen from outside, joined by +. */
function brokenPromises(test: LitmusTest, results: readonly OperationResult[]): string {
  const broken = new Set<string>()
  for (const { operation, pages, flags } of results) {
    const pin = test.pins[operation.pin]
    const words = pages.map(({ outcome }) => outcome)
    if (flags.includes('leak') || words.includes('leak')) broken.add('I1')
    // A read-only plain reference never promised to show the owner's later stores.
    if (words.includes('incoherent') && pin?.kind !== PIN_VMSPLICE) broken.add('I2')
    if (flags.includes('mismatch') && !flags.includes('leak')) {
      broken.add(test.pins.length > 0 ? 'I2' : 'I3')
    }
  }
  return [...broken].sort().join('+')
}
