/** litmus: does the litmus suite tell a mutated policy from the one that it was made of, and what in it does? */
import { join } from 'node:path'
import { POLICIES } from '../../policies/index.ts'
import { compareWithTruth, formatDisagreement } from '../../src/litmus/compare.ts'
import { expectationFor, meets } from '../../src/litmus/expect.ts'
import { NOT_APPLICABLE, verdictOf } from '../../src/litmus/known-failures.ts'
import { readKnownFailures, readTests, readTruth } from '../../src/litmus/library.ts'
import type { MachineFactory } from '../../src/litmus/machine-shape.ts'
import type { LitmusTest } from '../../src/litmus/program.ts'
import { runLitmus } from '../../src/litmus/run.ts'
import { packageRoot } from '../../src/load/package.ts'
import { DEFAULT_PROFILE } from '../../src/metrics/cost.ts'
import { defaults } from '../../src/params/params.ts'
import type { PolicyDefinition } from '../../src/policy/api.ts'
import { LitmusMachines } from '../../src/run.ts'
import { KERNELS, type KernelModel } from '../../src/sim/kernels.ts'

const LITMUS = join(packageRoot(), 'workloads', 'litmus')
const TESTS = readTests(LITMUS)
const RULES = ['rules', 'live', 'races', 'failures'].flatMap((folder) => testsIn(folder))
const MORE = testsIn('more')
const FAILURES = readKnownFailures(join(LITMUS, 'failures'))
const TRUTHS = new Map(
  KERNELS.map(({ name }) => [name, readTruth(join(LITMUS, 'truth', `${name}.json`))]),
)
const cost = DEFAULT_PROFILE

/** What a policy runs as: with its own parameters and era, or with those of a recorded kernel. */
export interface Variant {
  /** The kernel's or the policy's. */
  readonly name: string
  readonly params: KernelModel['params']
  readonly era?: string
}

export function variantsOf(name: string): Variant[] {
  const policy = policyNamed(name)
  const own = valuesOf(policy, {})
  // A kernel that is the policy as it comes is run as that, so that what its defaults are is looked at too.
  const kernels = KERNELS.filter((kernel) => kernel.policy === name).map((kernel): Variant => {
    const same = kernel.era === policy.kernel && valuesOf(policy, kernel.params) === own
    return same ? { name: kernel.name, params: {} } : kernel
  })
  const isOwn = kernels.some(({ era }) => era === undefined)
  return isOwn ? kernels : [{ name, params: {} }, ...kernels]
}

function valuesOf({ params }: PolicyDefinition, given: Variant['params']): string {
  return Object.entries({ ...defaults(params), ...given })
    .map(String)
    .sort()
    .join()
}

function policyNamed(name: string): PolicyDefinition {
  return POLICIES.find((policy) => policy.name === name) as PolicyDefinition
}

/** Where the mutant is not what a kernel that has `original` was recorded to be; '' if it is nowhere. */
export function unlikeRecords(original: string, mutant: PolicyDefinition): string {
  for (const variant of variantsOf(original)) {
    const truth = TRUTHS.get(variant.name)
    if (truth === undefined) continue
    const machines = ({ swapDisk }: { swapDisk: boolean }) => machineOf(mutant, variant, swapDisk)
    const { disagreements } = compareWithTruth(truth, { tests: TESTS, machines })
    const first = disagreements[0]
    if (first !== undefined) return `${variant.name}: ${formatDisagreement(first)}`
  }
  return ''
}

/**
 * Where the mutant is not what a litmus test expects, or what is written down of a known failure, or (of the tests
 * without expectations) what the original shows, which is what the reference model shows; '' if it is nowhere.
 */
export function unlikeRules(original: string, mutant: PolicyDefinition): string {
  const policy = policyNamed(original)
  for (const variant of variantsOf(original)) {
    const names = [variant.name, original]
    const run = (test: LitmusTest, of = mutant, disk = false, drained = false) => {
      const machines = machineOf(of, variant, disk || test.name.endsWith('@diskswap'))
      return runLitmus(test, machines, { policy: original, drained })
    }
    for (const test of RULES) {
      for (const { operation, outcome, flags } of run(test)) {
        const expectation = expectationFor(operation, names)
        if (expectation !== undefined && !meets(expectation, outcome, flags)) return test.name
      }
    }
    for (const failure of FAILURES) {
      const expected = failure.kernels.get(variant.name) ?? failure.verdicts.get(original)
      const test = RULES.find(({ name }) => name === failure.test) as LitmusTest
      if (expected === undefined || expected === NOT_APPLICABLE) continue
      if (verdictOf(failure, test, run(test, mutant, failure.swapDisk)) !== expected) {
        return test.name
      }
    }
    for (const test of MORE) {
      const swaps = test.operations.some(({ text }) => /^swapout|pageout$/.test(text))
      for (const [disk, drained] of SETTINGS) {
        if (disk && !swaps) continue
        const key = `${variant.name} ${test.name} ${disk} ${drained}`
        const shown = run(test, mutant, disk, drained).map(textOf).join()
        const known = shownBefore.get(key) ?? run(test, policy, disk, drained).map(textOf).join()
        shownBefore.set(key, known)
        if (shown !== known) return test.name
      }
    }
  }
  return ''
}

const MACHINES = new LitmusMachines()

/** What a policy that is no mutant shows, by variant, test and setting. */
const shownBefore = new Map<string, string>()

/** Swap disk, drained. */
const SETTINGS = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const

export function textOf({ outcome, flags }: { outcome: string; flags: readonly string[] }): string {
  return [outcome, ...flags].join(' ')
}

function machineOf(
  policy: PolicyDefinition,
  { params, era }: Variant,
  swapDisk: boolean,
): MachineFactory {
  const settings = { policy, params, cost, swapDisk, ...(era === undefined ? {} : { era }) }
  return () => MACHINES.next(settings)
}

function testsIn(folder: string): LitmusTest[] {
  return [...readTests(join(LITMUS, folder)).values()]
}
