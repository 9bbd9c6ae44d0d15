/**
 * my-load: a server that forks a worker for each batch of requests, and keeps storing while the worker reads.
 *
 * Models  Say what program does this.
 * Asks    Say which decisions it puts to a policy.
 * Expect  Say what you expect of which policy, before you look.
 *
 * To run it:
 *
 *   cowbench run --workload ./my-load.ts --policy page-count,mm-id --seeds 3
 */
import {
  AddressSpace,
  defineWorkload,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  PROT_RW,
  storeAll,
} from 'cowbench'

export default defineWorkload({
  name: 'my-load',
  // The version of the interface that this file was written for.
  api: 1,
  // For lists.
  summary: 'a server forks workers that read what it goes on storing to',

  // Each is --param NAME=VALUE and --sweep NAME=..., a line of `cowbench list params`, and part of every row.
  params: {
    pages: int(1024, 1, 1 << 20, 'memory of the server, in pages'),
    workers: int(8, 1, 1 << 10, 'workers, one after the other'),
    stores: int(256, 0, 1 << 20, 'stores of the server while a worker lives'),
    order: int(0, 0, 9, 'folio order of the memory: 0 is 4 KiB, 9 is 2 MiB'),
  },

  // What the events need of a policy and its kernel; who lacks it is skipped.
  needs: (p) => [p.order > 0 && 'thp'],

  // Writes the events, and nothing else. `rng` is the only source of chance: the same parameters and seed give the same
  // trace. Pages are numbered; by the end every process has exited. docs/write-a-workload.md lists all operations of
  // `t`, and says how to see that the trace is what was meant.
  generate(t, rng, p) {
    const memory = new AddressSpace().area(p.pages)
    const server = t.spawn()
    t.mmap(server, memory, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, server, memory, p.pages)
    for (let i = 0; i < p.workers; i++) {
      const worker = t.fork(server)
      loadAll(t, worker, memory, p.pages)
      for (let j = 0; j < p.stores; j++) t.store(server, memory + rng.below(p.pages))
      t.exit(worker)
    }
    t.exit(server)
  },
})
