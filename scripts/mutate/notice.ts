/** notice: does the litmus suite, or `check`, tell a mutated policy from the one that it was made of? */
import { join } from 'node:path'
import { MODELS } from '../../src/check/models.ts'
import { type ModelResult, search } from '../../src/check/search.ts'
import { compareWithTruth } from '../../src/litmus/compare.ts'
import { expectationFor, meets } from '../../src/litmus/expect.ts'
import { readTests, readTruth } from '../../src/litmus/library.ts'
import { runLitmus } from '../../src/litmus/run.ts'
import { packageRoot } from '../../src/load/package.ts'
import { COST_PROFILES, type CostProfile, DEFAULT_COST } from '../../src/metrics/cost.ts'
import type { PolicyDefinition } from '../../src/policy/api.ts'
import { litmusMachine } from '../../src/run.ts'
import { KERNELS } from '../../src/sim/kernels.ts'

const LITMUS = join(packageRoot(), 'workloads', 'litmus')
const TESTS = readTests(LITMUS)
const OTHERS = ['failures', 'live', 'rules', 'more'].flatMap((folder) => [
  ...readTests(join(LITMUS, folder)).values(),
])
const cost = COST_PROFILES[DEFAULT_COST] as CostProfile

/** Depth per model: what takes about a second. */
const DEPTHS: Readonly<Record<string, number>> = {
  ...{ 'fork-pin': 6, swap: 5, protect: 5, family: 4, tables: 4, thp: 5, race: 11, 'fork-race': 9 },
}
const CHECKED = MODELS.filter(({ name }) => DEPTHS[name] !== undefined)

/** Which litmus test, of which kernel or of the policy itself, does not show what it should; '' if all do. */
export function noticedByLitmus(original: string, mutant: PolicyDefinition): string {
  for (const test of [...TESTS.values(), ...OTHERS]) {
    const swapDisk = test.name.endsWith('@diskswap')
    const machine = () => litmusMachine({ policy: mutant, params: {}, cost, swapDisk })
    for (const { operation, outcome, flags } of runLitmus(test, machine, { policy: original })) {
      const expectation = expectationFor(operation, [original])
      if (expectation !== undefined && !meets(expectation, outcome, flags)) return test.name
    }
  }
  for (const kernel of KERNELS.filter(({ policy }) => policy === original)) {
    const truth = readTruth(join(LITMUS, 'truth', `${kernel.name}.json`))
    const settings = { policy: mutant, params: kernel.params, era: kernel.era, cost }
    const { disagreements } = compareWithTruth(truth, {
      tests: TESTS,
      machines:
        ({ swapDisk }) =>
        () =>
          litmusMachine({ ...settings, swapDisk }),
    })
    const first = disagreements[0]
    if (first !== undefined) return `${first.test} of ${kernel.name}`
  }
  return ''
}

/** What `check` finds, model by model: the kinds of violations, and of copies that nobody needed, with their lengths. */
export async function findingsOf(policy: string): Promise<string[]> {
  const found: string[] = []
  for (const goal of ['violation', 'missed-reuse'] as const) {
    const results = await search({
      ...{ name: 'mutant', subject: { policy, params: {}, swapDisk: false }, models: CHECKED },
      depthOf: ({ name }) => DEPTHS[name] ?? 1,
      ...{ goal, every: true, memory: 2 ** 30, jobs: 2 },
    })
    found.push(...results.map((result) => kindsOf(result, goal)))
  }
  return found
}

function kindsOf({ model, counterexamples }: ModelResult, goal: string): string {
  const kinds = counterexamples.map(({ kind, operations }) => `${kind} in ${operations}`).sort()
  return `${model.name}, ${goal}: ${kinds.join(', ') || 'nothing'}`
}
