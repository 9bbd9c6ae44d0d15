/** lazy-free: MADV_FREE: pages are clean from now on, and reclaim may drop them until the next store. */
import { pageMapcount, pteMapcount, totalMapcount } from './frames.ts'
import { splitFolio } from './huge.ts'
import { type Folio, type Page, type Pmd, type Process, type Pte, TABLE_PAGES } from './nouns.ts'
import { pmdRanges } from './space.ts'
import { privateTable } from './tables.ts'
import type { World } from './world.ts'

export function madvFree(w: World, process: Process, start: number, end: number): void {
  w.drain()
  for (let vpn = start; vpn < end; vpn++) w.truth.giveUp(process, vpn)
  for (const { pmd, first, last, whole } of [...pmdRanges(process, start, end)]) {
    if (pmd.folio !== null) {
      if (!freeHuge(w, pmd, pmd.folio, whole)) continue
    }
    privateTable(w, pmd, 'protect')
    let vpn = first
    while (vpn < last) {
      const pte = pmd.table?.entries.get(vpn % TABLE_PAGES)
      vpn += pte === undefined ? 1 : freePte(w, process, pmd, pte, last)
    }
  }
}

/** madvise_free_huge_pmd(). Returns whether the folio was split and its entries are still to be freed. */
function freeHuge(w: World, pmd: Pmd, folio: Folio, whole: boolean): boolean {
  const [head] = folio.pages
  if (folio.kind === 'zero' || head === undefined) return false
  if ((w.era.freeAsksHugeHead ? pageMapcount(head) : totalMapcount(folio)) !== 1) return false
  if (!whole) return splitFolio(w, folio)
  pmd.dirty = false
  folio.dirty = false
  w.addToLazyFree(folio)
  return false
}

/** Returns how many entries it took. */
function freePte(w: World, process: Process, pmd: Pmd, pte: Pte, last: number): number {
  const vpn = pmd.number * TABLE_PAGES + pte.index
  if (pte.slot !== null) {
    w.clearPte(process, pte)
    w.forget(process, vpn)
    return 1
  }
  const page = pte.page
  if (page === null || page.folio.kind !== 'anon') return 1
  if (page.folio.order > 0) {
    const entries = wholeFolio(pte, page.folio, last - vpn)
    if (w.era.freesWholeFolios && entries !== null) {
      freeFolio(w, page.folio, entries)
      return entries.length
    }
    const asked = w.era.freeAsksFirstPage ? (page.folio.pages[0] ?? page) : page
    if (isShared(w, asked) || !splitFolio(w, page.folio)) {
      // Up to 6.9 the walk ends at a large folio that it cannot split.
      return w.era.freesWholeFolios ? 1 : last - vpn
    }
    // The split may have put the zero page here.
    if (pte.page !== page) return 1
  }
  freeFolio(w, page.folio, [pte])
  return 1
}

/**
 * page_mapcount() of the page; folio_likely_mapped_shared(), which goes by the first page where no page has to be mapped
 * twice; or folio_maybe_mapped_shared(), which does not know a third process that is left.
 */
export function isShared(w: World, page: Page): boolean {
  const { folio } = page
  if (w.era.mappedShared === 'mapcount') return pageMapcount(page) !== 1
  if (w.era.mappedShared === 'mmIds') return folio.mmIds?.shared === true
  const total = totalMapcount(folio)
  if (total <= 1) return false
  if (folio.pmdMappers.size > 0 || total > folio.pages.length) return true
  return pteMapcount(folio.pages[0] ?? page) > 1
}

/** All entries of the folio, if they stand in order from this one on, within the next `pages`, and are protected alike. */
export function wholeFolio(pte: Pte, folio: Folio, pages = TABLE_PAGES): Pte[] | null {
  const entries: Pte[] = []
  for (const page of folio.pages) {
    const entry = pte.table.entries.get(pte.index + page.index)
    if (entry?.page !== page || page.index >= pages || entry.uffdWp !== pte.uffdWp) return null
    entries.push(entry)
  }
  return entries
}

/** A page that others map too is left alone only if it is dirty by itself, or in the swapcache. */
function freeFolio(w: World, folio: Folio, entries: readonly Pte[]): void {
  if (folio.swapcache || folio.dirty) {
    if (totalMapcount(folio) !== entries.length) return
    if (folio.swapcache && !w.freeSwapcache(folio)) return
    folio.dirty = false
  }
  for (const pte of entries) pte.dirty = false
  w.addToLazyFree(folio)
}
