/**
 * steps: the micro-steps that an operation can be taken through one by one (OP_BEGIN, OP_STEP), so that a race is an
 * order of events and not a thread. Each is atomic, and named after what the kernel does in it.
 *
 *   fork      begin, then for each page table: table | pmd | (test, share) per entry; end
 *   pin       read, grab, recheck, exclusive, end (get_user_pages_fast); slow (get_user_pages)
 *   store     test, copy, recheck, store (do_wp_page; any other fault is taken whole)
 *   swapout   isolate, swapcache, (lock, clear, retest) per mapping, free (shrink_folio_list)
 */

/** Not a step, but how far OP_STEP goes: one step. */
export const STEP_NEXT = 0
/** All the steps that are left. */
export const STEP_ALL = 1

/** fork: write_protect_seq becomes odd. Nothing is copied yet. */
export const STEP_BEGIN = 2
/** fork: the page table is shared, where the policy does that. */
export const STEP_TABLE = 3
/** fork: copy_huge_pmd(). */
export const STEP_PMD = 4
/** fork, under the page-table lock: may the page be pinned? do_wp_page(), likewise: may it be reused? */
export const STEP_TEST = 5
/** fork: the entry is write-protected on both sides, or the child gets a copy, as the test said. */
export const STEP_SHARE = 6
/** fork: write_protect_seq becomes even. GUP-fast: has a fork come between? */
export const STEP_END = 7
/** GUP-fast: the entry, without any lock. */
export const STEP_READ = 8
/** GUP-fast: the reference. */
export const STEP_GRAB = 9
/** GUP-fast: the entry must not have changed. do_wp_page(): likewise, under the lock again; then the copy is mapped. */
export const STEP_RECHECK = 10
/** GUP-fast, for FOLL_PIN through a read-only entry: gup_must_unshare(). */
export const STEP_EXCLUSIVE = 11
/** get_user_pages() with mmap_lock: whole, faults included. */
export const STEP_SLOW = 12
/** do_wp_page(): the bytes, without the page-table lock. */
export const STEP_COPY = 13
/** The store instruction, once more. */
export const STEP_STORE = 14
/** Reclaim: page lock and isolation; may the page be pinned? */
export const STEP_ISOLATE = 15
/** Reclaim: add_to_swap(). */
export const STEP_SWAPCACHE = 16
/** Reclaim: page-table lock; what 2009 tested before it unmapped. */
export const STEP_LOCK = 17
/** Reclaim: ptep_clear_flush(). */
export const STEP_CLEAR = 18
/** Reclaim: what 5.19 tests now; the swap entry, or the old entry back. */
export const STEP_RETEST = 19
/** Reclaim: __remove_mapping(). */
export const STEP_FREE = 20

/** By STEP_*: the word for it, as litmus tests have it. */
export const STEP_LABELS: readonly string[] = [
  'next',
  'all',
  'begin',
  'table',
  'pmd',
  'test',
  'share',
  'end',
  'read',
  'grab',
  'recheck',
  'exclusive',
  'slow',
  'copy',
  'store',
  'isolate',
  'swapcache',
  'lock',
  'clear',
  'retest',
  'free',
]
