/**
 * direct-io: a device uses a buffer while something write-protects, swaps out or shares the memory under it.
 *
 * Models  O_DIRECT reads of less than a page, io_uring registered buffers, RDMA memory regions and read-only
 *         registrations, in flight across fork, reclaim, mprotect(), a soft-dirty pass or userfaultfd
 *         write-protection. Then the owner stores and the device must read it, the device stores and the owner must
 *         load it. O_DIRECT is not in flight across fork unless `kind` asks for it: open(2) forbids it.
 * Asks    Does the next store of the owner still go to the page that the device uses?
 * Expect  page-count and page-count-refined lose coherence wherever something took the write bit from a referenced
 *         page: mprotect and userfaultfd for every kind of pin (I-13, I-14 of workloads/litmus/failures), clear_refs
 *         (I-09) and swap-out (I-11; when the first access is a store, I-10, only page-count-refined) for O_DIRECT up
 *         to 6.4, since reclaim and clear_refs spare FOLL_PIN. mapcount and reuse-swap-page lose it where fork is
 *         involved (I-06, I-07, I-18) and nowhere else. anon-exclusive and later lose nothing but O_DIRECT across fork
 *         before 6.5.
 */
import {
  AddressSpace,
  choice,
  defineWorkload,
  exchange,
  int,
  loadAll,
  MAP_PRIVATE_ANON,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PROT_READ,
  PROT_RW,
  pinBuffer,
  storeAll,
} from '../src/workload/api.ts'

const KINDS = {
  odirect: PIN_ODIRECT,
  iouring: PIN_IOURING,
  dmapin: PIN_DMAPIN,
  ropin: PIN_ROPIN,
} as const
const ALL_KINDS = [PIN_ODIRECT, PIN_IOURING, PIN_DMAPIN, PIN_ROPIN]
/** Kinds that promise coherence across fork. */
const FOLL_PIN_KINDS = [PIN_IOURING, PIN_DMAPIN, PIN_ROPIN]
const WITHOUT_FORK = ['none', 'swap', 'mprotect'] as const

export default defineWorkload({
  name: 'direct-io',
  summary: 'buffers that a device uses across fork, swap-out and mprotect',
  params: {
    pages: int(1024, 64, 1 << 20, 'heap size, in pages'),
    requests: int(6000, 1, 1 << 24, 'I/O requests, one after the other'),
    io: int(4, 1, 64, 'pages of one request'),
    kind: choice(
      'mixed',
      ['odirect', 'iouring', 'dmapin', 'ropin', 'mixed'],
      'how the buffer is referenced',
    ),
    during: choice(
      'mixed',
      ['none', 'fork', 'swap', 'mprotect', 'clear-refs', 'uffd-wp', 'mixed'],
      'what happens while the request is in flight; mixed: none, swap, mprotect and, in 1 of 16, fork',
    ),
    order: int(0, 0, 9, 'folio order of the heap: 0 is 4 KiB, 9 is 2 MiB'),
  },
  needs: (p) => [
    p.order > 0 && 'thp',
    (p.during === 'swap' || p.during === 'mixed') && 'swap',
    p.during === 'clear-refs' && 'soft-dirty',
    p.during === 'uffd-wp' && 'uffd-wp',
  ],

  generate(t, rng, p) {
    const heap = new AddressSpace().area(p.pages)
    const slots = Math.floor(p.pages / p.io)

    const owner = t.spawn()
    t.mmap(owner, heap, p.pages, MAP_PRIVATE_ANON, PROT_RW, p.order)
    storeAll(t, owner, heap, p.pages)

    for (let request = 0; request < p.requests; request++) {
      const during =
        p.during !== 'mixed' ? p.during : rng.below(16) === 0 ? 'fork' : rng.pick(WITHOUT_FORK)
      const kinds = during === 'fork' ? FOLL_PIN_KINDS : ALL_KINDS
      const kind = p.kind === 'mixed' ? rng.pick(kinds) : KINDS[p.kind]
      const vpn = heap + p.io * rng.below(slots)

      // A pin that is taken beside a child must get its own page; one that is older must keep it.
      const shared = during === 'fork' && rng.chance(50) ? t.fork(owner) : undefined
      const buffer = pinBuffer(t, owner, vpn, p.io, kind)
      const child = during === 'fork' && shared === undefined ? t.fork(owner) : shared

      switch (during) {
        case 'swap':
          t.swapout(owner, vpn, p.io)
          if (rng.chance(50)) loadAll(t, owner, vpn, p.io)
          break
        case 'mprotect':
          t.mprotect(owner, vpn, p.io, PROT_READ)
          t.mprotect(owner, vpn, p.io, PROT_RW)
          break
        case 'clear-refs':
          t.clearRefs(owner, 4)
          break
        case 'uffd-wp':
          t.uffdWp(owner, vpn, p.io, true)
          t.uffdWp(owner, vpn, p.io, false)
          break
      }

      exchange(t, owner, buffer)
      if (child !== undefined) {
        loadAll(t, child, vpn, p.io)
        t.exit(child)
      }
      t.unpin(owner, buffer.pin)
      loadAll(t, owner, vpn, p.io)
    }

    t.exit(owner)
  },
})
