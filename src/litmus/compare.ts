/**
 * compare: the model against a recorded kernel, operation by operation, in the two LRU states of the record.
 *
 * In the *natural* state the batches fill and empty as the model says, from empty; an operation that was unstable on
 * the kernel may then show, page by page, anything that the kernel was seen to do. In the *drained* state nothing is
 * left to chance.
 */
import { HPAGE_PMD_NR } from '../trace/hpage.ts'
import { OP_LOAD, OP_MMAP } from '../trace/ops.ts'
import type { ReviewedException } from './exceptions.ts'
import type { LitmusMachine, MachineFactory } from './machine-shape.ts'
import type { LitmusTest, Operation } from './program.ts'
import type { OperationResult } from './result.ts'
import { LitmusRun } from './run.ts'
import { DISK_SWAP, type LruState, type Truth, type TruthOperation } from './truth.ts'
import { parseRuns } from './words.ts'

export interface Disagreement {
  readonly test: string
  readonly state: LruState
  readonly n: number
  readonly op: string
  /** What the kernel was seen to do, alternatives joined by ` or `. */
  readonly expected: string
  readonly got: string
}

export interface Skip {
  readonly test: string
  readonly state: LruState
  /** Operations left out: one, or a whole test's. */
  readonly operations: number
  readonly reason: string
}

export interface Comparison {
  readonly kernel: string
  readonly informative: boolean
  /** Operations whose outcome and flags agree; set-up operations are counted only where they differ. */
  readonly agreements: number
  readonly disagreements: readonly Disagreement[]
  readonly skips: readonly Skip[]
}

export interface CompareOptions {
  /** The tests by name, as recorded (without `@diskswap`). */
  readonly tests: ReadonlyMap<string, LitmusTest>
  /** Makes machines that model the kernel, with a swap device as told. */
  readonly machines: (setting: { swapDisk: boolean }) => MachineFactory
  /** Default: both. */
  readonly states?: readonly LruState[]
  /** Disagreements that were reviewed; those of other kernels do no harm. Default: none. */
  readonly exceptions?: readonly ReviewedException[]
  /** Does an operation: under a policy of one's own it may take for ever. */
  readonly does?: Does
}

export type Does = (place: string, step: () => OperationResult) => OperationResult

const COMPARED = new Set([
  'write',
  'writesame',
  'poke',
  'read',
  'devread',
  'pin',
  'swapout',
  'show',
])

/** Runs every test of the record in the model; what cannot be compared is among the skips, with the reason. */
export function compareWithTruth(
  truth: Truth,
  { tests, machines, states = ['natural', 'drained'], exceptions = [], does }: CompareOptions,
): Comparison {
  const tally: Tally = { agreements: 0, disagreements: [], skips: [] }
  for (const [name, recorded] of truth.tests) {
    const swapDisk = name.endsWith(DISK_SWAP)
    const found = tests.get(swapDisk ? name.slice(0, -DISK_SWAP.length) : name)
    const test = found && truth.padded ? padded(found) : found
    for (const state of states) {
      const skipAll = (reason: string) =>
        tally.skips.push({ test: name, state, operations: recorded.length, reason })
      if (test === undefined) skipAll('no test of that name')
      else if (state === 'drained' && truth.naturalOnly) {
        skipAll('recorded in the natural state only')
      } else {
        const results = resultsOf(truth, test, state, machines({ swapDisk })(), does)
        compareResults(truth, { test: name, state }, recorded, results, tally)
      }
    }
  }
  const { kernel, informative } = truth
  const { agreements, disagreements, skips } = tally
  const reviewed = exceptions.filter(
    (one) => one.kernel === kernel && truth.tests.has(one.test) && states.includes(one.state),
  )
  return { kernel, informative, agreements, ...review(reviewed, disagreements, skips) }
}

/** What has been compared so far. */
interface Tally {
  agreements: number
  readonly disagreements: Disagreement[]
  readonly skips: Skip[]
}

/** What the model does: one result per operation. */
function resultsOf(
  truth: Truth,
  test: LitmusTest,
  state: LruState,
  machine: LitmusMachine,
  does: Does | undefined,
): OperationResult[] {
  const run = new LitmusRun(test, machine, { policy: truth.policy, drained: state === 'drained' })
  return test.operations.map((operation) => {
    const step = (): OperationResult => run.step(operation)
    const place = `operation ${operation.n} of ${test.file} (${state})`
    const result = does === undefined ? step() : does(place, step)
    if (truth.padded && operation.code === OP_MMAP) readAll(machine, operation)
    return result
  })
}

/** Holds a test's results against its record, operation by operation. */
function compareResults(
  truth: Truth,
  where: { readonly test: string; readonly state: LruState },
  recorded: readonly TruthOperation[],
  results: readonly OperationResult[],
  tally: Tally,
): void {
  const { state } = where
  if (results.length !== recorded.length) {
    const expected = `${recorded.length} operations`
    const got = `${results.length} operations`
    tally.disagreements.push({ ...where, n: 0, op: 'the whole test', expected, got })
    return
  }
  recorded.forEach((operation, i) => {
    const result = results[i] as OperationResult
    const { n, op } = operation
    const reason = reasonToSkip(truth, operation, result.operation)
    if (reason !== undefined) tally.skips.push({ ...where, operations: 1, reason })
    else if (!agrees(truth, operation, result, state)) {
      const seen = result.op === op ? result.outcome : `another operation: ${result.op}`
      const expected = expectedText(operation, state)
      tally.disagreements.push({ ...where, n, op, expected, got: withFlags(seen, result.flags) })
    } else if (isCompared(result.operation)) tally.agreements++
  })
}

/** Excuses what was reviewed, and blames what was reviewed and is not so any longer. */
function review(
  reviewed: readonly ReviewedException[],
  disagreements: readonly Disagreement[],
  skips: readonly Skip[],
): Pick<Comparison, 'disagreements' | 'skips'> {
  const excused = reviewed.filter((one) => disagreements.some((other) => excuses(one, other)))
  const stale = reviewed.filter((one) => !excused.includes(one))
  return {
    disagreements: [
      ...disagreements.filter((other) => !excused.some((one) => excuses(one, other))),
      ...stale.map(({ test, state, n, got }) => {
        return { test, state, n, op: 'reviewed exception', expected: got, got: 'no such outcome' }
      }),
    ],
    skips: [
      ...skips,
      ...excused.map(({ test, state, why }) => {
        return { test, state, operations: 1, reason: `reviewed exception: ${why}` }
      }),
    ],
  }
}

/** Is this the disagreement that was reviewed? */
function excuses(one: ReviewedException, { test, state, n, got }: Disagreement): boolean {
  return one.test === test && one.state === state && one.n === n && one.got === got
}

/** The same test with every area as long as the page tables that it starts, and no huge folios. */
function padded(test: LitmusTest): LitmusTest {
  const operations = test.operations.map((operation) => {
    const pages = Math.ceil(operation.pages / HPAGE_PMD_NR) * HPAGE_PMD_NR
    return operation.code === OP_MMAP ? { ...operation, pages, folioOrder: 0 } : operation
  })
  return { ...test, operations }
}

function readAll(machine: LitmusMachine, { mm, vpn, pages }: Operation): void {
  for (let i = 0; i < pages; i++) machine.apply(OP_LOAD, mm, vpn + i)
}

/** Everything else is set-up, and has to be `ok`. */
function isCompared({ verb, text }: Operation): boolean {
  return COMPARED.has(verb) || (verb === 'madvise' && text.endsWith(' collapse'))
}

function reasonToSkip(
  truth: Truth,
  recorded: TruthOperation,
  operation: Operation,
): string | undefined {
  if (recorded.artefact) return 'artefact of the recorded tree'
  if (truth.blind && ['pin', 'poke', 'swapout', 'show'].includes(operation.verb)) {
    return 'recorded without frame numbers'
  }
  return undefined
}

function agrees(
  truth: Truth,
  recorded: TruthOperation,
  result: OperationResult,
  state: LruState,
): boolean {
  if (result.op !== recorded.op || result.n !== recorded.n) return false
  if (!isCompared(result.operation)) return result.outcome === recorded.outcome
  const flags = state === 'drained' ? recorded.flagsDrained : recorded.flags
  if ([...flags].sort().join() !== result.flags.join()) return false

  if (truth.blind) return agreesBlindly(recorded, result)
  if (state === 'drained') {
    return result.outcome === recorded.drained || recorded.drainedUnstable.includes(result.outcome)
  }
  if (recorded.unstable === undefined) return result.outcome === recorded.outcome
  return agreesPageByPage([recorded.outcome, recorded.drained, ...recorded.unstable], result)
}

/** Each page on its own, as the fill of a batch decides page by page; words for the whole operation as they are. */
function agreesPageByPage(possible: readonly string[], result: OperationResult): boolean {
  if (possible.includes(result.outcome)) return true
  const paged = possible.filter((outcome) => outcome.includes('='))
  if (paged.length === 0 || !result.outcome.includes('=')) return false
  const words = new Set(
    paged.flatMap((outcome) =>
      parseRuns(outcome).map(({ page, outcome: word }) => `${page}=${word}`),
    ),
  )
  return result.pages.every(({ page, outcome }) => words.has(`${page}=${outcome}`))
}

/** Words that need a page to be allocated. */
const ALLOCATES = new Set(
  `copy thp_copy_order0 thp_copy_huge zeropage_to_anon zeropage_to_thp ksm_copy zerofill thp_fill`.split(
    ' ',
  ),
)

/**
 * A record without frame numbers tells a fault from none, and one that allocated nothing from the others: what was
 * allocated may have been a page table.
 */
function agreesBlindly(recorded: TruthOperation, result: OperationResult): boolean {
  const possible = [recorded.outcome, ...(recorded.unstable ?? [])]
  if (!recorded.outcome.includes('=')) return possible.includes(result.outcome)
  const words = new Map<number, string[]>()
  for (const { page, outcome } of possible.flatMap(parseRuns)) {
    words.set(page, [...(words.get(page) ?? []), outcome])
  }
  return result.pages.every(({ page, outcome }) =>
    (words.get(page) ?? []).some((word) => {
      if (!word.startsWith('fault_a')) return word === outcome.replace('thp_nofault', 'nofault')
      if (outcome.endsWith('nofault')) return false
      return word !== 'fault_a0' || !ALLOCATES.has(outcome)
    }),
  )
}

function expectedText(recorded: TruthOperation, state: LruState): string {
  const outcomes =
    state === 'drained'
      ? [recorded.drained, ...recorded.drainedUnstable]
      : [recorded.outcome, ...(recorded.unstable ?? [])]
  const flags = state === 'drained' ? recorded.flagsDrained : recorded.flags
  return [...new Set(outcomes)].map((outcome) => withFlags(outcome, flags)).join(' or ')
}

function withFlags(outcome: string, flags: readonly string[]): string {
  return [outcome, ...[...flags].sort()].join(' ')
}

/** One line: `81_thp_mremap (drained) 7 write A buf[0]: kernel 0=reuse, model 0=copy`. */
export function formatDisagreement({ test, state, n, op, expected, got }: Disagreement): string {
  return `${test} (${state}) ${n} ${op}: kernel ${expected}, model ${got}`
}
