/**
 * cow-table-fork: a large image forked over and over for children that touch a small part of it.
 *
 * Models  AFL's fork server: the target is loaded and initialised once, each input runs in a fork of it, which reads
 *         and writes in a few places and exits; the server itself writes one line of bookkeeping per run.
 * Asks    The case that shared page tables were proposed for (on-demand-fork 2021, COW PTE 2022 and 2023): how much of
 *         the fork do they save, and how much is spent on copying the tables of the few areas that are touched?
 * Expect  Everybody makes the same copies of pages, all needed, always-copy too: nobody is ever alone with a page again
 *         that it stores to. Those that share tables copy only the few that a child or the server stores to, and need
 *         half the memory for tables. on-demand-fork and cow-pte-owner save most of the fork; cow-pte-accounted saves
 *         little of it, as its authors and its measurements said, because accounting each page is most of a fork.
 */
import {
  AddressSpace,
  defineWorkload,
  HPAGE_PMD_NR,
  int,
  MAP_PRIVATE_ANON,
  PROT_RW,
  storeAll,
} from '../src/workload/api.ts'

const BOOKKEEPING = 8

export default defineWorkload({
  name: 'cow-table-fork',
  summary: 'AFL fork server: a large image forked for children that touch little of it',
  params: {
    areas: int(512, 1, 4096, 'image size, in areas of 2 MiB'),
    runs: int(24, 1, 1 << 20, 'children, one after the other'),
    touched: int(4, 1, 4096, 'areas that a child accesses, at most all; the same in every run'),
    loads: int(500, 0, 1 << 24, 'loads of a child'),
    stores: int(200, 0, 1 << 24, 'stores of a child'),
    theta: int(90, 0, 300, 'skew of the accesses: zipf exponent in hundredths'),
    order: int(0, 0, 9, 'folio order of the image: 0 is 4 KiB, 9 is 2 MiB'),
  },
  needs: (p) => [p.order > 0 && 'thp'],

  generate(t, rng, p) {
    const space = new AddressSpace()
    const image = space.area(HPAGE_PMD_NR * p.areas)
    const notes = space.area(BOOKKEEPING)

    const server = t.spawn()
    t.mmap(server, image, HPAGE_PMD_NR * p.areas, MAP_PRIVATE_ANON, PROT_RW, p.order)
    t.mmap(server, notes, BOOKKEEPING, MAP_PRIVATE_ANON, PROT_RW)
    storeAll(t, server, image, HPAGE_PMD_NR * p.areas)

    const areas = rng.permutation(p.areas).subarray(0, Math.min(p.touched, p.areas))
    const pages = HPAGE_PMD_NR * areas.length
    const heat = rng.zipf(pages, p.theta, rng.permutation(pages))
    const anyPage = (): number => {
      const page = heat.next()
      return image + HPAGE_PMD_NR * areas[Math.floor(page / HPAGE_PMD_NR)]! + (page % HPAGE_PMD_NR)
    }

    for (let run = 0; run < p.runs; run++) {
      const child = t.fork(server)
      let loads = p.loads
      for (let left = p.loads + p.stores; left > 0; left--)
        if (rng.below(left) < loads) {
          t.load(child, anyPage())
          loads--
        } else t.store(child, anyPage())
      t.store(server, notes + (run % BOOKKEEPING))
      t.exit(child)
    }
    t.exit(server)
  },
})
