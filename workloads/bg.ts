/**
 * bg: rounds of fork, skewed stores, exit of the child, skewed stores.
 *
 * Models  Redis BGSAVE as the parent sees it, without the child's reads; the trace that the simulator's speed is
 *         quoted on, because the running kernel can replay it.
 * Asks    How fast is the hit path? About one event in sixteen faults.
 * Expect  One fault for each page filled and for each distinct page stored to in a round, whatever the policy; only
 *         always-copy copies without need.
 */
import { defineWorkload, zipfRounds } from '../src/workload/api.ts'

export default defineWorkload({
  name: 'bg',
  summary: 'speed: skewed stores beside a child and after it, few faults',
  params: zipfRounds.params,
  inQuickRun: false,
  events: zipfRounds.events,
  generate: (t, rng, p) => zipfRounds.generate(t, rng, p, 0),
})
