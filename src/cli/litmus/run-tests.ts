/** run-tests: litmus tests from their files to what is printed about them. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Comparison, compareWithTruth, formatDisagreement } from '../../litmus/compare.ts'
import { expectationFor, meets } from '../../litmus/expect.ts'
import { readExceptions, readTest, readTests, readTruth } from '../../litmus/library.ts'
import type { LitmusTest } from '../../litmus/program.ts'
import type { OperationResult } from '../../litmus/result.ts'
import { LitmusRun } from '../../litmus/run.ts'
import { sayFailure } from '../../litmus/say.ts'
import type { Truth } from '../../litmus/truth.ts'
import { packageRoot } from '../../load/package.ts'
import { variantName } from '../../plan.ts'
import { LitmusMachines, type RunSettings } from '../../run.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { patiently } from '../own-files/patiently.ts'
import { pathOf, testReplay } from '../shell/replay.ts'
import { counted, print, say } from '../shell/streams.ts'
import { choiceName, choicesOf, settingsOf } from '../words/choices.ts'
import { isSwapDisk } from '../words/swap-device.ts'
import { UsageError } from '../words/usage-error.ts'
import { oddNames } from './odd-names.ts'

export interface LitmusRequest {
  readonly files: readonly string[]
  readonly policies: readonly string[]
  readonly kernels: readonly string[]
  /** Of these policies, as --param gives them. */
  readonly params: readonly string[]
  readonly drained: boolean
  readonly swap: string
  readonly against: readonly string[]
  /** For an operation under a policy of one's own. */
  readonly seconds: number
  readonly json: boolean
}

/** What a test runs under. */
interface Subject {
  readonly policy: string
  /** How it is asked for again, if it did not come with the program. */
  readonly file?: string
  readonly kernel?: string
  readonly settings: RunSettings
}

/** The end of a test's name that wants a swap disk. */
const DISK_SWAP = '@diskswap'

/** Returns the exit code: 4 if an expectation is not met or a kernel disagrees. */
export async function runLitmusTests(request: LitmusRequest): Promise<number> {
  const tests = testsOf(request.files)
  return request.against.length > 0
    ? await compareTests(tests, request)
    : checkTests(tests, await subjectsOf(request), request)
}

/** Where the tests are that are run unless others are named: more/ expects nothing, and would say nothing. */
const FOLDERS = ['.', 'failures', 'live', 'races', 'rules']

/** The tests in the named files and folders, or those that come with the program. */
export function testsOf(named: readonly string[]): LitmusTest[] {
  const collection = join(packageRoot(), 'workloads', 'litmus')
  const folders = FOLDERS.map((folder) => join(collection, folder))
  const paths = named.length > 0 ? named : folders
  return paths.flatMap((path) => {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      const found = [...readTests(path).values()]
      if (found.length === 0) throw new UsageError(`missing tests: no .cow files in ${path}`)
      return found
    }
    // What a shell makes of --against truth/*.json.
    if (path.endsWith('.json')) {
      throw new UsageError(`unsupported test file: ${path}; expected: .cow, or --against before it`)
    }
    return [readTest(path)]
  })
}

async function subjectsOf(request: LitmusRequest): Promise<Subject[]> {
  return (await choicesOf(request)).map((choice) => ({
    policy: variantName(choice.definition.name, choice.params),
    ...(choice.file === undefined
      ? {}
      : { file: variantName(pathOf(choice.file.path), choice.params) }),
    ...(choice.kernel === undefined ? {} : { kernel: choiceName(choice) }),
    settings: settingsOf(choice),
  }))
}

function checkTests(
  tests: readonly LitmusTest[],
  subjects: readonly Subject[],
  { files, drained, swap, json, seconds }: LitmusRequest,
): number {
  const onDisk = isSwapDisk(swap)
  const unmet: string[] = []
  let met = 0
  const machines = new LitmusMachines()
  const ours = subjects.map(({ policy }) => policy)
  for (const test of tests) {
    const odd = oddNames(test, ours)
    if (odd !== undefined) say(odd)
    const swapDisk = onDisk || test.name.endsWith(DISK_SWAP)
    const states = [...(drained ? ['drained'] : []), ...(swapDisk ? ['diskswap'] : [])]
    for (const subject of subjects) {
      const { policy, kernel, settings } = subject
      const machine = machines.next({ ...settings, swapDisk })
      const run = new LitmusRun(test, machine, { policy: kernel ?? policy, drained })
      const results = test.operations.map((operation) => {
        const { n } = operation
        const step = (): OperationResult => run.step(operation)
        if (subject.file === undefined) return step()
        const replay = testReplay({
          ...{ command: 'explain', file: test.file, who: ['--policy', subject.file] },
          ...{ drained, swapDisk, event: n },
        })
        const place = `operation ${n} of ${test.file}; replay: ${replay}`
        return patiently(policy, seconds, place, step)
      })
      const names = [policy, ...(kernel === undefined ? [] : [kernel]), ...states]
      for (const result of results) {
        if (json)
          print(JSON.stringify({ ...result.toJSON(), policy, ...(kernel ? { kernel } : {}) }))
        else if (files.length > 0) print(lineOf(result))
        const expectation = expectationFor(result.operation, names)
        if (expectation === undefined) continue
        if (meets(expectation, result.outcome, result.flags)) met++
        else unmet.push(sayFailure(test, expectation, result))
      }
    }
  }
  for (const line of unmet) say(line)
  const what = `${counted(tests.length, 'test')} under ${counted(subjects.length, 'policy')}`
  say(`${what}: ${counted(met, 'expectation')} met, ${unmet.length} not`)
  return unmet.length > 0 ? 4 : 0
}

function lineOf({ test, policy, n, op, outcome, flags }: OperationResult): string {
  return [test, policy, n, `${op}:`, outcome, ...flags].join(' ')
}

async function compareTests(tests: readonly LitmusTest[], request: LitmusRequest): Promise<number> {
  const byName = new Map(tests.map((test) => [test.name, test]))
  const exceptions = readExceptions(join(packageRoot(), 'workloads', 'litmus', 'exceptions.json'))
  const machines = new LitmusMachines()
  let disagree = false
  let compared = 0
  for (const file of request.against) {
    const whole = readTruth(file)
    const truth = request.files.length > 0 ? only(whole, byName) : whole
    for (const { settings, policy, file, kernel } of await subjectsOf(subjectOf(truth, request))) {
      const comparison = compareWithTruth(truth, {
        ...{ tests: byName, exceptions },
        machines:
          ({ swapDisk }) =>
          () =>
            machines.next({ ...settings, swapDisk }),
        ...(request.drained ? { states: ['drained'] as const } : {}),
        ...(file === undefined
          ? {}
          : { does: (place, step) => patiently(policy, request.seconds, place, step) }),
      })
      const unrecorded = request.files.length > 0 ? tests.filter(isMissingIn(whole)) : []
      for (const { name } of unrecorded) say(`${name}: not in the record of ${truth.kernel}`)
      const model = kernel === undefined ? policy : `${policy} (kernel ${kernel})`
      if (request.json) print(JSON.stringify({ ...comparison, model }))
      else print(textOf(comparison, model))
      compared += comparison.agreements + comparison.disagreements.length
      if (comparison.disagreements.length > 0 && !comparison.informative) disagree = true
    }
  }
  if (compared === 0) {
    throw new UsageError(`missing operations: nothing to compare in ${request.against.join(', ')}`)
  }
  return disagree ? 4 : 0
}

/** The policy and kernel that were asked for, or else those that model the record. */
function subjectOf(truth: Truth, request: LitmusRequest): LitmusRequest {
  if (request.policies.length > 0 || request.kernels.length > 0) return request
  const modelled = KERNELS.some(({ name }) => name === truth.kernel)
  return modelled
    ? { ...request, kernels: [truth.kernel] }
    : { ...request, policies: [truth.policy] }
}

/** The part of a record that is about these tests. */
function only(truth: Truth, tests: ReadonlyMap<string, LitmusTest>): Truth {
  const named = [...truth.tests].filter(([name]) => tests.has(name.replace(/@.*/, '')))
  return { ...truth, tests: new Map(named) }
}

function isMissingIn({ tests }: Truth): (test: LitmusTest) => boolean {
  return ({ name }) => !tests.has(name) && !tests.has(`${name}${DISK_SWAP}`)
}

function textOf(comparison: Comparison, model: string): string {
  const { kernel, informative, agreements, disagreements, skips } = comparison
  const reasons = new Map<string, number>()
  for (const { reason, operations } of skips) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + operations)
  }
  const skipped = [...reasons].map(
    ([reason, operations]) => `${operations} not compared: ${reason}`,
  )
  return [
    ...disagreements.map(formatDisagreement),
    [
      `kernel ${kernel}, model ${model}: ${agreements} operations agree, ${disagreements.length} disagree`,
      ...skipped,
      ...(informative ? ['for information only'] : []),
    ].join('; '),
  ].join('\n')
}
