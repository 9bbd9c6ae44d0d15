/** nouns: what the reference model's world is made of: pages and folios, swap slots, tables and their entries, areas, processes. */
import type { MmIds } from './mm-ids.ts'

/** One 4 KiB page. `folio` changes when a large folio is split. */
export interface Page {
  folio: Folio
  /** Position in the folio. */
  index: number
  /** Page-table entries that map it; PMD mappings are on the folio. */
  readonly mappers: Set<Pte>
  /** PageAnonExclusive: does only the mapping mm own it? */
  exclusive: boolean
  /** What bytes it holds; 0 is zeros. */
  token: number
  /** Its place on the swap device, while it is in the swapcache. */
  slot: Slot | null
  /** page->mapping and page->index since it was read back from swap: of the entry that mapped it first. */
  place: { readonly anonRoot: number; readonly index: number } | null
}

export type FolioKind = 'anon' | 'file' | 'zero'

/** A reference from get_user_pages(): FOLL_GET counts 1, FOLL_PIN 1024 on a small folio and 1 + a pin count on a large. */
export interface Reference {
  readonly page: Page
  readonly pinned: boolean
  /** The process on whose behalf it is held. */
  readonly owner: number
}

export interface Folio {
  /** Identity of the memory, for "has the frame changed?". */
  readonly id: number
  readonly kind: FolioKind
  order: number
  pages: Page[]
  readonly pmdMappers: Set<Pmd>
  ksm: boolean
  swapcache: boolean
  /** PageLRU: false until the lru_add batch that it entered was emptied. */
  lru: boolean
  /** LRU batches that hold it; each holds a reference. */
  batches: number
  /** Cleared by MADV_FREE once its batch was emptied: reclaim may drop it unwritten. */
  swapBacked: boolean
  /** The folio's own dirty bit, besides the page-table entries' bits. */
  dirty: boolean
  /** PG_dontcow of the 2009 "early decow" proposal. */
  dontCow: boolean
  references: Reference[]
  /** Lockless lookups, isolation: references of nobody. */
  speculative: number
  /** MM owner tracking of large folios. */
  mmIds: MmIds | null
}

/** A slot of the swap device. Its count is the number of swap entries, each as often as its table is accounted. */
export interface Slot {
  readonly entries: Set<Pte>
  cache: Page | null
  token: number
}

export const TABLE_PAGES = 512

/** A page-table entry: maps a page, or stands for a swap slot. An absent entry is pte_none. */
export interface Pte {
  readonly table: Table
  readonly index: number
  page: Page | null
  slot: Slot | null
  write: boolean
  dirty: boolean
  softDirty: boolean
  uffdWp: boolean
  /** The exclusive marker of a swap entry (5.19 on). */
  swapExclusive: boolean
}

export interface Table {
  readonly entries: Map<number, Pte>
  /** Where a PTE marker is, and no entry. */
  readonly markers: Set<number>
  /** PMD entries that point at it: more than one while it is shared. */
  readonly users: Set<Pmd>
  /** Does each sharer count for the pages in it? (COW page tables, v3 and later) */
  readonly accounted: boolean
  /** COW PTE v2: the PMD entry that owns a shared table. */
  owner: Pmd | null
  /** COW PTE v2: GUP went through this table. Sticky. */
  gupExclusive: boolean
}

/** What covers 2 MiB: a page table, or a huge folio. `write` without effect on a private table unless it is shared. */
export interface Pmd {
  readonly process: Process
  readonly number: number
  table: Table | null
  folio: Folio | null
  write: boolean
  dirty: boolean
  softDirty: boolean
  uffdWp: boolean
}

export type AreaKind = 'anon' | 'file' | 'shared'
export type HugeAdvice = 'huge' | 'never' | 'none'

/** A VMA: pages [start, end). */
export interface Area {
  start: number
  end: number
  /** Which mmap or mremap call made it: pieces of one mapping may merge again. */
  readonly mapping: number
  readonly kind: AreaKind
  readonly object: number
  /** Page of the object at `start`. */
  pgoff: number
  /** Largest folio that a first store may fill. */
  readonly folioOrder: number
  read: boolean
  write: boolean
  advice: HugeAdvice
  mergeable: boolean
  dontFork: boolean
  uffdWp: boolean
  /** Cleared VM_SOFTDIRTY: stores have to be tracked. */
  softDirtyTracked: boolean
  /** Had an anonymous page (or a huge zero page) ever been put in? fork skips private areas that had not. */
  anonVma: boolean
  /** Which anon_vma it has; 0 for none yet. */
  anonVmaOwn: number
  /** The one that it descends from by forks. */
  anonRoot: number
  /** Is its anon_vma a child's, chained to the parent's? */
  forked: boolean
  /** VM_ACCOUNT: is its memory charged? */
  accounted: boolean
}

export interface Process {
  readonly id: number
  readonly parent: Process | null
  /** New at exec: large folios track address spaces, not processes. */
  mm: number
  hasPinned: boolean
  /** Has any page table: the first fault also makes the tables above. */
  touched: boolean
  areas: Area[]
  readonly pmds: Map<number, Pmd>
}
