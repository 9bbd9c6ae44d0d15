/** reuse: the question of every policy, may this page be written in place, with what its era does before asking. */
import { pageMapcount, pteMapcount, refcount, swapcount } from './frames.ts'
import type { Folio, Page, Process, Pte } from './nouns.ts'
import type { ReuseTest } from './rules.ts'
import type { World } from './world.ts'

/** do_wp_page(): may `process` write the page of this entry in place? Leaves it exclusive where that is tracked. */
export function wpReuse(w: World, pte: Pte, process: Process): boolean {
  const page = pte.page
  if (page === null) return false
  const { folio } = page
  if (w.rules.wp === 'exclusive') {
    if (page.exclusive) return true
    const may = folio.order > 0 ? largeReuse(w, pte, folio) : refined(w, folio)
    if (may) page.exclusive = true
    return may
  }
  return mayReuse(w, w.rules.wp, page, process)
}

function mayReuse(w: World, test: ReuseTest, page: Page, process: Process): boolean {
  const { folio } = page
  switch (test) {
    case 'never':
      return false
    case 'mapcount':
      return !folio.ksm && pageMapcount(page) === 1
    case 'mapAndSwapcount':
      return folio.ksm ? reuseKsmPage(w, folio) : reuseSwapPage(w, page)
    case 'mapSwapAndPageCount':
      return !folio.ksm && countAndPageCount(w, page, 0)
    case 'pageCount':
      return !folio.ksm && refcount(folio) === 1 && pageMapcount(page) === 1
    case 'refinedPageCount':
      return refined(w, folio)
    case 'soleUser':
      return takeSole(w, page, process)
    case 'exclusive':
      throw new RangeError('exclusivity is asked for before any count')
  }
}

/** A page of its own: neither merged nor in the swapcache any longer. */
function takeSole(w: World, page: Page, process: Process): boolean {
  if (!isSoleUser(process, page)) return false
  becomeOwn(page.folio)
  w.freeSwapcache(page.folio)
  return true
}

/** reuse_ksm_page(), 5.0 to 5.8: the last mapper takes the page over as its own. */
function reuseKsmPage(w: World, folio: Folio): boolean {
  if (!w.rules.ksmReuse || folio.swapcache || refcount(folio) !== 1) return false
  becomeOwn(folio)
  return true
}

/** page_move_anon_rmap(), and the page belongs where it is mapped now. */
function becomeOwn(folio: Folio): void {
  folio.ksm = false
  for (const page of folio.pages) page.place = null
}

/**
 * reuse_swap_page(): mappings and swap entries of the page, and of every other page of a large folio. A count of one
 * drops the swapcache, unless other pages of the folio are still in swap. Nothing is ever under writeback here.
 */
export function reuseSwapPage(w: World, page: Page): boolean {
  const { folio } = page
  if (folio.ksm) return false
  const count = mapAndSwapCount(folio)
  if (count === 1 && folio.swapcache) {
    const elsewhere = folio.pages.some((other) => other !== page && swapcount(other.slot) > 0)
    if (!elsewhere) {
      w.dropSwapcache(folio)
      folio.dirty = true
    }
  }
  return count <= 1
}

function mapAndSwapCount(folio: Folio): number {
  let most = 0
  for (const page of folio.pages) most = Math.max(most, pteMapcount(page) + swapcount(page.slot))
  return most + folio.pmdMappers.size
}

/** KOSAKI 2009: the same count, plus page_count, makes two. `lookup` is the fault's own reference. */
function countAndPageCount(w: World, page: Page, lookup: number): boolean {
  // 1 for the caller's own swap entry, also where the swapcache was bypassed, which 2009 knew nothing of.
  const count = Math.max(1, mapAndSwapCount(page.folio))
  // Drops the swapcache, and with it a reference, where the count is one.
  reuseSwapPage(w, page)
  return count + refcount(page.folio) + lookup === 2
}

/**
 * 5.18: at most mapping, swapcache and LRU batch may hold the folio; the local batch is emptied only for a folio that is
 * not on the LRU yet, so a MADV_FREE batch keeps its reference; then the swapcache is dropped.
 */
function refined(w: World, folio: Folio): boolean {
  if (folio.ksm || refcount(folio) > 3) return false
  if (!folio.lru) w.drain()
  if (refcount(folio) > 1 + (folio.swapcache ? 1 : 0)) return false
  if (folio.swapcache) w.freeSwapcache(folio)
  return refcount(folio) === 1
}

function largeReuse(w: World, pte: Pte, folio: Folio): boolean {
  switch (w.rules.large) {
    case 'asSmall':
      return refined(w, folio)
    case 'never':
      return false
    case 'scanTable':
      return scanTable(w, pte, folio)
    case 'mmId':
      return reuseByOwner(w, folio)
  }
}

/** 2022 idea: every reference comes from an entry of this, locked, table. */
function scanTable(w: World, pte: Pte, folio: Folio): boolean {
  if (folio.swapcache) w.freeSwapcache(folio)
  let here = 0
  for (const entry of pte.table.entries.values()) if (entry.page?.folio === folio) here++
  return refcount(folio) === here
}

/** __wp_can_reuse_large_anon_folio(): one mapping left is copied too, so that the large folio can go. */
function reuseByOwner(w: World, folio: Folio): boolean {
  const { mmIds } = folio
  if (mmIds === null || mmIds.total <= 1 || mmIds.shared) return false
  if (folio.swapcache && !w.freeSwapcache(folio)) return false
  return mmIds.total === refcount(folio)
}

/** do_huge_pmd_wp_page(): may the whole huge folio be written in place? */
export function pmdReuse(w: World, folio: Folio, process: Process): boolean {
  const head = folio.pages[0]
  if (head === undefined) return false
  switch (w.rules.pmd) {
    case 'mapcount':
      return Math.max(...folio.pages.map(pteMapcount)) + folio.pmdMappers.size === 1
    case 'exclusive':
      if (!head.exclusive && !refinedHuge(w, folio)) return false
      head.exclusive = true
      return true
    case 'refinedPageCount':
      return refinedHuge(w, folio)
    case 'soleUser':
      return folio.pages.every((page) => isSoleUser(process, page))
    default:
      return mayReuse(w, w.rules.pmd, head, process)
  }
}

function refinedHuge(w: World, folio: Folio): boolean {
  if (refcount(folio) > 1 + (folio.swapcache ? folio.pages.length : 0)) return false
  if (folio.swapcache) w.freeSwapcache(folio)
  return refcount(folio) === 1
}

/** Asked of a page that do_swap_page() found or read and has not mapped yet; the fault holds `lookup` references. */
export function swapinReuse(w: World, page: Page, lookup: number, process: Process): boolean {
  switch (w.rules.swapin) {
    case 'mapcount':
      // Other swap entries cannot be seen: what makes mapcount alone unsound with swap.
      return !page.folio.ksm && pageMapcount(page) === 0
    case 'mapAndSwapcount':
      return reuseSwapPage(w, page)
    case 'mapSwapAndPageCount':
      return !page.folio.ksm && countAndPageCount(w, page, lookup)
    case 'soleUser':
      return takeSole(w, page, process)
    default:
      return false
  }
}

/**
 * No other process reaches the page through an entry, a huge mapping, a swap entry or a shared table, and no reference is
 * held for another one. A second mapping by the same process (KSM) is a second user too.
 */
export function isSoleUser(process: Process, page: Page): boolean {
  const { folio } = page
  let mappings = 0
  for (const pte of [...page.mappers, ...(page.slot?.entries ?? [])]) {
    mappings++
    for (const pmd of pte.table.users) if (pmd.process !== process) return false
  }
  for (const pmd of folio.pmdMappers) {
    mappings++
    if (pmd.process !== process) return false
  }
  const foreign = folio.references.some((r) => r.page === page && r.owner !== process.id)
  return mappings <= 1 && !foreign
}

/** Counts an answer against the truth of this moment. `pages` were asked for as one decision. */
export function judge(w: World, process: Process, pages: readonly Page[], reuse: boolean): boolean {
  const sole = pages.every((page) => isSoleUser(process, page))
  if (reuse) {
    w.tally.reuses++
    if (pages.length > 1) w.tally.huge_reuses++
    if (!sole) w.tally.unsafe_reuses++
  } else if (sole) {
    w.tally.missed_reuses++
  }
  return sole
}

export function countCopies(w: World, pages: number, sole: boolean): void {
  w.tally.copies += pages
  if (sole) w.tally.spurious_copies += pages
  else w.tally.needed_copies += pages
}
