/** ERAS: what the kernel around a policy does, by version: the mechanism's rules, which no policy decides. */
import type { EraName } from '../policy/era-names.ts'

export type { EraName } from '../policy/era-names.ts'

/**
 * On the page; in each entry, by a pte_mkdirty() that on x86 makes it soft-dirty too, whatever clear_refs has cleared; or in
 * each entry alone.
 */
export type SplitDirty = 'page' | 'softDirty' | 'pte'

export interface Era {
  /** userfaultfd write-protection (5.7). */
  readonly uffdWp: boolean
  /** UFFDIO_WRITEPROTECT of a range that spans several areas (6.3). */
  readonly uffdWpAreas: boolean
  /** What fork copies keeps userfaultfd's protection, though the child is not registered (until 5.13: 8f34f1eac382). */
  readonly forkKeepsUffdWp: boolean
  /** Fork copies PTE markers to the child, which is not registered (5.19 until 49d6d7fb6313, 6.2 and stable trees). */
  readonly forkCopiesMarkers: boolean
  /** A split of the huge zero page keeps userfaultfd's protection (42b2af2c9b7e: 6.3, stable trees from 5.15 on). */
  readonly splitKeepsZeroUffdWp: boolean
  /** Fork copies a page of a private file mapping that may be pinned, too (5.9 to 5.18). */
  readonly forkCopiesFile: boolean
  /** userfaultfd's minor faults on shared memory (5.14). */
  readonly uffdMinor: boolean
  /** userfaultfd write-protection of shared memory, holes included: PTE markers (5.19). */
  readonly uffdShmemWp: boolean
  /** Where it is registered, shared memory is mapped read-only by default (51d3d5eb74ff: 6.2, and 6.1's stable tree). */
  readonly uffdWritenotify: boolean
  /** What stops being write-protected gets the permissions that its area has: shared memory becomes writable (until 6.1). */
  readonly uffdResolveByFlags: boolean
  /** CONFIG_MEM_SOFT_DIRTY, as the recorded kernel was built. */
  readonly softDirty: boolean
  /** MADV_COLLAPSE: absent until 6.0; needs one writable entry until 6.12. */
  readonly collapse: 'none' | 'writable' | 'any'
  /** khugepaged takes pages that others map too, and parts of large folios (5.8). */
  readonly collapsesShared: boolean
  /** khugepaged asks reuse_swap_page() of a read-only page in the swapcache (until 5.17). */
  readonly collapseReusesSwap: boolean
  /** A page is read from a disk by the time that its lock is asked for ("remove remnants of polling", 6.6: not any more). */
  readonly swapReadsWait: boolean
  /** A fault on a large folio in the swapcache maps all of it, if all entries are its own and alike (508758960b8d, 6.11). */
  readonly swapinMapsFolio: boolean
  /** A collapse of shared memory fills holes that a process awaits missing events for (until 6.3). */
  readonly collapseFillsMissing: boolean
  /** MADV_COLLAPSE of shared memory takes other processes' page tables away too, as khugepaged does (1d65b771bc08, 6.6). */
  readonly requestRetractsAll: boolean
  /** A collapse of shared memory fails on the first page that it reads back from swap, which is in an LRU batch (until 6.3). */
  readonly collapseMeetsBatch: boolean
  /** Reclaim splits a huge folio of shared memory first, and leaves it alone and mapped if it cannot (until 6.11). */
  readonly splitsSharedFolios: boolean
  /** A huge folio of shared memory comes back from swap as one, if the device is memory (1dd44c0af4fa, 6.14). */
  readonly swapsInSharedFolios: boolean
  /** A fault on a huge folio of shared memory maps all of it, if the area and the entries allow (finish_fault(), 6.11). */
  readonly faultMapsSharedFolio: boolean
  /** A fault maps no huge page of shared memory where MADV_NOHUGEPAGE was said (2b0f922323cc: 6.12, not in 6.1's stable tree). */
  readonly faultAsksAdvice: boolean
  /** A load that faults maps all pages of a huge folio of shared memory (357b92761d94, 6.18). */
  readonly faultAroundMapsFolio: boolean
  /** A store to the huge zero page gets a huge folio (until 5.7 unless VM_NOHUGEPAGE, again from 6.18), or splits the mapping. */
  readonly hugeZeroStore: 'thp' | 'advised' | 'split'
  /** Where a PMD split leaves the dirty bit. */
  readonly splitDirty: SplitDirty
  /** The same of the split of a folio, by way of migration entries (2e3468778dbe, 6.1). */
  readonly folioSplitDirty: SplitDirty
  /** munmap, MADV_DONTNEED and exit empty this CPU's LRU batches (measured: not on 6.18). */
  readonly zapDrains: boolean
  /** Pages that an LRU batch holds: 15 until 6.9, 31 since. */
  readonly lruBatch: 15 | 31
  /** A folio that is split gives its zero-filled pages up for the zero page (b1f202060afe, 6.12). */
  readonly splitDropsZeroes: boolean
  /** MADV_DONTNEED of a whole 2 MiB frees its page table (CONFIG_PT_RECLAIM, 6.14). */
  readonly freesEmptyTables: boolean
  /**
   * How madvise and khugepaged tell that others map a large folio too: the page's mapcount; a guess from the folio's and
   * its first page's (folio_likely_mapped_shared(), 6.9); or the folio's MM ids (6.15).
   */
  readonly mappedShared: 'mapcount' | 'guess' | 'mmIds'
  /**
   * Whose pages NUMA balancing leaves alone: those that others map; that anybody refers to (80d47f5de5e3, 5.17 and stable
   * trees); or that others map or that may be pinned (d2136d749d76, 6.10).
   */
  readonly numaSkips: 'mapped' | 'referenced' | 'pinned'
  /** Of a huge mapping MADV_FREE asks only whether others map its first page (until 5.13: babbbdd08af9). */
  readonly freeAsksHugeHead: boolean
  /** pin_user_pages() is get_user_pages() still, and marks what is taken for writing dirty (FOLL_TOUCH; until 5.6). */
  readonly pinTouches: boolean
  /** io_uring's fixed buffers may lie in files (the model's are in memory) and in shared memory (40dad765c045, 5.14). */
  readonly ioUringTakesFiles: boolean
  /** MADV_FREE asks about the first page of a folio that page-table entries map (measured on 6.1.192, in no record). */
  readonly freeAsksHead: boolean
  /** mprotect to read-only gives the charge of a never written area back (6.5). */
  readonly unaccounts: boolean
  /** mremap moves a range that spans several areas (6.17). */
  readonly mremapsAreas: boolean
  /** An area that has an anon_vma joins one that has none when it becomes like it (879bca0a2c4f, 6.16). */
  readonly mergesUntouched: boolean
  /** mremap takes userfaultfd's protection off with the registration (0cef0bb836e3: 6.13, stable trees from 6.1 on). */
  readonly mremapClearsUffdWp: boolean
  /**
   * MADV_FREE and MADV_PAGEOUT take a large folio that they cover whole as it is, and go on behind one that they cannot
   * split (6.10); before, they split it, or stop there.
   */
  readonly takesFoliosWhole: boolean
  /**
   * What reclaim does with a clean page that MADV_FREE gave up and that somebody refers to: until 5.17 (and 5.15.33, where
   * 6c8e2a256915 went too) it takes it from whoever maps it, and what a device stores to it is lost; until 6.14 the page
   * counts as swap-backed again; since it stays as it is (watched on 6.18.44).
   */
  readonly heldLazyfree: 'unmaps' | 'swapBacked' | 'keeps'
  /** Reclaim splits a large folio that MADV_FREE gave up before it drops it, and leaves it alone if it cannot (until 5.18). */
  readonly splitsLazyfree: boolean
  /** Of such a folio it takes all entries at once that follow each other in a table: one that is dirty keeps them all (6.16). */
  readonly dropsInRuns: boolean
  /**
   * A huge mapping of a folio that MADV_FREE gave up goes as it is, page table and all, if it is clean and nobody holds the
   * folio (735ecdfaf4e8, 6.11; 6.18.15 does so too, 6.18.44 was watched to split it first).
   */
  readonly dropsHugeLazyfree: boolean
  /** How break_ksm() gives a process a page of its own: by the fault of a store (until 6.1), or FAULT_FLAG_UNSHARE. */
  readonly breaksKsm: 'store' | 'unshare'
  /** A forced store goes by FOLL_COW and the dirty bit, not by the exclusive one (until 5.19). */
  readonly follCow: boolean
  /** Block direct I/O takes FOLL_GET until 6.4, FOLL_PIN from 6.5. */
  readonly odirect: 'get' | 'pin'
}

const base: Era = {
  uffdWp: true,
  uffdWpAreas: false,
  uffdMinor: false,
  uffdShmemWp: false,
  uffdWritenotify: false,
  uffdResolveByFlags: true,
  forkKeepsUffdWp: true,
  forkCopiesMarkers: true,
  splitKeepsZeroUffdWp: false,
  forkCopiesFile: true,
  softDirty: true,
  collapse: 'none',
  collapsesShared: true,
  collapseReusesSwap: true,
  swapReadsWait: true,
  swapinMapsFolio: false,
  collapseFillsMissing: true,
  collapseMeetsBatch: true,
  requestRetractsAll: false,
  splitsSharedFolios: true,
  swapsInSharedFolios: false,
  faultMapsSharedFolio: false,
  faultAroundMapsFolio: false,
  faultAsksAdvice: false,
  hugeZeroStore: 'split',
  splitDirty: 'page',
  folioSplitDirty: 'page',
  zapDrains: true,
  lruBatch: 15,
  splitDropsZeroes: false,
  freesEmptyTables: false,
  mappedShared: 'mapcount',
  numaSkips: 'mapped',
  freeAsksHugeHead: true,
  pinTouches: false,
  ioUringTakesFiles: false,
  freeAsksHead: false,
  unaccounts: false,
  mremapsAreas: false,
  mergesUntouched: false,
  mremapClearsUffdWp: false,
  takesFoliosWhole: false,
  heldLazyfree: 'unmaps',
  splitsLazyfree: true,
  dropsInRuns: false,
  dropsHugeLazyfree: false,
  breaksKsm: 'store',
  follCow: true,
  odirect: 'get',
}

const era5_15: Era = {
  ...base,
  forkKeepsUffdWp: false,
  ioUringTakesFiles: true,
  splitKeepsZeroUffdWp: true,
  uffdMinor: true,
  heldLazyfree: 'swapBacked',
  freeAsksHugeHead: false,
  numaSkips: 'referenced',
}
const era5_18: Era = {
  ...era5_15,
  splitKeepsZeroUffdWp: false,
  collapseReusesSwap: false,
  splitsLazyfree: false,
}
const era5_19: Era = { ...era5_18, forkCopiesFile: false, uffdShmemWp: true }

const era6_12: Era = {
  ...era5_19,
  forkCopiesMarkers: false,
  uffdWpAreas: true,
  uffdWritenotify: true,
  uffdResolveByFlags: false,
  dropsHugeLazyfree: true,
  splitKeepsZeroUffdWp: true,
  collapse: 'writable',
  swapReadsWait: false,
  swapinMapsFolio: true,
  collapseFillsMissing: false,
  collapseMeetsBatch: false,
  requestRetractsAll: true,
  splitsSharedFolios: false,
  faultMapsSharedFolio: true,
  faultAsksAdvice: true,
  splitDirty: 'softDirty',
  folioSplitDirty: 'pte',
  lruBatch: 31,
  splitDropsZeroes: true,
  unaccounts: true,
  takesFoliosWhole: true,
  mappedShared: 'guess',
  numaSkips: 'pinned',
  breaksKsm: 'unshare',
  mremapClearsUffdWp: true,
  follCow: false,
  odirect: 'pin',
}

/** In no record: 5.6 with userfaultfd's write-protection, and without FOLL_TOUCH in pin_user_pages(). */
const era5_7: Era = {
  ...base,
  forkCopiesFile: false,
  collapsesShared: false,
  hugeZeroStore: 'advised',
}

export const ERAS = {
  '5.6': { ...era5_7, uffdWp: false, pinTouches: true },
  '5.7': era5_7,
  '5.8': base,
  '5.15': era5_15,
  '5.18': era5_18,
  '5.19': era5_19,
  '6.1': {
    ...era5_19,
    forkCopiesMarkers: false,
    uffdWritenotify: true,
    splitKeepsZeroUffdWp: true,
    collapse: 'writable',
    folioSplitDirty: 'softDirty',
    mremapClearsUffdWp: true,
    freeAsksHead: true,
    follCow: false,
  },
  '6.12': era6_12,
  '6.18': {
    ...era6_12,
    softDirty: false,
    collapse: 'any',
    swapsInSharedFolios: true,
    faultAroundMapsFolio: true,
    hugeZeroStore: 'thp',
    zapDrains: false,
    freesEmptyTables: true,
    mappedShared: 'mmIds',
    mremapsAreas: true,
    mergesUntouched: true,
    heldLazyfree: 'keeps',
    dropsInRuns: true,
    dropsHugeLazyfree: false,
  },
} as const satisfies Record<EraName, Era>

/** Capabilities that a workload may need and an era may lack. */
export function eraLacks(era: Era): string[] {
  const lacks: string[] = []
  if (!era.uffdWp) lacks.push('uffd-wp')
  if (!era.uffdMinor) lacks.push('uffd-minor')
  if (!era.uffdShmemWp) lacks.push('uffd-wp-shmem')
  if (!era.softDirty) lacks.push('soft-dirty')
  if (era.collapse === 'none') lacks.push('collapse')
  return lacks
}
