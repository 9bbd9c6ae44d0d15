/**
 * mix: bg with half of its accesses loads, in random turn.
 *
 * Models  The same server with a read for every write; the worst case for a trace of runs, since a run of loads or of
 *         stores is two events long on average.
 * Asks    What do short runs cost, and what does it cost the oracle to check every load?
 * Expect  As bg: loads take no faults here, and the distinct pages stored to are fewer.
 */
import { defineWorkload, zipfRounds } from '../src/workload/api.ts'

export default defineWorkload({
  name: 'mix',
  summary: 'speed: as bg, half of the accesses loads in random turn',
  params: zipfRounds.params,
  inQuickRun: false,
  events: zipfRounds.events,
  generate: (t, rng, p) => zipfRounds.generate(t, rng, p, 50),
})
