/**
 * my-rule: write in place while the page is known to be exclusive, or few enough references to it exist.
 *
 * Idea    Say in a sentence or two what the kernel should know before it spares itself a copy.
 * Costs   Say what that copies without need, and what it could get wrong.
 *
 * A policy is a set of answers: pure functions, numbers in, a small number out. It never acts; the mechanism asks, an
 * independent oracle judges. To run it:
 *
 *   cowbench run --policy ./my-rule.ts,mm-id --workload vmsplice-child --sweep references=1,2
 *   cowbench litmus --policy ./my-rule.ts
 */
import {
  COPY_KSM,
  COPY_MAPPED,
  COPY_REFERENCED,
  definePolicy,
  hooksOf,
  int,
  mapAndSwapCount,
  pageAnonExclusive,
  pageCount,
  pageKsm,
  REUSE,
  REUSE_EXCLUSIVE,
} from 'cowbench'

export default definePolicy({
  name: 'my-rule',
  // The version of the questions that this file answers.
  api: 1,
  // For lists and tables.
  summary: 'PageAnonExclusive, and a few references are nobody',
  era: 'an idea',
  // How the rest of the kernel behaves: 5.6, 5.7, 5.8, 5.15, 5.18, 5.19, 6.1, 6.12, 6.18 (cowbench list kernels, column era).
  kernel: '6.18',
  // What it has no rule for: a workload that needs it is skipped. Of 'collapse', 'ksm', 'soft-dirty', 'swap', 'thp',
  // 'uffd-minor', 'uffd-wp', 'uffd-wp-shmem'.
  lacks: [],

  // Each is --param NAME=VALUE and --sweep NAME=..., a line of `cowbench list params`, and part of every row.
  // Beside int(default, min, max, what) there are choice(default, [values], what) and flag(default, what).
  params: {
    references: int(1, 1, 16, 'take a page back up to this page_count'),
  },

  // Called once per run, with the parameters. `k` stands for the kernel: nothing in it to read or change, but every
  // predicate takes it: pageCount(k, pfn), pageMapcount, pageAnonExclusive, pageSwapCache, folioMmIdsShared...
  hooks: (p) => ({
    // Everything that is not said below is as that policy has it. Leave the line out to start from nothing.
    ...hooksOf('anon-exclusive'),

    // do_wp_page(): a store hit a present, read-only page. The one question that has no default. The verdict says why:
    // REUSE, REUSE_EXCLUSIVE, REUSE_FREE_SWAP..., COPY, COPY_KSM, COPY_MAPPED, COPY_REFERENCED...
    wpReuse(k, pfn) {
      if (pageAnonExclusive(k, pfn)) return REUSE_EXCLUSIVE
      // KSM can share a page without raising its reference count.
      if (pageKsm(k, pfn)) return COPY_KSM
      if (mapAndSwapCount(k, pfn) > 1) return COPY_MAPPED
      return pageCount(k, pfn) <= p.references ? REUSE : COPY_REFERENCED
    },

    // More questions, with what is answered without hooksOf() where you leave them out:
    //   forkCopies(k, pfn)                 must the child get a copy at once, as of a pinned page: no
    //   wpReuseLarge(k, pfn)               the same for a page of a large folio: wpReuse
    //   pmdReuse(k, head)                  the same for a huge mapping: wpReuse
    //   swapinReuse(k, pfn)                the same for a page that a store brought back from swap: wpReuse
    //   forkSplitsHuge(k, head)            must fork split the huge mapping, to ask page by page: forkCopies
    //   gupRead(k, pfn, follPin)           a reader's reference: GUP_TAKE (or GUP_UNSHARE, GUP_BREAK_COW)
    //   gupReadNotAnon(k, pfn, follPin)    the same on page cache and zero page: GUP_TAKE
    //   gupFastRefuses(k, pfn)             must a lockless walk leave the page to the slow one: no
    //   reclaimRefuses(k, pfn, stage)      must the page stay mapped (BEFORE_SWAPCACHE, AFTER_CLEAR...): no. (Not asked
    //                                      about a clean page that MADV_FREE gave up.)
    //   clearRefsSkips(k, pfn)             does clear_refs spare the write bit: no
    //   upgradesPte(k, pfn, dirty)         may mprotect make the entry writable without a fault: no
    //   upgradesPmd(k, head, dirty)        the same for a huge mapping: no
    //   forcedInPlace(k, pfn)              does a FOLL_FORCE store to a read-only page need no fault: no
    // Things that the kernel does before or after it asks, all off: drainsLruBatch, freesSwapCache, tracksExclusive,
    // asksAtLoad, swapinWritable, wpResolveWritable, copiesHuge, reusesKsm, tagsGupPages, gupSlowBreaksCow, asksEveryFork
    // (on with bits of your own), forkCopyProtects, triesPageLock, writeProtectSeq; and tables ('copy').
    // Bits of your own for each page or process: pageBits, mmBits (docs/write-a-policy.md).
  }),
})
