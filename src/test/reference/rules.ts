/** rules: the policies of the reference model as sets of answers, each letter as in the header of its policy. */

/** May this page, or this huge folio, or this page on its way in from swap, be written in place? */
export type ReuseTest =
  | 'never'
  | 'mapcount'
  | 'mapAndSwapcount'
  | 'mapSwapAndPageCount'
  | 'pageCount'
  | 'refinedPageCount'
  | 'exclusive'
  | 'soleUser'

export interface Rules {
  readonly id: string
  readonly wp: ReuseTest
  readonly pmd: ReuseTest
  readonly swapin: ReuseTest
  /** May the last mapper of a KSM page have it? */
  readonly ksmReuse: boolean
  /** A PMD-mapped huge folio that may not be reused. */
  readonly sharedThp: 'copy2M' | 'split'
  /** `wp` of a page of a PTE-mapped large folio. */
  readonly large: 'asSmall' | 'never' | 'scanTable' | 'mmId'
  /** Is PageAnonExclusive kept, and the exclusive marker of swap entries? */
  readonly tracksExclusive: boolean
  readonly forkCopies: 'never' | 'dontCow' | 'maybePinned' | 'exclusiveMaybePinned' | 'promisedPin'
  /** Does every GUP on private memory break COW first? */
  readonly gupBreaksCow: boolean
  readonly gupMarksDontCow: boolean
  /** On a r/o FOLL_PIN of a read-only entry. */
  readonly unshare: 'never' | 'anon' | 'anyCow' | 'always' | 'notSole'
  /** `maybePinned` does not ask about a page in the swapcache unless it is exclusive; `anyPinned` asks always. */
  readonly reclaimPin: 'no' | 'extraReference' | 'maybePinned' | 'anyPinned'
  /** Does clear_refs leave writable entries of pinned pages alone? */
  readonly clearRefsPin: boolean
  readonly mprotectUpgrade: 'none' | 'dirty' | 'any'
  readonly wpResolveWritable: boolean
  /** Does a read fault on a swap entry map the page writable when it is exclusive? */
  readonly swapinWritable: boolean
  readonly tables: 'copied' | 'unaccounted' | 'owner' | 'accounted'
}

/** What differs between kernels and is no question to a policy. */
export interface Era {
  readonly uffdWp: boolean
  /** userfaultfd protects what is not anonymous, files of tmpfs at least (5.19 on). */
  readonly protectsFiles: boolean
  /** Registered shared memory is mapped read-only, and mprotect leaves it so (6.1's stable tree on). */
  readonly uffdWritenotify: boolean
  /** Shared memory that is not write-protected any more becomes writable at once (until 6.1). */
  readonly resolvesByFlags: boolean
  /** Fork copies markers to a child that nobody watches (5.19 to 6.0). */
  readonly forkCopiesMarkers: boolean
  /** userfaultfd's protection stays on what fork copies (5.7 to 5.13). */
  readonly forkKeepsUffdWp: boolean
  /** It stays on zero pages when the huge zero page is split. */
  readonly splitKeepsZeroUffdWp: boolean
  /** A pin makes fork copy pages of private file mappings too (5.9 to 5.18). */
  readonly forkCopiesFile: boolean
  readonly softDirty: boolean
  readonly collapse: 'no' | 'needsWritable' | 'any'
  /** An area with an anon_vma joins one without (6.16 on). */
  readonly mergesUntouched: boolean
  /** mremap clears userfaultfd's protection (0cef0bb836e3). */
  readonly remapClearsUffdWp: boolean
  readonly hugeZeroStore: 'thp' | 'advised' | 'split'
  /** Where a PMD split leaves the dirty bit: on the folio, or in each entry, which may become soft-dirty by it. */
  readonly splitDirty: 'page' | 'softDirty' | 'pte'
  /** The same of the split of a folio. */
  readonly folioSplitDirty: 'page' | 'softDirty' | 'pte'
  /** Does a folio split put the zero page in the place of pages that hold only zeros (6.12 on)? */
  readonly splitDropsZeros: boolean
  /** Does MADV_DONTNEED of all 2 MiB of a page table free the table (6.14 on)? */
  readonly dontNeedFreesTables: boolean
  /** Do exit, exec, munmap, mremap and MADV_DONTNEED empty the LRU batches? 6.18 does not. */
  readonly zapDrains: boolean
  /** Does mprotect to read-only give back the charge of an area that never had a page (6.5 on)? */
  readonly unchargesUntouched: boolean
  /** May mremap move several areas at once, unless userfaultfd watches one (6.17 on)? */
  readonly movesSeveralAreas: boolean
  /** UFFDIO_WRITEPROTECT takes a range of several areas. */
  readonly protectsSeveralAreas: boolean
  /** How madvise tells that others map a large folio: the page's mapcount, or its MM ids (6.15 on). */
  readonly mappedShared: 'mapcount' | 'guess' | 'mmIds'
  /** MADV_FREE goes by the first page of a large folio. */
  readonly freeAsksFirstPage: boolean
  /** Folios that an LRU batch holds. */
  readonly lruBatch: number
  /** Does a fault on a page of a large folio in the swapcache map the others too (6.11 on)? */
  readonly swapinMapsFolio: boolean
  /** Does MADV_FREE take a whole PTE-mapped large folio without splitting it (6.10 on)? */
  readonly freesWholeFolios: boolean
  /**
   * Of a clean page that MADV_FREE gave up and that is held, does reclaim drop the entries all the same (until 5.17),
   * find it to be swap-backed again, or leave it as it is (6.15 on)?
   */
  readonly heldLazyFree: 'unmapped' | 'swapBacked' | 'kept'
  /** It has to be split before reclaim drops it. */
  readonly splitsLazyFree: boolean
  /** MADV_FREE of a huge mapping asks about the first page only. */
  readonly freeAsksHugeHead: boolean
  /** FOLL_TOUCH for long-term pins as well. */
  readonly pinTouches: boolean
  /** Entries that follow each other in a table are dropped together, or stay together. */
  readonly dropsLazyFreeRuns: boolean
  /** Reclaim drops a clean huge mapping as it is after MADV_FREE, not page by page (6.11 on, not 6.18.44). */
  readonly dropsLazyFreeHuge: boolean
  readonly odirect: 'get' | 'pin'
  /** May io_uring's fixed buffers lie in files and shared memory? */
  readonly ioUringTakesFiles: boolean
  /** Does break_ksm() make a store's fault (until 6.1)? */
  readonly storesToBreakKsm: boolean
  /** May a synchronous swap device bypass the swapcache (4.15 on)? */
  readonly swapBypass: boolean
  /** Whoever starts a read of swap waits for it, even where a fault would come back later. */
  readonly swapReadsWait: boolean
  /** FOLL_FORCE on a read-only entry: by a COW fault just taken, or by exclusivity without a fault. */
  readonly forceFollows: 'cowFault' | 'exclusive'
}

export type Params = Readonly<Record<string, string | number | boolean>>

const MAPCOUNT: Rules = {
  id: 'mapcount',
  wp: 'mapcount',
  pmd: 'mapcount',
  swapin: 'mapcount',
  ksmReuse: false,
  sharedThp: 'copy2M',
  large: 'asSmall',
  tracksExclusive: false,
  forkCopies: 'never',
  gupBreaksCow: false,
  gupMarksDontCow: false,
  unshare: 'never',
  reclaimPin: 'no',
  clearRefsPin: false,
  mprotectUpgrade: 'none',
  wpResolveWritable: false,
  swapinWritable: false,
  tables: 'copied',
}

const REUSE_SWAP_PAGE: Rules = {
  ...MAPCOUNT,
  id: 'reuse-swap-page',
  wp: 'mapAndSwapcount',
  pmd: 'mapAndSwapcount',
  swapin: 'mapAndSwapcount',
  ksmReuse: true,
}

const PAGE_COUNT: Rules = {
  ...REUSE_SWAP_PAGE,
  id: 'page-count',
  wp: 'pageCount',
  ksmReuse: false,
  sharedThp: 'split',
  forkCopies: 'maybePinned',
  reclaimPin: 'maybePinned',
  clearRefsPin: true,
}

const PAGE_COUNT_REFINED: Rules = {
  ...PAGE_COUNT,
  id: 'page-count-refined',
  wp: 'refinedPageCount',
  pmd: 'refinedPageCount',
  swapin: 'refinedPageCount',
}

const ANON_EXCLUSIVE: Rules = {
  ...PAGE_COUNT_REFINED,
  id: 'anon-exclusive',
  wp: 'exclusive',
  pmd: 'exclusive',
  swapin: 'exclusive',
  tracksExclusive: true,
  forkCopies: 'exclusiveMaybePinned',
  unshare: 'anyCow',
  mprotectUpgrade: 'dirty',
}

const FROM_6_12 = {
  mprotectUpgrade: 'any',
  wpResolveWritable: true,
  swapinWritable: true,
} as const

const MM_ID: Rules = { ...ANON_EXCLUSIVE, ...FROM_6_12, id: 'mm-id', large: 'mmId' }

const FORCED_GUP_BREAK: Rules = {
  ...REUSE_SWAP_PAGE,
  id: 'forced-gup-break',
  sharedThp: 'split',
  gupBreaksCow: true,
}

const BOUND: Rules = { ...MAPCOUNT, sharedThp: 'split' }

const POLICIES: readonly Rules[] = [
  {
    ...BOUND,
    id: 'always-copy',
    wp: 'never',
    pmd: 'never',
    swapin: 'never',
    unshare: 'always',
  },
  MAPCOUNT,
  REUSE_SWAP_PAGE,
  {
    ...REUSE_SWAP_PAGE,
    id: 'no-unmap-gup',
    wp: 'mapSwapAndPageCount',
    pmd: 'mapSwapAndPageCount',
    swapin: 'mapSwapAndPageCount',
    ksmReuse: false,
    reclaimPin: 'extraReference',
  },
  {
    ...REUSE_SWAP_PAGE,
    id: 'early-decow',
    ksmReuse: false,
    forkCopies: 'dontCow',
    gupBreaksCow: true,
    gupMarksDontCow: true,
  },
  FORCED_GUP_BREAK,
  PAGE_COUNT,
  PAGE_COUNT_REFINED,
  ANON_EXCLUSIVE,
  { ...ANON_EXCLUSIVE, ...FROM_6_12, id: 'order0-copy', large: 'never' },
  { ...ANON_EXCLUSIVE, ...FROM_6_12, id: 'table-scan', large: 'scanTable' },
  MM_ID,
  {
    ...FORCED_GUP_BREAK,
    id: 'on-demand-fork',
    sharedThp: 'copy2M',
    tables: 'unaccounted',
  },
  { ...ANON_EXCLUSIVE, id: 'cow-pte-owner', unshare: 'anon', tables: 'owner' },
  { ...MM_ID, id: 'cow-pte-accounted', tables: 'accounted' },
  {
    ...BOUND,
    id: 'clairvoyant',
    wp: 'soleUser',
    pmd: 'soleUser',
    swapin: 'soleUser',
    forkCopies: 'promisedPin',
    reclaimPin: 'anyPinned',
    unshare: 'notSole',
  },
]

/** The rules of a policy with parameters: a parameter's name is the rule that it sets; yes and no stand for booleans. */
export function policyNamed(id: string, params: Params = {}): Rules {
  const found = POLICIES.find((rules) => rules.id === id)
  if (found === undefined) throw new RangeError(`unknown policy: ${id}`)
  const rules: Record<string, unknown> = { ...found }
  for (const [name, value] of Object.entries(params)) {
    if (!(name in rules)) throw new RangeError(`unknown parameter: ${name}`)
    if (name === 'reclaimPin') rules[name] = isYes(value) ? 'maybePinned' : 'no'
    else rules[name] = typeof rules[name] === 'boolean' ? isYes(value) : value
  }
  return rules as unknown as Rules
}

function isYes(value: string | number | boolean): boolean {
  return value === true || value === 'yes' || value === 'true' || value === 1
}
