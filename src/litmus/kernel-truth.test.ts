/** kernel-truth.test: every recorded kernel against the policy, parameters and era that model it. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KERNEL_MODELS, LITMUS, POLICY_MODELS, TRUTH } from '../test/litmus-models.ts'
import { compareWithTruth, formatDisagreement } from './compare.ts'
import { readTests, readTruth } from './library.ts'

const TESTS = readTests(LITMUS)

test('there are 77 tests of their own names', () => {
  expect(TESTS.size).toBe(77)
})

test.each(KERNEL_MODELS.map((model) => [model.name, model] as const))(
  'the model does what %s did, in both LRU states',
  (name, { policy, machines }) => {
    const truth = readTruth(join(TRUTH, `${name}.json`))
    expect(truth.policy).toBe(policy)
    const { agreements, disagreements, skips } = compareWithTruth(truth, { tests: TESTS, machines })
    expect(disagreements.map(formatDisagreement)).toEqual([])
    // 70 to 87 tests of about six compared operations; 6.0.6 in one state only.
    expect(agreements).toBeGreaterThan(truth.naturalOnly ? 400 : 800)
    const reasons = new Set(skips.map(({ reason }) => reason))
    for (const reason of reasons) {
      expect(['artefact of the recorded tree', 'recorded in the natural state only']).toContain(
        reason,
      )
    }
  },
)

/** Prototypes and blind measurements are worth comparing, but no target: the numbers say how far the model carries. */
test.each([
  ['5.6.19-on-demand-fork', 'on-demand-fork', 0.95],
  ['6.0.6-cow-pte-v2', 'cow-pte-owner', 0.9],
])('the model of the prototype %s agrees for the most part', (kernel, policy, least) => {
  const model = POLICY_MODELS.find(({ name }) => name === policy)
  if (model === undefined) throw new Error(`no model of ${policy}`)
  const truth = readTruth(join(TRUTH, `${kernel}.json`))
  expect(truth.informative).toBe(true)
  const { agreements, disagreements } = compareWithTruth(truth, {
    tests: TESTS,
    machines: model.machines,
  })
  expect(agreements / (agreements + disagreements.length)).toBeGreaterThan(least)
})
