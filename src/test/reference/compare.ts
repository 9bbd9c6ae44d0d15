/** compare: holds the reference model against what a recorded kernel did, by the rules of the records. */
import { splitOutcomes } from './cow-language.ts'
import { kernelNamed } from './kernels.ts'
import { type Outcome, runCow } from './litmus-runner.ts'

interface RecordedOperation {
  readonly n: number
  readonly op: string
  readonly outcome: string
  readonly flags?: readonly string[]
  readonly unstable?: readonly string[]
  readonly drained?: string
  readonly flags_drained?: readonly string[]
  readonly drained_unstable?: readonly string[]
  readonly artefact?: boolean
}

export interface KernelRecord {
  readonly kernel: string
  readonly informative: boolean
  readonly natural_only?: boolean
  readonly tests: Readonly<Record<string, readonly RecordedOperation[]>>
}

export interface Comparison {
  readonly compared: number
  /** `test#n state op: model, recorded` for each operation that differs. */
  readonly disagreements: readonly string[]
}

const DISK = '@diskswap'

/** Runs every recorded test, found by its base name, in both LRU states, and compares operation by operation. */
export function compareWithTruth(
  record: KernelRecord,
  cowText: (name: string) => string,
): Comparison {
  const { rules, era } = kernelNamed(record.kernel)
  const disagreements: string[] = []
  let compared = 0
  for (const [test, recorded] of Object.entries(record.tests)) {
    const text = cowText(test.replace(DISK, ''))
    for (const drained of record.natural_only ? [false] : [false, true]) {
      const padded = rules.tables === 'unaccounted'
      const outcomes = runCow(text, { rules, era, drained, padded, diskSwap: test.endsWith(DISK) })
      for (const truth of recorded) {
        if (truth.artefact) continue
        const outcome = outcomes[truth.n - 1]
        if (outcome === undefined) throw new RangeError(`truncated test: ${test}`)
        compared++
        if (agrees(outcome, truth, drained, rules.tables === 'owner')) continue
        const state = drained ? 'drained' : 'natural'
        const seen = `${outcome.outcome}${flagText(outcome.flags)} (${outcome.blind})`
        disagreements.push(
          `${test}#${truth.n} ${state} ${truth.op}: ${seen}, ${describe(truth, drained)}`,
        )
      }
    }
  }
  return { compared, disagreements }
}

function agrees(
  outcome: Outcome,
  truth: RecordedOperation,
  drained: boolean,
  blind: boolean,
): boolean {
  const flags = drained ? (truth.flags_drained ?? truth.flags) : truth.flags
  if (flagText(outcome.flags) !== flagText(flags ?? [])) return false
  const seen = blind ? blindOutcome(outcome.blind) : outcome.outcome
  if (drained) {
    const allowed = [truth.drained ?? truth.outcome, ...(truth.drained_unstable ?? [])]
    return allowed.includes(seen)
  }
  const expected = blind ? blindOutcome(truth.outcome) : truth.outcome
  if (truth.unstable === undefined || truth.unstable.length === 0) return seen === expected
  const possible = [truth.outcome, truth.drained ?? truth.outcome, ...truth.unstable]
  return agreesPageByPage(seen, possible)
}

/** Each page's outcome has to occur for that page in one of the possible outcomes. */
function agreesPageByPage(seen: string, possible: readonly string[]): boolean {
  const choices = possible.map(splitOutcomes)
  for (const [page, word] of splitOutcomes(seen)) {
    if (!choices.some((choice) => choice.get(page) === word)) return false
  }
  return true
}

/** The blind record could not read presence or frames: words that rest on them are not compared. */
function blindOutcome(outcome: string): string {
  if (/^n\d+:/.test(outcome)) return 'presence'
  if (outcome === 'moved') return 'ok'
  return /^(fill|inplace|copy)$/.test(outcome) ? 'poke' : outcome
}

function flagText(flags: readonly string[]): string {
  return flags.length > 0 ? ` ${[...flags].sort().join('+')}` : ''
}

function describe(truth: RecordedOperation, drained: boolean): string {
  const outcome = drained ? (truth.drained ?? truth.outcome) : truth.outcome
  const flags = drained ? (truth.flags_drained ?? truth.flags) : truth.flags
  const unstable = truth.unstable ? ` or ${truth.unstable.join(' | ')}` : ''
  return `recorded ${outcome}${flagText(flags ?? [])}${unstable}`
}
