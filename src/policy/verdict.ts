/**
 * Verdicts: what a policy answers, as small integers that carry the reason; labels for reports and `explain`.
 *
 * Everything below COPY is a reuse, everything from COPY on a copy, so that `verdict < COPY` is the only test needed.
 */

/** A reuse; the next ones say by which test. */
export const REUSE = 0
/** PG_anon_exclusive is set (5.19). */
export const REUSE_EXCLUSIVE = 1
/** A large folio that one mm maps, and nobody else refers to (6.15). */
export const REUSE_LARGE = 2
/** Reuse, and the swapcache's copy is given up by the test itself, as reuse_swap_page() did. */
export const REUSE_FREE_SWAP = 3

/** A copy; the next ones say what stood in the way. */
export const COPY = 8
/** KSM merged the page, whoever is left of those that had it. */
export const COPY_KSM = 9
/** Another page-table or swap entry shows the page. */
export const COPY_MAPPED = 10
/** page_count() says that somebody else holds a reference. */
export const COPY_REFERENCED = 11
/** Only the page's place in this CPU's LRU batch is in the way: a policy with drainsLruBatch is asked again. */
export const COPY_LRU_BATCH = 12
/** Only the swapcache is in the way: a policy with freesSwapCache is asked again. */
export const COPY_SWAPCACHE = 13
/** Pages of large folios are not taken over one by one. */
export const COPY_LARGE = 14
/** A large folio that several mms map, or may. */
export const COPY_SHARED_MM = 15
/** Not anonymous (page cache, zero page): nothing to reuse. The mechanism's own answer. */
export const COPY_NOT_ANON = 16
/** Nothing in the way, but somebody else holds the page lock. The mechanism's answer for a policy with triesPageLock. */
export const COPY_LOCKED = 17

/** By verdict: why, in words. */
export const VERDICT_LABELS: readonly string[] = [
  'reuse',
  'reuse: exclusive',
  'reuse: large folio, one owner',
  'reuse: swapcache given up',
  '',
  '',
  '',
  '',
  'copy',
  'copy: KSM page',
  'copy: mapped elsewhere',
  'copy: referenced elsewhere',
  'copy: in an LRU batch',
  'copy: in the swapcache',
  'copy: part of a large folio',
  'copy: large folio of several mms',
  'copy: not anonymous memory',
  'copy: page locked',
]

/** Where the mechanism asked: a store hit a read-only page-table entry. */
export const SITE_WP = 0
/** A store hit a read-only huge mapping. */
export const SITE_WP_HUGE = 1
/** A page has come back from swap. */
export const SITE_SWAPIN = 2
/** copy_present_pte(), about a page that may be pinned. */
export const SITE_FORK = 3
/** A pin that may not take the page as it is. */
export const SITE_UNSHARE = 4
/** A store below a page table that fork has shared. */
export const SITE_TABLE = 5

/** By SITE_*: the kernel function. */
export const SITE_LABELS: readonly string[] = [
  'do_wp_page',
  'do_huge_pmd_wp_page',
  'do_swap_page',
  'fork',
  'unshare',
  'page table',
]
