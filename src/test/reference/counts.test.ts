/** counts.test: whole runs of random tests give the same counts in the simulator and in the reference model. */
import { describe, expect, test } from 'vitest'
import { POLICIES } from '../../../policies/index.ts'
import { DEFAULT_PROFILE } from '../../metrics/cost.ts'
import { simulate } from '../../run.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { cowTrace } from './cow-trace.ts'
import { mixOf, settingOf } from './differential.ts'
import { randomCow } from './random-cow.ts'
import { referenceRun } from './reference-run.ts'

const cost = DEFAULT_PROFILE

describe('counts of random traces', () => {
  test.each(KERNELS)('are the same in both models of $name', (kernel) => {
    const policy = POLICIES.find(({ name }) => name === kernel.policy)
    if (policy === undefined) throw new RangeError(`unknown policy: ${kernel.policy}`)
    const { rules, era } = settingOf(kernel.name)
    for (let seed = 1; seed <= 12; seed++) {
      const text = randomCow(seed, mixOf(kernel.name))
      const trace = cowTrace(text)
      const { params, era: eraName } = kernel
      const run = {
        policy,
        params,
        era: eraName,
        cost,
        trace,
        oracle: 'epoch',
        check: false,
      } as const
      const simulated: Readonly<Record<string, number>> = simulate(run).values
      const counted = Object.entries(referenceRun(trace, rules, {}, era))
      const differing = counted.filter(([id, n]) => id in simulated && simulated[id] !== n)
      expect(differing, `seed ${seed}\n${text}`).toEqual([])
    }
  })
})
