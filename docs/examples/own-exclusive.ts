/**
 * own-exclusive: PageAnonExclusive as a file of one's own, with a bit that the program knows nothing of.
 *
 * Models  anon-exclusive (v5.19 to v6.6), decision for decision: a test holds all counts of both equal. It shows what
 *         bits of one's own are for: nothing here reads PG_anon_exclusive, the swp-exclusive marker or MMF_HAS_PINNED.
 */
import {
  AFTER_CLEAR,
  BEFORE_SWAPCACHE,
  COPY_KSM,
  COPY_LRU_BATCH,
  COPY_REFERENCED,
  COPY_SWAPCACHE,
  choice,
  definePolicy,
  flag,
  folioPages,
  GUP_TAKE,
  GUP_UNSHARE,
  type Kernel,
  ownMmBits,
  ownPageBits,
  pageCount,
  pageInLruBatch,
  pageKsm,
  pageMaybeDmaPinned,
  pageSwapCache,
  pageUnderStableWriteback,
  REUSE,
  REUSE_EXCLUSIVE,
  swapExclusive,
} from 'cowbench'

/** Of a page: is it exclusive to the process that maps it, and writable without further checks? */
const EXCLUSIVE = 1
/** Of a process: has it ever used FOLL_PIN? */
const HAS_PINNED = 1

const exclusive = (k: Kernel, pfn: number): boolean => (ownPageBits(k, pfn) & EXCLUSIVE) !== 0
const hasPinned = (k: Kernel): boolean => (ownMmBits(k) & HAS_PINNED) !== 0

/** do_wp_page(), where the page is not known to be exclusive. */
function soleReference(k: Kernel, pfn: number): number {
  if (pageKsm(k, pfn)) return COPY_KSM
  const count = pageCount(k, pfn)
  if (count > 3) return COPY_REFERENCED
  if (pageInLruBatch(k, pfn)) return COPY_LRU_BATCH
  const cached = pageSwapCache(k, pfn)
  if (count > 1 + (cached ? 1 : 0)) return COPY_REFERENCED
  if (cached) return COPY_SWAPCACHE
  return count === 1 ? REUSE : COPY_REFERENCED
}

/** do_huge_pmd_wp_page(), likewise. */
function soleHugeReference(k: Kernel, head: number): number {
  const cached = pageSwapCache(k, head)
  if (pageCount(k, head) > 1 + (cached ? folioPages(k, head) : 0)) return COPY_REFERENCED
  return cached ? COPY_SWAPCACHE : REUSE
}

export default definePolicy({
  name: 'own-exclusive',
  api: 1,
  summary: 'PageAnonExclusive, from a file',
  era: 'v5.19-v6.6',
  kernel: '6.1',
  params: {
    mprotectUpgrade: choice('dirty', ['none', 'dirty', 'any'], 'mprotect maps pages writable'),
    swapinWritable: flag(false, 'a load that swaps an exclusive page in maps it writable'),
    wpResolveWritable: flag(false, 'resolving uffd-wp maps exclusive pages writable'),
    forceNeedsNoFault: flag(true, 'an FOLL_FORCE store needs no fault on an exclusive page'),
    longtermUnsharesFile: flag(true, 'a r/o long-term pin copies page cache and zero page first'),
  },
  hooks: (p) => ({
    drainsLruBatch: true,
    freesSwapCache: true,
    asksAtLoad: true,
    writeProtectSeq: true,
    swapinWritable: p.swapinWritable,
    wpResolveWritable: p.wpResolveWritable,

    pageBits: {
      width: 1,
      fresh: () => EXCLUSIVE,
      reused: () => EXCLUSIVE,
      shared: () => 0,
      swapShared: () => 0,
      swappedIn: (_k, _pfn, _bits, sole) => (sole ? EXCLUSIVE : 0),
      merged: () => 0,
    },
    mmBits: { width: 1, takes: (_k, bits, follPin) => (follPin ? HAS_PINNED : bits) },

    wpReuse: (k, pfn) => (exclusive(k, pfn) ? REUSE_EXCLUSIVE : soleReference(k, pfn)),
    pmdReuse: (k, head) => (exclusive(k, head) ? REUSE_EXCLUSIVE : soleHugeReference(k, head)),
    swapinReuse(k, pfn) {
      if (pageKsm(k, pfn)) return COPY_KSM
      if (pageUnderStableWriteback(k, pfn)) return COPY_SWAPCACHE
      const sole = exclusive(k, pfn) || swapExclusive(k) || pageCount(k, pfn) === 0
      return sole ? REUSE : COPY_REFERENCED
    },
    forkCopies: (k, pfn) => exclusive(k, pfn) && hasPinned(k) && pageMaybeDmaPinned(k, pfn),
    gupRead: (k, pfn, follPin) => (follPin && !exclusive(k, pfn) ? GUP_UNSHARE : GUP_TAKE),
    gupReadNotAnon: (_k, _pfn, follPin) =>
      follPin && p.longtermUnsharesFile ? GUP_UNSHARE : GUP_TAKE,
    reclaimRefuses: (k, pfn, stage) =>
      pageMaybeDmaPinned(k, pfn) &&
      (stage === BEFORE_SWAPCACHE || (stage === AFTER_CLEAR && exclusive(k, pfn))),
    clearRefsSkips: (k, pfn) => hasPinned(k) && pageMaybeDmaPinned(k, pfn),
    upgradesPte: (k, pfn, dirty) =>
      exclusive(k, pfn) &&
      (p.mprotectUpgrade === 'any' || (p.mprotectUpgrade === 'dirty' && dirty)),
    upgradesPmd: (k, head) => p.mprotectUpgrade === 'any' && exclusive(k, head),
    forcedInPlace: (k, pfn) => p.forceNeedsNoFault && exclusive(k, pfn),
  }),
})
