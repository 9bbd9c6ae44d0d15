/** noise: do random traces, on a machine where others hold pages for a moment, tell a mutated policy from its original? */
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../../src/metrics/cost.ts'
import type { PolicyDefinition } from '../../src/policy/api.ts'
import { simulate } from '../../src/run.ts'
import { noiseOf } from '../../src/test/cells.ts'
import { randomTraces } from '../../src/test/model-differences.ts'
import { variantsOf } from './litmus.ts'

const SEED = 20_220_509
const TRACES = 60
const cost = DEFAULT_PROFILE
/** One page in ten is held, of each sort of noise. */
const noise = noiseOf({ cpus: 2, noise: 1000 })

/** What a policy that is no mutant counts, by policy, variant and trace. */
const counted = new Map<string, Readonly<Record<string, number>>>()

/** The metric that first differs, and where; '' if none does. */
export function unlikeUnderNoise(original: string, mutant: PolicyDefinition): string {
  const policy = POLICIES.find(({ name }) => name === original) as PolicyDefinition
  for (const { name, params, era } of variantsOf(original)) {
    const given = { params, cost, noise, ...(era === undefined ? {} : { era }) }
    const traces = randomTraces(policy, { seed: SEED, traces: TRACES, events: 300 })
    for (const [n, trace] of [...traces].entries()) {
      const run = (of: PolicyDefinition): Readonly<Record<string, number>> =>
        simulate({ ...given, policy: of, trace, oracle: 'epoch', check: false }).values
      const key = `${original} ${name} ${n}`
      const known = counted.get(key) ?? run(policy)
      counted.set(key, known)
      const seen = run(mutant)
      const metric = Object.keys(known).find((one) => known[one] !== seen[one])
      if (metric === undefined) continue
      return `${name}, random trace ${n + 1}: ${metric} ${seen[metric]}, not ${known[metric]}`
    }
  }
  return ''
}
