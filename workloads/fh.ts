/**
 * fh: rounds of fork, a store to every page, exit of the child, a store to every page.
 *
 * Models  Nothing in particular: every other event is a fault, and half of those that do not fill copy.
 * Asks    How fast is the fault path?
 * Expect  pages * (rounds + 1) faults, pages * rounds copies, all needed, whatever the policy (always-copy included:
 *         after the exit no page is read-only).
 */
import { defineWorkload, int, MAP_PRIVATE_ANON, PROT_RW, storeAll } from '../src/workload/api.ts'

export default defineWorkload({
  name: 'fh',
  summary: 'speed: every page copied in each round, half of the events fault',
  params: {
    pages: int(65_536, 1, 1 << 24, 'heap size, in pages'),
    rounds: int(40, 1, 100_000, 'times that the parent forks'),
  },
  inQuickRun: false,
  events: (p) => p.pages * (2 * p.rounds + 1) + 2 * p.rounds + 3,

  generate(t, _rng, p) {
    const parent = t.spawn()
    t.mmap(parent, 0, p.pages, MAP_PRIVATE_ANON, PROT_RW)
    storeAll(t, parent, 0, p.pages)
    for (let round = 0; round < p.rounds; round++) {
      const child = t.fork(parent)
      storeAll(t, parent, 0, p.pages)
      t.exit(child)
      storeAll(t, parent, 0, p.pages)
    }
    t.exit(parent)
  },
})
