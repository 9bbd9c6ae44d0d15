/**
 * khugepaged: sparse, partly swapped and partly shared memory, and the limits within which it becomes huge.
 *
 * Models  A heap that grew on small pages. Of each 2 MiB some pages were never touched, some are in swap, and after a fork
 *         the child still shares those that the parent has not stored to. khugepaged scans; then both go on.
 * Asks    What do max_ptes_none, max_ptes_swap and max_ptes_shared let through, what does a collapse of shared pages cost
 *         (it copies them, and the child keeps the old ones), and is anything that is referenced left behind?
 * Expect  A collapse breaks no promise (mapcount and on-demand-fork do, by what swap entries share): a page in a pipe
 *         keeps its 2 MiB small. Each limit at 0 leaves next to nothing to collapse, each higher one collapses at least
 *         as much; peak_frames grows with the collapses, later copies become fewer. Until 5.17 a swapped page that the
 *         child shares is in the way, until 5.7 any shared page.
 */
import {
  AddressSpace,
  defineWorkload,
  HPAGE_PMD_NR,
  HPAGE_PMD_ORDER,
  int,
  loadAll,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_PRIVATE_ANON,
  PIN_VMSPLICE,
  PROT_RW,
  SET_MAX_PTES_NONE,
  SET_MAX_PTES_SHARED,
  SET_MAX_PTES_SWAP,
} from '../src/workload/api.ts'

export default defineWorkload({
  name: 'khugepaged',
  summary: 'sparse, swapped and shared memory is collapsed within max_ptes_none, _swap and _shared',
  params: {
    ranges: int(64, 1, 4096, 'heap size, in ranges of 2 MiB'),
    holes: int(
      20,
      0,
      50,
      'percent of the pages that were never touched; up to twice as many in a range',
    ),
    swapped: int(5, 0, 50, 'percent in swap, likewise'),
    shared: int(25, 0, 50, 'percent that the child shares still, likewise'),
    pinned: int(5, 0, 100, 'percent of the ranges that have a page in a pipe'),
    scans: int(2, 0, 100, 'scans of khugepaged, stores to a tenth of the heap after each'),
    maxPtesNone: int(511, 0, 511, 'holes among 512 pages that khugepaged fills'),
    maxPtesSwap: int(64, 0, 511, 'swapped pages among 512 that it reads back'),
    maxPtesShared: int(256, 0, 511, 'pages among 512 that others map too and it copies'),
  },
  needs: (p) => ['thp', p.swapped > 0 && 'swap'],

  generate(t, rng, p) {
    const pages = p.ranges * HPAGE_PMD_NR
    const heap = new AddressSpace().area(pages)
    t.set(SET_MAX_PTES_NONE, p.maxPtesNone)
    t.set(SET_MAX_PTES_SWAP, p.maxPtesSwap)
    t.set(SET_MAX_PTES_SHARED, p.maxPtesShared)

    const mm = t.spawn()
    t.mmap(mm, heap, pages, MAP_PRIVATE_ANON, PROT_RW, HPAGE_PMD_ORDER)
    t.madvise(mm, heap, pages, MADV_NOHUGEPAGE)
    /** By range: the pages that the parent stores to after the fork. */
    const own: number[][] = []
    const some = (percent: number) => rng.below(2 * percent + 1)
    for (let start = heap; start < heap + pages; start += HPAGE_PMD_NR) {
      const [holes, swapped, shared] = [some(p.holes), some(p.swapped), some(p.shared)]
      const used: number[] = []
      const kept: number[] = []
      own.push(kept)
      for (let i = 0; i < HPAGE_PMD_NR; i++) if (!rng.chance(holes)) used.push(start + i)
      for (const vpn of used) t.store(mm, vpn)
      for (const vpn of used) {
        if (rng.chance(swapped)) t.swapout(mm, vpn, 1)
        else if (!rng.chance(shared)) kept.push(vpn)
      }
    }
    t.madvise(mm, heap, pages, MADV_HUGEPAGE)

    const child = t.fork(mm)
    const pipes: number[] = []
    for (const kept of own) {
      for (const vpn of kept) t.store(mm, vpn)
      const vpn = kept[rng.below(Math.max(1, kept.length))]
      if (vpn !== undefined && rng.chance(p.pinned)) pipes.push(t.pin(mm, vpn, 1, PIN_VMSPLICE))
    }
    for (let scan = 0; scan < p.scans; scan++) {
      t.khugepaged(mm, heap, pages)
      for (let i = 0; i < pages / 10; i++) t.store(mm, heap + rng.below(pages))
    }
    for (const pipe of pipes) t.devread(mm, pipe, 0)
    loadAll(t, child, heap, pages)
    loadAll(t, mm, heap, pages)
    t.exit(child)
    for (const pipe of pipes) t.unpin(mm, pipe)
    t.exit(mm)
  },
})
