/**
 * uffd-snapshot: a live snapshot by write protection, while khugepaged looks for pages to collapse.
 *
 * Models  A virtual machine's background snapshot: guest memory is write-protected whole, the guest goes on storing, the
 *         manager saves each page at its first store and un-protects it, and a saver does the same page after page. In
 *         between khugepaged scans. When all is saved the registration is taken back, and khugepaged scans once more.
 * Thread  "[PATCH] mm/khugepaged: Detecting uffd-wp vma more efficiently", Peter Xu, September 2021 (seed 001).
 * Asks    A collapse makes one writable entry of 512: whose protection, and whose events, are lost? `check` is how
 *         khugepaged finds out: by each entry (pte, the kernel since 5.7), by the area (vma, the patch), not at all
 *         (none). How many entries does it look at in vain, and which collapses does it forgo? For shared memory the
 *         protection survives as markers, if `retract` leaves the page tables of protected areas (kernel, 5.19), and is
 *         lost if it takes them all.
 * Expect  By pte and by vma no event is lost and none is extra: one for each page that is stored to before it is saved.
 *         By vma nothing is looked at in vain while the area is registered, but it stays small until the end; by pte what
 *         was saved is collapsed during the snapshot. By none events are lost. Shared memory: none lost, and all 2 MiB
 *         collapsed at the first scan, with `retract` kernel; lost with all.
 */
import {
  AddressSpace,
  CHECK_NONE,
  CHECK_PTE,
  CHECK_VMA,
  choice,
  defineWorkload,
  flag,
  HPAGE_PMD_ORDER,
  int,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_PRIVATE_ANON,
  MAP_SHARED,
  PROT_RW,
  RETRACT_ALL,
  RETRACT_KERNEL,
  SET_RETRACT,
  SET_UFFD_WP_CHECK,
  storeAll,
  UFFD_WP,
} from '../src/workload/api.ts'

const CHECKS = { pte: CHECK_PTE, vma: CHECK_VMA, none: CHECK_NONE } as const
const RULES = { kernel: RETRACT_KERNEL, all: RETRACT_ALL } as const

export default defineWorkload({
  name: 'uffd-snapshot',
  summary: 'memory is saved under userfaultfd write protection while khugepaged collapses it',
  params: {
    pages: int(16_384, 512, 1 << 20, 'guest memory, in pages'),
    snapshots: int(3, 1, 1000, 'snapshots, one after the other'),
    stores: int(32_768, 0, 1 << 24, 'stores during each snapshot'),
    theta: int(60, 0, 300, 'skew of the stores: zipf exponent in hundredths'),
    scans: int(8, 0, 1000, 'scans of khugepaged during each snapshot'),
    after: flag(true, 'khugepaged also scans when the snapshot is over'),
    memory: choice('anon', ['anon', 'shmem'], 'private or shared memory'),
    check: choice('pte', ['pte', 'vma', 'none'], 'how khugepaged finds write protection'),
    retract: choice('kernel', ['kernel', 'all'], 'whose page tables a collapse takes away'),
  },
  needs: (p) => ['thp', p.memory === 'anon' ? 'uffd-wp' : 'uffd-wp-shmem'],

  generate(t, rng, p) {
    const memory = new AddressSpace().area(p.pages)
    const heat = rng.zipf(p.pages, p.theta, rng.permutation(p.pages))
    const kind = p.memory === 'anon' ? MAP_PRIVATE_ANON : MAP_SHARED
    t.set(SET_UFFD_WP_CHECK, CHECKS[p.check])
    t.set(SET_RETRACT, RULES[p.retract])

    // The guest came up on small pages; what is huge later, khugepaged has made so.
    const mm = t.spawn()
    t.mmap(mm, memory, p.pages, kind, PROT_RW, HPAGE_PMD_ORDER)
    t.madvise(mm, memory, p.pages, MADV_NOHUGEPAGE)
    storeAll(t, mm, memory, p.pages)
    t.madvise(mm, memory, p.pages, MADV_HUGEPAGE)

    for (let snapshot = 0; snapshot < p.snapshots; snapshot++) {
      t.uffdRegister(mm, memory, p.pages, UFFD_WP)
      t.uffdWp(mm, memory, p.pages, true)
      let saved = 0
      let stored = 0
      for (let scan = 1; scan <= p.scans + 1; scan++) {
        for (; stored < (p.stores * scan) / (p.scans + 1); stored++)
          t.store(mm, memory + heat.next())
        const next = Math.floor((p.pages * scan) / (p.scans + 1))
        if (next > saved) t.uffdWp(mm, memory + saved, next - saved, false)
        saved = next
        if (scan <= p.scans) t.khugepaged(mm, memory, p.pages)
      }
      t.uffdRegister(mm, memory, p.pages, 0)
      storeAll(t, mm, memory, p.pages)
      if (p.after) t.khugepaged(mm, memory, p.pages)
    }
    t.exit(mm)
  },
})
