/** known-failures: which failures of the past each policy still has: a table of verdicts, and its chart. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { POLICIES } from '../../policies/index.ts'
import { NOT_APPLICABLE, verdictOf } from '../litmus/known-failures.ts'
import { readKnownFailures, readTest } from '../litmus/library.ts'
import { runLitmus } from '../litmus/run.ts'
import { packageRoot } from '../load/package.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { FailureRow, FailureVerdict } from '../report/heatmap.ts'
import { writeFailures } from '../report/known-failures.ts'
import { writeReport } from '../report/report.ts'
import { litmusMachine } from '../run.ts'
import { counted, print, say } from './streams.ts'

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

/** Every policy on every known failure. What a policy's kernels lack is taken from verdicts.json, the rest is run. */
export function knownFailureRows(): FailureRow[] {
  const folder = join(packageRoot(), 'workloads', 'litmus', 'failures')
  return readKnownFailures(folder).flatMap((failure) => {
    const test = readTest(join(folder, `${failure.test}.cow`))
    return POLICIES.map((policy): FailureRow => {
      const applies = failure.verdicts.get(policy.name) !== NOT_APPLICABLE
      const settings = { policy, params: {}, cost: DEFAULT_PROFILE, swapDisk: failure.swapDisk }
      const machine = () => litmusMachine(settings)
      const verdict = applies
        ? verdictOf(failure, test, runLitmus(test, machine, { policy: policy.name }))
        : NOT_APPLICABLE
      const word = VERDICTS[verdict]
      if (word === undefined) throw new RangeError(`unknown verdict: ${verdict}`)
      return { policy: policy.name, failure: failure.title, verdict: word }
    })
  })
}

/** Writes DIR/known-failures.csv and draws its chart. Returns the exit code. */
export async function drawKnownFailures(dir: string): Promise<number> {
  mkdirSync(dir, { recursive: true })
  const rows = knownFailureRows()
  const written = [writeFailures(dir, rows), ...(await writeReport(dir))]
  for (const path of written) print(path)
  say(`${counted(rows.length, 'verdict')}, ${counted(written.length, 'file')}`)
  return 0
}
