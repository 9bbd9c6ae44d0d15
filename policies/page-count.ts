/**
 * page-count: write in place only while our entry holds the sole reference to the page, of any kind.
 *
 * Era     v5.9 to v5.17
 * Commit  09854ba94c6a ("mm: do_wp_page() simplification"), Linus Torvalds, August 2020
 * Before  reuse-swap-page counted mappings and swap slots but not references, so the parent could write in place to a
 *         page that its child had vmspliced and unmapped, and the child saw it.
 * Costs   A reference does not say who holds it. The swapcache, an LRU batch and our own O_DIRECT buffer all look like
 *         sharers. Each turns a reuse into a copy; under our own pin, the copy leaves the device writing to a page that
 *         we no longer map.
 * Omits   -
 */
import {
  BEFORE_SWAPCACHE,
  COPY_KSM,
  COPY_REFERENCED,
  definePolicy,
  flag,
  pageCount,
  pageKsm,
  pageMaybeDmaPinned,
  pageNeedsCowForDma,
  pageSwapCache,
  REUSE,
} from '../src/policy/api.ts'
import { reuseSwapPage } from './reuse-swap-page.ts'

export default definePolicy({
  name: 'page-count',
  summary: 'page_count == 1 on the PTE fault; mapcount elsewhere; pinned pages copied at fork',
  era: 'v5.9-v5.17',
  kernel: '5.15',
  params: {
    reclaimPin: flag(true, 'reclaim keeps pinned pages out of the swapcache (feb889fb40fa, 5.11)'),
    clearRefsPin: flag(true, 'clear_refs spares pinned pages (9348b73c2e1b, 5.11)'),
    writeProtectSeq: flag(true, 'GUP-fast gives up beside a fork (57efa1fe5957, 5.11)'),
  },
  hooks: (p) => ({
    triesPageLock: true,
    writeProtectSeq: p.writeProtectSeq,
    wpReuse(k, pfn) {
      // KSM can share a page without raising its refcount, so the count alone would not see it.
      if (pageKsm(k, pfn)) return COPY_KSM
      return pageCount(k, pfn) === 1 ? REUSE : COPY_REFERENCED
    },

    // Until 5.18 only the PTE fault counted references; swap-in for write and huge pages still asked mapcount.
    swapinReuse: reuseSwapPage,
    pmdReuse: reuseSwapPage,

    // 70e806e4e645: a page shared at fork would be copied at the next write, away from its pin.
    forkCopies: pageNeedsCowForDma,
    reclaimRefuses: (k, pfn, stage) =>
      p.reclaimPin &&
      stage === BEFORE_SWAPCACHE &&
      !pageSwapCache(k, pfn) &&
      pageMaybeDmaPinned(k, pfn),
    clearRefsSkips: (k, pfn) => p.clearRefsPin && pageNeedsCowForDma(k, pfn),
  }),
})
