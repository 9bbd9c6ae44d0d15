/**
 * vmsplice-child: a reference without a mapping, held by the process that must not see what comes next.
 *
 * Models  CVE-2020-29374: after fork the child vmsplices its memory into a pipe and unmaps it; the parent stores; the
 *         child reads the pipe. taken=before-fork: the parent does so before it forks, and the child stores.
 * Asks    The child is a user of the page that no mapping shows. Does the policy see it?
 * Expect  With 4 KiB pages and no swap mapcount and reuse-swap-page leak every page into the pipe, and no other policy
 *         that copies page tables does (I-01 of workloads/litmus/failures). With order=9 page-count leaks as well
 *         (I-02: huge pages still went by mapcount in 5.9 to 5.17), and with swap=yes too (I-03: so did swap-in for a
 *         store). With taken=before-fork forced-gup-break leaks like reuse-swap-page (I-04): it breaks COW only for
 *         references that are taken later.
 */
import {
  AddressSpace,
  type Buffer,
  choice,
  defineWorkload,
  flag,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  PIN_VMSPLICE,
  PROT_RW,
  pinBuffer,
  storeAll,
} from '../src/workload/api.ts'

/** Pages that a pipe holds, unless someone asks for more: PIPE_DEF_BUFFERS. */
const PIPE = 16

export default defineWorkload({
  name: 'vmsplice-child',
  summary: 'CVE-2020-29374: a child reads unmapped pages from a pipe after its parent stored',
  params: {
    pages: int(512, 1, 1 << 20, 'pages that are shared and spliced in a round'),
    rounds: int(64, 1, 1 << 16, 'times that parent and child do so'),
    taken: choice(
      'after-fork',
      ['after-fork', 'before-fork'],
      'who splices: the child after fork, or the parent before it',
    ),
    order: int(0, 0, 9, 'folio order of the memory: 0 is 4 KiB, 9 is 2 MiB'),
    swap: flag(false, 'the pages are swapped out from both processes before they are spliced'),
  },
  needs: (p) => [p.order > 0 && 'thp', p.swap && 'swap'],

  generate(t, _rng, p) {
    const area = new AddressSpace().area(p.pages)
    const parent = t.spawn()

    const splice = (mm: number): Buffer[] => {
      if (p.swap) {
        t.swapout(mm, area, p.pages)
        loadAll(t, mm, area, p.pages)
      }
      const pipes = []
      for (let i = 0; i < p.pages; i += PIPE)
        pipes.push(pinBuffer(t, mm, area + i, Math.min(PIPE, p.pages - i), PIN_VMSPLICE))
      return pipes
    }

    for (let round = 0; round < p.rounds; round++) {
      t.mmap(parent, area, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
      storeAll(t, parent, area, p.pages)

      const early = p.taken === 'before-fork' ? splice(parent) : undefined
      const child = t.fork(parent)
      const pipes = early ?? splice(child)
      const [holder, writer] = early ? [parent, child] : [child, parent]

      t.munmap(holder, area, p.pages)
      // The writer looks at what it is about to overwrite: a page that got lost on the way shows. From swap it must be
      // the store that brings the page back (I-03).
      if (!p.swap) loadAll(t, writer, area, p.pages)
      storeAll(t, writer, area, p.pages)
      for (const { pin, pages } of pipes) for (let i = 0; i < pages; i++) t.devread(holder, pin, i)
      for (const { pin } of pipes) t.unpin(holder, pin)
      loadAll(t, writer, area, p.pages)

      t.exit(child)
      if (!early) t.munmap(parent, area, p.pages)
    }
    t.exit(parent)
  },
})
