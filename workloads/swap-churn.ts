/**
 * swap-churn: a working set larger than memory, written to after each return from swap.
 *
 * Models  One process whose pages are swapped out in clusters and touched again in random order, mostly by a load
 *         first (a lookup that ends in an update): Liang Zhang's report of January 2022 on 5.9 and later, where Redis
 *         under memory pressure copied pages that nobody else ever saw.
 * Asks    A page that returns is referenced by the swapcache, by an LRU batch, or both. Does the policy take those
 *         for users?
 * Expect  Nothing is ever shared, so each copy is spurious. page-count copies nearly every page that was loaded before
 *         the store (I-21 of workloads/litmus/failures); page-count-refined and later drop the swapcache and drain the
 *         batch first and copy none, nor does reuse-swap-page. Where the store comes first nobody copies but
 *         always-copy. With a gap of 15 pages and more between load and store the LRU batch has moved on, and only a
 *         swap device that needs the swapcache still makes page-count copy.
 */
import {
  AddressSpace,
  defineWorkload,
  flag,
  int,
  MAP_PRIVATE_ANON,
  PROT_RW,
  storeAll,
} from '../src/workload/api.ts'

/** Pages that reclaim takes at once: SWAP_CLUSTER_MAX. */
const CLUSTER = 32

export default defineWorkload({
  name: 'swap-churn',
  summary: 'pages come back from swap and are written to: swapcache and LRU-batch references',
  params: {
    pages: int(8192, 64, 1 << 20, 'heap size, in pages'),
    rounds: int(16, 1, 10_000, 'times that the whole heap is swapped out and touched again'),
    loadFirst: int(75, 0, 100, 'percent of the pages that are loaded before they are stored to'),
    gap: int(0, 0, 1024, 'pages touched between the load of a page and the store to it'),
    shared: flag(
      false,
      'in every second round a forked child shares the heap, and loads all of it',
    ),
    order: int(0, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
  },
  needs: (p) => [p.order > 0 && 'thp', 'swap'],

  generate(t, rng, p) {
    const heap = new AddressSpace().area(p.pages)
    const mm = t.spawn()
    t.mmap(mm, heap, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, mm, heap, p.pages)

    for (let round = 0; round < p.rounds; round++) {
      const child = p.shared && round % 2 === 1 ? t.fork(mm) : undefined
      for (let i = 0; i < p.pages; i += CLUSTER)
        t.swapout(mm, heap + i, Math.min(CLUSTER, p.pages - i))

      const order = rng.permutation(p.pages)
      for (let i = 0; i < p.pages + p.gap; i++) {
        if (i < p.pages && rng.chance(p.loadFirst)) t.load(mm, heap + order[i]!)
        if (i < p.pages && child !== undefined) t.load(child, heap + order[i]!)
        if (i >= p.gap) t.store(mm, heap + order[i - p.gap]!)
      }
      if (child !== undefined) t.exit(child)
    }
    t.exit(mm)
  },
})
