/**
 * snapshot: a child reads the whole heap once while its parent goes on writing.
 *
 * Models  Redis BGSAVE: fork, the child walks the data set and writes it out, the parent serves stores to popular
 *         keys meanwhile, the child exits, the parent goes on.
 * Asks    While the child lives every first store must copy; after its exit none may. Who notices that the parent is
 *         alone again? And what does the parent's first store to each page cost?
 * Expect  With 4 KiB pages nobody copies without need but always-copy. With order 1 to 9 the policies that do not
 *         reuse parts of a large folio (page-count, page-count-refined, anon-exclusive, order0-copy) go on copying after
 *         the exit. With pinned buffers, mapcount and reuse-swap-page lose coherence: fork leaves the pin with whoever
 *         stores last; page-count and later copy the pinned pages at fork instead. With swap=yes mapcount leaks.
 */
import {
  AddressSpace,
  defineWorkload,
  exchange,
  flag,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  PIN_IOURING,
  PROT_RW,
  pinSome,
  storeAll,
} from '../src/workload/api.ts'

/** Turns that parent and child take while both run. */
const TURNS = 64

export default defineWorkload({
  name: 'snapshot',
  summary: 'Redis BGSAVE: a child reads the heap while the parent goes on writing',
  params: {
    pages: int(8192, 64, 1 << 20, 'heap size, in pages'),
    snapshots: int(8, 1, 1000, 'forked snapshots'),
    stores: int(8192, 0, 1 << 24, 'stores by the parent while a child reads, and again after it'),
    theta: int(99, 0, 300, 'skew of the stores: zipf exponent in hundredths'),
    order: int(0, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
    swap: flag(false, 'a quarter of the heap is swapped out as each snapshot begins'),
    pinned: int(0, 0, 100, 'percent of the heap registered as io_uring buffers'),
  },
  needs: (p) => [p.order > 0 && 'thp', p.swap && 'swap'],

  generate(t, rng, p) {
    const heap = new AddressSpace().area(p.pages)
    const keys = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))

    const parent = t.spawn()
    t.mmap(parent, heap, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, parent, heap, p.pages)
    const buffers = pinSome(t, rng, parent, heap, p.pages, p.pinned, PIN_IOURING)

    for (let snapshot = 0; snapshot < p.snapshots; snapshot++) {
      const child = t.fork(parent)
      if (p.swap) {
        const quarter = p.pages >> 2
        t.swapout(parent, heap + quarter * (snapshot % 4), quarter)
      }
      for (const buffer of buffers) exchange(t, parent, buffer)

      for (let turn = 0; turn < TURNS; turn++) {
        const share = (total: number): number => Math.floor((total * turn) / TURNS)
        const next = (total: number): number => Math.floor((total * (turn + 1)) / TURNS)
        for (let i = share(p.stores); i < next(p.stores); i++) t.store(parent, heap + keys.next())
        loadAll(t, child, heap + share(p.pages), next(p.pages) - share(p.pages))
      }
      t.exit(child)
      for (let i = 0; i < p.stores; i++) t.store(parent, heap + keys.next())
    }

    for (const { pin } of buffers) t.unpin(parent, pin)
    t.exit(parent)
  },
})
