/**
 * thp-mremap: a heap of huge pages moves to where none of them is aligned; khugepaged comes; then fork and stores.
 *
 * Models  realloc() of a large block by mremap(): the new address is a multiple of 4 KiB, not of 2 MiB. Every huge
 *         mapping is split and lies across two page tables. The process forks for a child that reads and exits, and
 *         then stores to every page.
 * Asks    Matthew Wilcox, 20 January 2022: "Arguably it should be broken up if it's moved so it can be reformed into
 *         aligned THPs by khugepaged." Does the split help khugepaged, and does it help whoever stores later?
 * Expect  Without khugepaged, page-count, page-count-refined, anon-exclusive and order0-copy copy all pages but, at
 *         most, the last of each folio, and table-scan half of them; split at the move, nobody copies any. With
 *         khugepaged the pages between the edges are huge again, split or not, and only the edges are left to copy:
 *         from 5.8 on it takes parts of large folios. Before (kernel 5.6.19) it builds nothing unless they were split.
 */
import {
  AddressSpace,
  defineWorkload,
  FOLIO_SPLIT,
  flag,
  HPAGE_PMD_NR,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  PROT_RW,
  SET_MREMAP_FOLIO,
  storeAll,
} from '../src/workload/api.ts'

export default defineWorkload({
  name: 'thp-mremap',
  summary: 'huge pages that mremap moved out of alignment, khugepaged, fork, stores',
  params: {
    areas: int(8, 1, 1024, 'heap size, in areas of 2 MiB'),
    rounds: int(12, 1, 10_000, 'times that a process starts, moves its heap and forks'),
    shift: int(256, 0, 511, 'pages by which the new address misses a multiple of 2 MiB'),
    split: flag(false, 'mremap splits the folios that it moves out of alignment'),
    khugepaged: flag(true, 'khugepaged scans the heap after the move'),
    order: int(9, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
  },
  needs: (p) => [p.order > 0 && 'thp'],

  generate(t, _rng, p) {
    const pages = HPAGE_PMD_NR * p.areas
    const space = new AddressSpace()
    const heap = space.area(pages)
    const moved = space.area(pages + HPAGE_PMD_NR) + p.shift

    if (p.split) t.set(SET_MREMAP_FOLIO, FOLIO_SPLIT)
    for (let round = 0; round < p.rounds; round++) {
      const parent = t.spawn()
      t.mmap(parent, heap, pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
      storeAll(t, parent, heap, pages)
      t.mremap(parent, heap, pages, moved)
      if (p.khugepaged) t.khugepaged(parent, moved, pages)

      const child = t.fork(parent)
      loadAll(t, child, moved, pages)
      t.exit(child)
      storeAll(t, parent, moved, pages)
      loadAll(t, parent, moved, pages)
      t.exit(parent)
    }
  },
})
