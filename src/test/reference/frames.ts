/** frames: what the reference model holds in memory: pages, folios, swap slots, and every reference that keeps them. */
import type { MmIds } from './mm-ids.ts'
import type { Pmd, Pte } from './space.ts'

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

const PIN_BIAS = 1024

export function pageMapcount(page: Page): number {
  return pteMapcount(page) + page.folio.pmdMappers.size
}

/** Mappings of this page by page-table entries. An entry of a table whose sharers are accounted counts once for each. */
export function pteMapcount(page: Page): number {
  let count = 0
  for (const pte of page.mappers) count += pte.table.accounted ? pte.table.users.size : 1
  return count
}

export function totalMapcount(folio: Folio): number {
  let count = folio.pmdMappers.size
  for (const page of folio.pages) count += pteMapcount(page)
  return count
}

export function swapcount(slot: Slot | null): number {
  let count = 0
  for (const pte of slot?.entries ?? []) count += pte.table.accounted ? pte.table.users.size : 1
  return count
}

/** page_count(): the sum of all typed references. */
export function refcount(folio: Folio): number {
  let count = totalMapcount(folio) + folio.batches + folio.speculative
  if (folio.swapcache) count += folio.pages.length
  for (const reference of folio.references) {
    count += reference.pinned && folio.order === 0 ? PIN_BIAS : 1
  }
  return count
}

/** page_maybe_dma_pinned(): exact on a large folio, a threshold on a small one (1024 plain references look like a pin). */
export function maybeDmaPinned(folio: Folio): boolean {
  if (folio.order === 0) return refcount(folio) >= PIN_BIAS
  return folio.references.some((reference) => reference.pinned)
}

/** References beyond mappings and swapcache, as reclaim, split, migration and KSM see them. */
export function extraReferences(folio: Folio): number {
  return refcount(folio) - totalMapcount(folio) - (folio.swapcache ? folio.pages.length : 0)
}
