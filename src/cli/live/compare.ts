/** compare: what the running kernel does, into a truth file, and against a model. */
import { replaceFile } from '../../files/replace-file.ts'
import { compareWithTruth, formatDisagreement } from '../../litmus/compare.ts'
import type { LitmusTest } from '../../litmus/program.ts'
import { selftestCells } from '../../litmus/selftests.ts'
import { formatTruth, type Truth, type TruthOperation } from '../../litmus/truth.ts'
import { configFacts } from '../../live/config.ts'
import type { LiveDriver } from '../../live/driver.ts'
import type { Facilities } from '../../live/facilities.ts'
import { observe, truthOf } from '../../live/observe.ts'
import { litmusMachine } from '../../run.ts'
import { testsOf } from '../litmus/run-tests.ts'
import { patiently } from '../own-files/patiently.ts'
import { counted, print, say } from '../shell/streams.ts'
import { UsageError } from '../words/usage-error.ts'
import { type Model, modelOf } from './chosen-model.ts'
import { runnableTests } from './tests.ts'

export interface ComparisonRequest {
  readonly files: readonly string[]
  readonly selftests: boolean
  readonly against: string | undefined
  /** The truth file to write. */
  readonly record: string | undefined
  readonly drained: boolean
  /** For an answer of a policy of one's own. */
  readonly seconds: number
  readonly json: boolean
}

/** Returns the exit code: 4 if the model disagrees. Throws UsageError where nothing can be compared with it. */
export async function recordOrCompare(
  driver: LiveDriver,
  machine: Facilities,
  request: ComparisonRequest,
): Promise<number> {
  const model = await modelOf(request.against, machine)
  const runnable = runnableTests(
    request.selftests ? selftestCells().map(({ test }) => test) : testsOf(request.files),
    machine,
  )
  const tests = new Map<string, TruthOperation[]>()
  const thpAlways = machine.thp === 'always'
  for (const test of runnable) {
    const natural = await observe(driver, test, { drained: false, thpAlways })
    const drained = await observe(driver, test, { drained: true, thpAlways })
    tests.set(test.name, truthOf(natural, drained))
  }
  const truth: Truth = {
    ...{ kernel: machine.kernel, what: `Linux ${machine.kernel}`, policy: model.policy, tests },
    ...{ informative: false, naturalOnly: false, blind: false, padded: false },
  }
  if (request.record !== undefined) {
    replaceFile(request.record, formatTruth(truth, configFacts(machine)))
    say(`${request.record}: ${counted(tests.size, 'test')} on Linux ${machine.kernel}`)
  }
  return request.against === undefined ? 0 : compare(truth, runnable, model, machine, request)
}

function compare(
  truth: Truth,
  tests: readonly LitmusTest[],
  { name, policy, own, settings }: Model,
  { swap }: Facilities,
  { drained, seconds, json }: ComparisonRequest,
): number {
  const byName = new Map(tests.map((test) => [test.name, test]))
  const states = drained ? (['drained'] as const) : (['natural', 'drained'] as const)
  let [compared, disagreed] = [0, 0]
  for (const state of states) {
    const comparison = compareWithTruth(truth, {
      tests: byName,
      machines:
        ({ swapDisk }) =>
        () =>
          litmusMachine({ ...settings, swapDisk: swapDisk || swap === 'disk' }),
      states: [state],
      ...(own ? { does: (place, step) => patiently(policy, seconds, place, step) } : {}),
    })
    const { agreements, disagreements } = comparison
    disagreed += disagreements.length
    compared += agreements + disagreements.length
    if (json) {
      print(JSON.stringify({ ...comparison, model: name, state }))
      continue
    }
    for (const disagreement of disagreements) print(formatDisagreement(disagreement))
    const all = agreements + disagreements.length
    const percent = Math.floor((agreements / all) * 1000) / 10
    const what =
      all === 0 ? 'nothing to compare' : `${agreements} of ${all} operations agree (${percent} %)`
    print(`kernel ${truth.kernel}, model ${name}, ${state}: ${what}`)
  }
  if (compared === 0) throw new UsageError(`missing operations: nothing to compare with ${name}`)
  return disagreed > 0 ? 4 : 0
}
