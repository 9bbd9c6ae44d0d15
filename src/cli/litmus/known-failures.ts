/** known-failures: which failures of the past each policy still has: a table of verdicts, and its chart. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { POLICIES } from '../../../policies/index.ts'
import { type KnownFailure, NOT_APPLICABLE, verdictOf } from '../../litmus/known-failures.ts'
import { readKnownFailures, readTest } from '../../litmus/library.ts'
import type { LitmusTest } from '../../litmus/program.ts'
import type { OperationResult } from '../../litmus/result.ts'
import { LitmusRun } from '../../litmus/run.ts'
import { packageRoot } from '../../load/package.ts'
import { type PolicyChoice, policyLabel } from '../../plan.ts'
import type { FailureRow, FailureVerdict } from '../../report/heatmap.ts'
import { writeFailures } from '../../report/known-failures.ts'
import { writeReport } from '../../report/report.ts'
import { litmusMachine, missingCapability, policyWith } from '../../run.ts'
import { patiently } from '../own-files/patiently.ts'
import { counted, print, say } from '../shell/streams.ts'
import { type Choosing, choicesOf, refuseTwins, settingsOf } from '../words/choices.ts'

/** The report's word for each verdict of workloads/litmus/failures/verdicts.json. */
const VERDICTS: Readonly<Record<string, FailureVerdict>> = {
  ok: 'ok',
  [NOT_APPLICABLE]: 'not applicable',
  cp: 'spurious copy',
  copy4K: 'ok',
  // Of the 512 pages that are copied one was stored to.
  copy2M: 'spurious copy',
  clears: 'ok',
  // What is never write-protected counts as stored to for ever.
  spared: 'extra event',
  event: 'extra event',
  // The copy leaves the pin behind.
  copies: 'lost coherence',
  I1: 'leak',
  'I1+I2': 'leak',
  I2: 'lost coherence',
  I3: 'lost write',
}

/** Whose failures the table shows, and how long one of one's own may take to answer. */
export interface Sufferers extends Choosing {
  readonly seconds: number
}

/** Every policy that came with the program. */
const EVERYBODY: Sufferers = { policies: [], kernels: [], params: [], seconds: 10 }

/** What has no verdict in verdicts.json because a policy or its kernel lacks it is not run. */
export async function knownFailureRows(sufferers = EVERYBODY): Promise<FailureRow[]> {
  const folder = join(packageRoot(), 'workloads', 'litmus', 'failures')
  const choices = await choicesOf(sufferers)
  refuseTwins('policy', choices.map(policyLabel))
  return readKnownFailures(folder).flatMap((failure) => {
    const test = readTest(join(folder, `${failure.test}.cow`))
    return choices.map((choice): FailureRow => {
      const verdict = applies(failure, test, choice)
        ? verdictOf(failure, test, resultsOf(failure, test, choice, sufferers.seconds))
        : NOT_APPLICABLE
      const word = VERDICTS[verdict]
      if (word === undefined)
        throw new RangeError(`broken table: no word for the verdict ${verdict}`)
      return { policy: policyLabel(choice), failure: failure.title, verdict: word }
    })
  })
}

function applies(failure: KnownFailure, test: LitmusTest, choice: PolicyChoice): boolean {
  const { definition, kernel, file } = choice
  if (file === undefined) {
    const ofKernel = kernel && failure.kernels.get(kernel.name)
    return (ofKernel ?? failure.verdicts.get(definition.name)) !== NOT_APPLICABLE
  }
  if (missingCapability(definition, needsOf(failure, test)) !== undefined) return false
  // What concerns nobody who has page tables of that kind is about another kind.
  const { tables } = policyWith(definition, {})
  const alike = POLICIES.filter((policy) => policyWith(policy, {}).tables === tables)
  return alike.some(({ name }) => failure.verdicts.get(name) !== NOT_APPLICABLE)
}

/** Capabilities, as a policy of one's own may lack them or its kernel does. */
function needsOf({ shows }: KnownFailure, { operations }: LitmusTest): string[] {
  const texts = operations.map(({ text }) => text)
  const said = (pattern: RegExp): boolean => texts.some((text) => pattern.test(text))
  return [
    ...(shows === 'tracking' ? ['soft-dirty'] : []),
    ...(said(/^mmap .* thp$/) ? ['thp'] : []),
    ...(said(/^swapout |pageout$/) ? ['swap'] : []),
    ...(said(/^uffdwp /) ? ['uffd-wp'] : []),
    ...(said(/collapse$/) ? ['collapse'] : []),
    ...(said(/mergeable$/) ? ['ksm'] : []),
  ]
}

function resultsOf(
  { swapDisk }: KnownFailure,
  test: LitmusTest,
  choice: PolicyChoice,
  seconds: number,
): OperationResult[] {
  const { definition, file } = choice
  const machine = litmusMachine({ ...settingsOf(choice), swapDisk })
  const run = new LitmusRun(test, machine, { policy: definition.name })
  return test.operations.map((operation) => {
    if (file === undefined) return run.step(operation)
    const place = `operation ${operation.n} of ${test.file}`
    return patiently(definition.name, seconds, place, () => run.step(operation))
  })
}

/** Writes DIR/known-failures.csv and draws its chart. Returns the exit code. */
export async function drawKnownFailures(dir: string, sufferers = EVERYBODY): Promise<number> {
  const rows = await knownFailureRows(sufferers)
  mkdirSync(dir, { recursive: true })
  const written = [writeFailures(dir, rows), ...(await writeReport(dir))]
  for (const path of written) print(path)
  say(`${counted(rows.length, 'verdict')}, ${counted(written.length, 'file')}`)
  return 0
}
