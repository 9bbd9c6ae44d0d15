/**
 * checkpoint: write-protect a heap that never stopped belonging to one process, then write to it.
 *
 * Models  A tracking pass: mprotect() down and up again, a soft-dirty pass (clear_refs, as CRIU's pre-dump does), or
 *         userfaultfd write-protection. selftests/mm/cow.c: "R/O-mapping a page registered as iouring fixed buffer".
 * Asks    Nothing is ever shared, so every copy is spurious. On a pinned page it is also wrong: the device keeps the
 *         old page, and what it writes there never reaches the process.
 * Expect  mapcount, reuse-swap-page and anon-exclusive copy nothing. page-count and page-count-refined copy each pinned
 *         page at its first store after mprotect or userfaultfd and lose coherence with the device for good;
 *         clear_refs spares pinned pages from 5.11 on. page-count also copies the last pages that were filled before
 *         the first pass: they wait in the LRU batch.
 */
import {
  AddressSpace,
  choice,
  defineWorkload,
  exchange,
  int,
  MAP_PRIVATE_ANON,
  PIN_IOURING,
  PROT_READ,
  PROT_RW,
  pinSome,
  storeAll,
} from '../src/workload/api.ts'

export default defineWorkload({
  name: 'checkpoint',
  summary: 'a heap of one process is write-protected again and again, parts of it pinned',
  params: {
    pages: int(4096, 1, 1 << 20, 'heap size, in pages'),
    passes: int(16, 1, 1 << 10, 'write-protect passes'),
    stores: int(8192, 0, 1 << 24, 'stores after each pass'),
    method: choice('mprotect', ['mprotect', 'clear-refs', 'uffd-wp'], 'what write-protects'),
    theta: int(60, 0, 300, 'skew of the stores: zipf exponent in hundredths'),
    order: int(0, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
    pinned: int(5, 0, 100, 'percent of the heap registered as io_uring buffers'),
  },
  needs: (p) => [
    p.order > 0 && 'thp',
    p.method === 'clear-refs' && 'soft-dirty',
    p.method === 'uffd-wp' && 'uffd-wp',
  ],

  generate(t, rng, p) {
    const heap = new AddressSpace().area(p.pages)
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))

    const mm = t.spawn()
    t.mmap(mm, heap, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, mm, heap, p.pages)
    const buffers = pinSome(t, rng, mm, heap, p.pages, p.pinned, PIN_IOURING)

    for (let pass = 0; pass < p.passes; pass++) {
      switch (p.method) {
        case 'mprotect':
          t.mprotect(mm, heap, p.pages, PROT_READ)
          t.mprotect(mm, heap, p.pages, PROT_RW)
          break
        case 'clear-refs':
          t.clearRefs(mm, 4)
          break
        case 'uffd-wp':
          t.uffdWp(mm, heap, p.pages, true)
          t.uffdWp(mm, heap, p.pages, false)
          break
      }
      for (let i = 0; i < p.stores; i++) t.store(mm, heap + heat.next())
      for (const buffer of buffers) exchange(t, mm, buffer)
    }

    for (const { pin } of buffers) t.unpin(mm, pin)
    t.exit(mm)
  },
})
