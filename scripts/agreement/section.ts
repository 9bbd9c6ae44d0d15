/** section: the README's table of agreement with recorded kernels, made by running the comparison. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { POLICIES } from '../../policies/index.ts'
import { type Agreement, agreementTable } from '../../src/litmus/agreement.ts'
import { compareWithTruth } from '../../src/litmus/compare.ts'
import { readExceptions, readTests, readTruth } from '../../src/litmus/library.ts'
import type { LruState, Truth } from '../../src/litmus/truth.ts'
import { DEFAULT_PROFILE } from '../../src/metrics/cost.ts'
import { formatValue } from '../../src/params/params.ts'
import { litmusMachine, type RunSettings } from '../../src/run.ts'
import { KERNELS } from '../../src/sim/kernels.ts'

/** What belongs between the README's markers, from the litmus tests and records in `litmus`. */
export function agreementSection(litmus: string): string {
  const truths = readdirSync(join(litmus, 'truth'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => readTruth(join(litmus, 'truth', file)))
  return agreementTable(truths.sort(byAge).map((truth) => agreementWith(truth, litmus)))
}

function byAge(a: Truth, b: Truth): number {
  return a.kernel.localeCompare(b.kernel, 'en', { numeric: true })
}

function agreementWith(truth: Truth, litmus: string): Agreement {
  const kernel = KERNELS.find(({ name }) => name === truth.kernel)
  const policy = POLICIES.find(({ name }) => name === (kernel?.policy ?? truth.policy))
  if (policy === undefined) throw new RangeError(`unknown policy: ${truth.policy}`)
  const settings: RunSettings = {
    ...{ policy, params: kernel?.params ?? {}, cost: DEFAULT_PROFILE },
    ...(kernel === undefined ? {} : { era: kernel.era }),
  }
  const tests = readTests(litmus)
  const exceptions = readExceptions(join(litmus, 'exceptions.json'))
  const compare = (state: LruState) =>
    compareWithTruth(truth, {
      ...{ tests, exceptions, states: [state] },
      machines:
        ({ swapDisk }) =>
        () =>
          litmusMachine({ ...settings, swapDisk }),
    })
  const params = Object.entries(settings.params).map(
    ([name, value]) => `${name}=${formatValue(value)}`,
  )
  return {
    kernel: truth.kernel,
    model: [policy.name, ...params].join(', '),
    informative: truth.informative,
    natural: compare('natural'),
    drained: compare('drained'),
  }
}
