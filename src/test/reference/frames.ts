/** frames: the counts of the reference model, each summed up from what holds a page or folio. */
import type { Folio, Page, Slot } from './nouns.ts'

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
