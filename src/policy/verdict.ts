/**
 * Verdicts: what a policy answers, as small integers that carry the reason; labels for reports and `explain`.
 *
 * Everything below COPY is a reuse, everything from COPY on a copy, so that `verdict < COPY` is the only test needed.
 */

/** Reuse, by the test that allowed it. */
export const REUSE = 0
export const REUSE_EXCLUSIVE = 1
export const REUSE_LARGE = 2
/** Reuse, and the swapcache's copy is given up by the test itself, as reuse_swap_page() did. */
export const REUSE_FREE_SWAP = 3

/** Copies, by what stood in the way. */
export const COPY = 8
export const COPY_KSM = 9
export const COPY_MAPPED = 10
export const COPY_REFERENCED = 11
/** Only the page's place in this CPU's LRU batch is in the way: a policy with drainsLruBatch is asked again. */
export const COPY_LRU_BATCH = 12
/** Only the swapcache is in the way: a policy with freesSwapCache is asked again. */
export const COPY_SWAPCACHE = 13
export const COPY_LARGE = 14
export const COPY_SHARED_MM = 15
/** Not anonymous (page cache, zero page): nothing to reuse. The mechanism's own answer. */
export const COPY_NOT_ANON = 16
/** Nothing in the way, but somebody else holds the page lock. The mechanism's answer for a policy with triesPageLock. */
export const COPY_LOCKED = 17

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

/** Where the mechanism asked. */
export const SITE_WP = 0
export const SITE_WP_HUGE = 1
export const SITE_SWAPIN = 2
export const SITE_FORK = 3
export const SITE_UNSHARE = 4
export const SITE_TABLE = 5

export const SITE_LABELS: readonly string[] = [
  'do_wp_page',
  'do_huge_pmd_wp_page',
  'do_swap_page',
  'fork',
  'unshare',
  'page table',
]
