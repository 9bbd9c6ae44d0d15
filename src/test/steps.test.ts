/** steps: an operation taken through its steps does what it does when it is done at once. */
import { test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { simulate } from '../run.ts'
import type { Trace } from '../trace/trace.ts'
import { inSteps, singlePages } from './in-steps.ts'
import { type Compare, expectNoDifference } from './model-differences.ts'

const SEARCH = { seed: 20_090_414, traces: 12, events: 60 }

/** Every metric, every verdict, and what is left. Breaches name events, whose numbers differ. */
function outcome(policy: PolicyDefinition, trace: Trace, oracle: 'eager' | 'epoch') {
  const cost = DEFAULT_PROFILE
  const check = oracle === 'eager'
  const result = simulate({ policy, params: {}, cost, trace, oracle, check })
  const { values, verdicts, framesLeft, tablesLeft, sharedReuses } = result
  return { ...values, verdicts: verdicts.join(), framesLeft, tablesLeft, sharedReuses }
}

function steppedAgainstWhole(oracle: 'eager' | 'epoch', alone: boolean): Compare {
  return (policy, trace) => {
    const single = singlePages(trace)
    const whole: Readonly<Record<string, unknown>> = outcome(policy, single, oracle)
    return Object.entries(outcome(policy, inSteps(single, alone), oracle))
      .filter(([name, value]) => whole[name] !== value)
      .map(([name, value]) => `${name}: whole ${whole[name]}, in steps ${value}`)
  }
}

test.each(POLICIES.map((policy) => [policy.name, policy] as const))(
  'straight through its steps an operation is the whole operation under %s',
  (_name, policy) => {
    expectNoDifference(policy, steppedAgainstWhole('eager', true), SEARCH)
    expectNoDifference(policy, steppedAgainstWhole('epoch', false), SEARCH)
  },
)
