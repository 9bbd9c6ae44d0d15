/**
 * page-count-refined: the sole reference, after the batch was drained and the swapcache given up; on all paths.
 *
 * Era     v5.18
 * Commit  53a05ad9f21d, d4c470970d45, c145e0b47c77, 363106c4cefe, 03104c2c5db8 ("COW fixes part 1"), David Hildenbrand
 * Before  page-count: a page just swapped in, or still in this CPU's batch, was copied for nothing; a huge page still
 *         leaked through a pipe because its fault asked mapcount.
 * Costs   Pins still look like sharers, now for huge pages too: a pinned huge page that 5.17 kept coherent across
 *         mprotect is split and lost, and a store to a page that was swapped out under a reference always copies.
 * Omits   -
 */
import {
  BEFORE_SWAPCACHE,
  COPY_KSM,
  COPY_LRU_BATCH,
  COPY_REFERENCED,
  COPY_SWAPCACHE,
  definePolicy,
  folioPages,
  type Kernel,
  pageCount,
  pageInLruBatch,
  pageKsm,
  pageMaybeDmaPinned,
  pageNeedsCowForDma,
  pageSwapCache,
  pageUnderStableWriteback,
  REUSE,
  swapExclusive,
} from '../src/policy/api.ts'

/** More references than a mapping, the swapcache and the batch can explain. */
const MOST_EXPLAINED = 3

/** do_wp_page() since 5.18, after any look at PageAnonExclusive. */
export function soleReference(k: Kernel, pfn: number): number {
  if (pageKsm(k, pfn)) return COPY_KSM
  const count = pageCount(k, pfn)
  if (count > MOST_EXPLAINED) return COPY_REFERENCED
  if (pageInLruBatch(k, pfn)) return COPY_LRU_BATCH
  const cached = pageSwapCache(k, pfn)
  if (count > 1 + (cached ? 1 : 0)) return COPY_REFERENCED
  if (cached) return COPY_SWAPCACHE
  return count === 1 ? REUSE : COPY_REFERENCED
}

/** do_huge_pmd_wp_page() since 5.18. */
export function soleHugeReference(k: Kernel, head: number): number {
  const cached = pageSwapCache(k, head)
  if (pageCount(k, head) > 1 + (cached ? folioPages(k, head) : 0)) return COPY_REFERENCED
  return cached ? COPY_SWAPCACHE : REUSE
}

/** do_swap_page() since 5.18: never where another process could find it, or nobody else refers to it. */
export function soleAtSwapin(k: Kernel, pfn: number): number {
  if (pageKsm(k, pfn)) return COPY_KSM
  if (pageUnderStableWriteback(k, pfn)) return COPY_SWAPCACHE
  return swapExclusive(k) || pageCount(k, pfn) === 0 ? REUSE : COPY_REFERENCED
}

/** shrink_folio_list(): pinned pages never enter the swapcache. */
export function keepsPinned(k: Kernel, pfn: number, stage: number): boolean {
  return stage === BEFORE_SWAPCACHE && pageMaybeDmaPinned(k, pfn)
}

export default definePolicy({
  name: 'page-count-refined',
  summary: 'LRU drain, swapcache freed first, page_count on all paths',
  era: 'v5.18',
  kernel: '5.18',
  hooks: () => ({
    drainsLruBatch: true,
    freesSwapCache: true,
    triesPageLock: true,
    writeProtectSeq: true,
    wpReuse: soleReference,
    pmdReuse: soleHugeReference,
    swapinReuse: soleAtSwapin,
    forkCopies: pageNeedsCowForDma,
    reclaimRefuses: keepsPinned,
    clearRefsSkips: pageNeedsCowForDma,
  }),
})
