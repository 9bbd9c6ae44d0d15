/** differential: random traces in the simulator and in the reference model, which share no code; all counts are equal. */
import { test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { againstReference, expectNoDifference, PROTOTYPES } from './model-differences.ts'

/** Some ten seconds of CPU time for all policies; npm run soak runs more, with fresh seeds. */
const SEARCH = { seed: 20_200_529, traces: 200, events: 300 }

const sound = POLICIES.filter(({ name }) => !PROTOTYPES.includes(name))

test.each(sound.map((policy) => [policy.name, policy] as const))(
  'the reference model counts the same under %s',
  (_name, policy) => {
    expectNoDifference(policy, againstReference, SEARCH)
  },
)
