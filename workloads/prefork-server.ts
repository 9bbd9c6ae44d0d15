/**
 * prefork-server: workers that come, serve, write a little and go.
 *
 * Models  Apache's mpm_prefork: a parent that reads its configuration, forks workers and replaces each after a number
 *         of requests. A request reads much of the inherited heap, dirties a little of it (allocator metadata,
 *         reference counts), uses scratch memory of the worker's own, and notes its state in a shared scoreboard.
 * Asks    Nearly every page is shared by several workers nearly all of the time: does a policy copy only what must
 *         be copied, and what do fork and exit cost?
 * Expect  With 4 KiB pages nobody copies without need but always-copy, and all break no promise. With swap=yes
 *         mapcount leaks (it does not see that another process still has the swap entry), and on-demand-fork, which
 *         does not count swap entries in shared tables, loses data. With pinned buffers on-demand-fork leaks too: its
 *         get_user_pages_fast() finds writable entries below a shared table.
 */
import {
  AddressSpace,
  defineWorkload,
  exchange,
  flag,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  MAP_SHARED,
  PIN_ODIRECT,
  PROT_RW,
  pinBuffer,
  storeAll,
} from '../src/workload/api.ts'

const SCRATCH = 32
const SCOREBOARD_OBJECT = 1

export default defineWorkload({
  name: 'prefork-server',
  summary: 'Apache prefork: workers that serve requests from an inherited heap and are replaced',
  params: {
    pages: int(4096, 64, 1 << 20, 'heap that the workers inherit, in pages'),
    workers: int(8, 1, 256, 'workers alive at once'),
    requests: int(6000, 1, 1 << 24, 'requests in all'),
    lifetime: int(250, 1, 1 << 20, 'requests after which a worker is replaced'),
    loads: int(24, 0, 1000, 'heap loads in a request'),
    stores: int(6, 0, 1000, 'heap stores in a request, and as many to scratch memory'),
    theta: int(80, 0, 300, 'skew of the heap accesses: zipf exponent in hundredths'),
    order: int(0, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
    swap: flag(false, 'an eighth of the heap is swapped out whenever a worker is replaced'),
    pinned: int(0, 0, 100, 'percent of requests that read a file with O_DIRECT into the heap'),
  },
  needs: (p) => [p.order > 0 && 'thp', p.swap && 'swap'],

  generate(t, rng, p) {
    const space = new AddressSpace()
    const heap = space.area(p.pages)
    const scratch = space.area(SCRATCH)
    const scoreboard = space.area(p.workers)
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))

    const parent = t.spawn()
    t.mmap(parent, heap, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    t.mmap(parent, scoreboard, p.workers, MAP_SHARED, PROT_RW, 0, SCOREBOARD_OBJECT)
    storeAll(t, parent, heap, p.pages)

    const start = (slot: number): { slot: number; mm: number; served: number } => {
      const mm = t.fork(parent)
      t.mmap(mm, scratch, SCRATCH, MAP_PRIVATE_ANON, PROT_RW)
      return { slot, mm, served: 0 }
    }
    const workers = Array.from({ length: p.workers }, (_, slot) => start(slot))

    let swept = 0
    for (let request = 0; request < p.requests; request++) {
      const worker = rng.pick(workers)
      t.store(worker.mm, scoreboard + worker.slot)
      for (let i = 0; i < p.loads; i++) t.load(worker.mm, heap + heat.next())
      for (let i = 0; i < p.stores; i++) {
        t.store(worker.mm, heap + heat.next())
        t.store(worker.mm, scratch + rng.below(SCRATCH))
      }
      if (rng.chance(p.pinned)) {
        const buffer = pinBuffer(t, worker.mm, heap + heat.next(), 1, PIN_ODIRECT)
        exchange(t, worker.mm, buffer)
        t.unpin(worker.mm, buffer.pin)
      }
      if (++worker.served < p.lifetime) continue

      t.exit(worker.mm)
      loadAll(t, parent, scoreboard, p.workers)
      t.store(parent, heap + heat.next())
      if (p.swap) {
        const eighth = p.pages >> 3
        t.swapout(parent, heap + eighth * (swept++ % 8), eighth)
      }
      workers[worker.slot] = start(worker.slot)
    }

    for (const worker of workers) t.exit(worker.mm)
    t.exit(parent)
  },
})
