/**
 * pte-mapped-thp: fork over large folios that page-table entries map, then writes by whoever is left.
 *
 * Models  A heap of huge pages of which each was split by a partial mprotect(), munmap(), MADV_DONTNEED or mremap(),
 *         or of smaller large folios, which are always mapped by page-table entries. A child comes, reads and exits;
 *         then its parent stores to every page. `third`: of a parent and two children, only the second child is left.
 * Asks    All page-table entries of a folio share one reference count, so "the only reference" never holds. Who still
 *         sees that one process is left? (The thread of January 2022, MM owner tracking of 2025; I-25 of
 *         workloads/litmus/failures.)
 * Expect  mapcount, reuse-swap-page, table-scan and mm-id reuse every page; page-count, page-count-refined,
 *         anon-exclusive and order0-copy copy all of them but, at most, the last of each folio. With `third`, mm-id
 *         copies as well (I-26: only two address spaces are tracked), and table-scan does not. With split=mremap
 *         table-scan copies the first half of each folio: until that is gone its mappings are in two page tables.
 */
import {
  AddressSpace,
  choice,
  defineWorkload,
  exchange,
  flag,
  HPAGE_PMD_NR,
  int,
  loadAll,
  MADV_DONTNEED,
  MAP_PRIVATE_ANON,
  PIN_IOURING,
  PROT_READ,
  PROT_RW,
  pinBuffer,
  storeAll,
} from '../src/workload/api.ts'

const HALF = HPAGE_PMD_NR / 2
const LAST = HPAGE_PMD_NR - 1

export default defineWorkload({
  name: 'pte-mapped-thp',
  summary: 'a parent alone again stores to large folios that page-table entries map',
  params: {
    areas: int(8, 1, 1024, 'heap size, in areas of 2 MiB'),
    rounds: int(16, 1, 10_000, 'times that a process is started, forks and is left alone'),
    order: int(9, 0, 9, 'folio order of the heap; only order 9 needs splitting'),
    split: choice(
      'mprotect',
      ['mprotect', 'munmap', 'dontneed', 'mremap'],
      'what splits the mapping: the last page made read-only for a moment, unmapped or dropped; or the upper half moved',
    ),
    third: flag(false, 'two children; parent and first child exit, the second child stores'),
    pinned: int(0, 0, 100, 'percent of the 2 MiB areas of which the parent has one page pinned'),
  },
  needs: (p) => [p.order > 0 && 'thp'],

  generate(t, rng, p) {
    const space = new AddressSpace()
    const heap = space.area(HPAGE_PMD_NR * p.areas)
    const moved = space.area(HPAGE_PMD_NR * p.areas)

    for (let round = 0; round < p.rounds; round++) {
      const parent = t.spawn()
      t.mmap(parent, heap, HPAGE_PMD_NR * p.areas, MAP_PRIVATE_ANON, PROT_RW, p.order)
      storeAll(t, parent, heap, HPAGE_PMD_NR * p.areas)

      // What is mapped after the split, as (first page, pages).
      const runs: [number, number][] = []
      for (let area = 0; area < p.areas; area++) {
        const vpn = heap + HPAGE_PMD_NR * area
        const to = moved + HPAGE_PMD_NR * area
        runs.push([vpn, p.split === 'mremap' ? HALF : p.split === 'munmap' ? LAST : HPAGE_PMD_NR])
        if (p.split === 'mprotect') {
          t.mprotect(parent, vpn + LAST, 1, PROT_READ)
          t.mprotect(parent, vpn + LAST, 1, PROT_RW)
        } else if (p.split === 'munmap') {
          t.munmap(parent, vpn + LAST, 1)
        } else if (p.split === 'dontneed') {
          t.madvise(parent, vpn + LAST, 1, MADV_DONTNEED)
        } else {
          t.mremap(parent, vpn + HALF, HALF, to)
          runs.push([to, HALF])
        }
      }
      const buffers = Array.from({ length: p.areas }, (_, area) => heap + HPAGE_PMD_NR * area)
        .filter(() => rng.chance(p.pinned))
        .map((vpn) => pinBuffer(t, parent, vpn + rng.below(HALF), 1, PIN_IOURING))

      const first = t.fork(parent)
      const second = p.third ? t.fork(parent) : -1
      for (const [vpn, pages] of runs) loadAll(t, first, vpn, pages)
      for (const buffer of buffers) exchange(t, parent, buffer)
      t.exit(first)
      if (p.third) t.exit(parent)

      const left = p.third ? second : parent
      for (const [vpn, pages] of runs) storeAll(t, left, vpn, pages)
      for (const [vpn, pages] of runs) loadAll(t, left, vpn, pages)
      if (!p.third) for (const { pin } of buffers) t.unpin(parent, pin)
      t.exit(left)
    }
  },
})
