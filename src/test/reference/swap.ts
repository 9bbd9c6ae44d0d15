/** swap: taking pages out to the swap device, and do_swap_page(), which brings one back. */
import {
  extraReferences,
  maybeDmaPinned,
  pageMapcount,
  refcount,
  swapcount,
  totalMapcount,
} from './frames.ts'
import { splitFolio, splitPmd } from './huge.ts'
import { isShared, wholeFolio } from './lazy-free.ts'
import { hasMarker, leavesMarker } from './markers.ts'
import {
  type Area,
  type Folio,
  type Page,
  type Pmd,
  type Process,
  type Pte,
  type Slot,
  TABLE_PAGES,
} from './nouns.ts'
import { judge, swapinReuse } from './reuse.ts'
import { areaAt, pmdRanges, pteAt, vpnOf } from './space.ts'
import { privateTable } from './tables.ts'
import { firstPage, type World } from './world.ts'

/** Unmaps the anonymous pages of a range from every process that maps them and writes them out. */
export function swapOut(w: World, process: Process, start: number, end: number): void {
  w.drain()
  reclaim(w, process, start, end, false)
}

/** MADV_PAGEOUT: the same, but only for pages that no one else maps. */
export function pageOut(w: World, process: Process, start: number, end: number): void {
  w.drain()
  reclaim(w, process, start, end, true)
}

function reclaim(w: World, process: Process, start: number, end: number, byAdvice: boolean): void {
  for (const area of process.areas) {
    const [first, last] = [Math.max(start, area.start), Math.min(end, area.end)]
    if (first >= last) continue
    if (byAdvice) w.drain()
    reclaimIn(w, process, first, last, byAdvice)
  }
}

/** A range of one area. */
function reclaimIn(
  w: World,
  process: Process,
  start: number,
  end: number,
  byAdvice: boolean,
): void {
  unmapCached(w, process, start, end, byAdvice)
  const pages: Page[] = []
  for (const { pmd, first, last, whole } of pmdRanges(process, start, end)) {
    if (byAdvice) {
      pages.push(...adviseRange(w, pmd, first, last, whole))
      continue
    }
    for (let vpn = first; vpn < last; vpn++) {
      const index = vpn % TABLE_PAGES
      const page = pmd.folio?.pages[index] ?? pmd.table?.entries.get(index)?.page
      if (page?.folio.kind === 'anon') pages.push(page)
    }
  }
  /** Found to be swap-backed again: the next pass would take them. */
  const kept = new Set<Folio>()
  for (const page of pages) {
    // A huge folio that goes as a whole is not split before: pages of zeros go with it.
    const whole = goesWhole(process, page.folio, pages)
    const dropsWhole = whole && !w.era.splitsLazyFree
    // try_to_unmap() splits its mappings before it finds that it is held or was stored to.
    if (!page.folio.swapBacked && dropsWhole) {
      const mappers = [...page.folio.pmdMappers]
      // Up to the first that cannot go as it is.
      while (mappers[0] !== undefined && dropsHuge(w, mappers[0])) mappers.shift()
      for (const pmd of mappers) splitPmd(w, pmd)
    }
    if (!page.folio.swapBacked && !dropsWhole && !splitFolio(w, page.folio)) {
      w.tally.refused_unmaps++
      continue
    }
    const { folio } = page
    if (!folio.swapBacked && page.mappers.size > 0) {
      if (dropsLazyFree(w, folio)) continue
      if (folio.swapBacked && byAdvice) kept.add(folio)
    }
    if (kept.has(folio) || !folio.swapBacked) {
      if (page.mappers.size > 0) w.tally.refused_unmaps++
    } else swapOutPage(w, page, whole)
  }
  // reclaim_pages() gives what stays back to the LRU by way of the batch.
  if (byAdvice) {
    for (const { folio, mappers } of pages) {
      if (mappers.size > 0 || folio.swapcache || folio.references.length > 0) w.putBack(folio)
    }
  }
}

/** Of a file's or a shared object's pages the entries go, and unless somebody holds them, they are in the cache no more. */
function unmapCached(
  w: World,
  process: Process,
  start: number,
  end: number,
  byAdvice: boolean,
): void {
  for (let vpn = start; vpn < end; vpn++) {
    const page = pteAt(process, vpn)?.page
    if (page?.folio.kind !== 'file' || (byAdvice && pageMapcount(page) !== 1)) continue
    breakTables(w, page)
    for (const pte of [...page.mappers]) {
      const owner = ownerOf(pte)
      const area = areaAt(owner, vpnOf(owner, pte))
      w.clearPte(owner, pte)
      if (leavesMarker(area, pte)) pte.table.markers.add(pte.index)
    }
    if (page.mappers.size === 0 && page.folio.references.length === 0) w.pagedOut.add(page.folio)
  }
}

/** All of it is to go, and its entries here are in order and protected alike; or a PMD entry maps it here. */
function goesWhole(process: Process, folio: Folio, pages: readonly Page[]): boolean {
  if (!folio.pages.every((one) => pages.includes(one))) return false
  const mappers = [...(folio.pages[0]?.mappers ?? [])]
  const own = (pmd: Pmd): boolean => pmd.process === process
  const first = mappers.find(({ table }) => [...table.users].some(own))
  return [...folio.pmdMappers].some(own) || first === undefined || wholeFolio(first, folio) !== null
}

/**
 * madvise_cold_or_pageout_pte_range(): the pages below one PMD entry that MADV_PAGEOUT takes. It does not interfere with
 * other mappings of a folio, and splits large ones that are not all in the range.
 */
function adviseRange(w: World, pmd: Pmd, first: number, last: number, whole: boolean): Page[] {
  const { folio } = pmd
  if (folio !== null) {
    const [head] = folio.pages
    if (folio.kind !== 'anon' || head === undefined || isShared(w, head)) return []
    if (whole) return [...folio.pages]
    if (!splitFolio(w, folio)) {
      w.tally.refused_unmaps += last - first
      return []
    }
  }
  const taken: Page[] = []
  for (let vpn = first; vpn < last; vpn++) {
    const pte = pmd.table?.entries.get(vpn % TABLE_PAGES)
    const page = pte?.page
    if (pte === undefined || page?.folio.kind !== 'anon') continue
    if (page.folio.order > 0) {
      // Up to 6.9 the walk over the page table ends at one that others map too, or that cannot be split.
      if (!w.era.freesWholeFolios) {
        if (pageMapcount(page) !== 1 || !splitFolio(w, page.folio)) break
      } else {
        const entries = wholeFolio(pte, page.folio, last - vpn)
        if (entries !== null) {
          if (totalMapcount(page.folio) === entries.length) taken.push(...page.folio.pages)
          vpn += entries.length - 1
          continue
        }
        if (isShared(w, page)) continue
        if (!splitFolio(w, page.folio)) {
          w.tally.refused_unmaps++
          continue
        }
      }
    }
    // The split may have put the zero page here.
    if (pte.page === page && pageMapcount(page) === 1) taken.push(page)
  }
  return taken
}

/**
 * After MADV_FREE: drops one entry after the other, those of areas that begin further down before others, those of
 * parents before those of their children, until one shows that the folio was stored to, or that it is held. Returns
 * whether all are gone.
 */
function dropsLazyFree(w: World, folio: Folio): boolean {
  const entries = folio.pages.flatMap(({ mappers }) => [...mappers])
  const places = entries.flatMap(({ table, index }) =>
    [...table.users].map((pmd) => ({ pmd, index })),
  )
  const beginning = ({ pmd, index }: { pmd: Pmd; index: number }): number =>
    areaAt(pmd.process, pmd.number * TABLE_PAGES + index)?.pgoff ?? 0
  places.sort((a, b) => beginning(a) - beginning(b) || a.pmd.process.id - b.pmd.process.id)
  for (const { pmd, index } of places) {
    privateTable(w, pmd, 'reclaim')
    const pte = pmd.table?.entries.get(index)
    if (pte?.page?.folio !== folio) continue
    if (pte.dirty || (w.era.dropsLazyFreeRuns && isRunDirty(pte))) folio.dirty = true
    const held = extraReferences(folio) > 0 && w.era.heldLazyFree !== 'unmapped'
    if (folio.dirty || held) {
      folio.swapBacked = folio.dirty || w.era.heldLazyFree === 'swapBacked'
      return false
    }
    discard(w, pte)
  }
  return true
}

/** Was anything stored by way of the entries from here on that map one page of the folio after the other? */
function isRunDirty(first: Pte): boolean {
  const { table, page } = first
  if (page === null) return false
  const rest = page.folio.pages.slice(page.index)
  for (const [i, next] of rest.entries()) {
    const pte = table.entries.get(first.index + i)
    if (pte?.page !== next || areaOf(pte) !== areaOf(first)) return false
    if (pte.dirty) return true
  }
  return false
}

/** Every process that maps the page gets a table of its own, with new entries in the place of the old ones. */
function breakTables(w: World, page: Page): void {
  for (const pte of [...page.mappers]) {
    for (const pmd of [...pte.table.users]) privateTable(w, pmd, 'reclaim')
  }
}

function swapOutPage(w: World, page: Page, whole: boolean): void {
  // 2009: the page is in the swapcache when try_to_unmap() refuses it, and stays there.
  const asksLate = w.rules.reclaimPin === 'extraReference'
  if ((!asksLate && isRefused(w, page)) || !splitFolio(w, page.folio, whole)) {
    w.tally.refused_unmaps++
    return
  }
  breakTables(w, page)
  const { folio } = page
  const slot = page.slot ?? newSlot(page)
  page.slot = slot
  folio.swapcache = true
  if (asksLate && isRefused(w, page)) {
    w.tally.refused_unmaps++
    return
  }
  for (const pte of [...page.mappers]) {
    page.mappers.delete(pte)
    slot.entries.add(pte)
    pte.page = null
    pte.slot = slot
    pte.swapExclusive = page.exclusive
    pte.write = false
    pte.dirty = false
  }
  page.exclusive = false
  folio.dirty = false
  // Any further reference keeps the page in the swapcache, where the next fault finds it.
  if (refcount(folio) === 1) w.dropSwapcache(folio)
}

/**
 * Reclaim's own tests: whether the page may be pinned is asked before it enters the swapcache, and again of an exclusive
 * page when it is unmapped. A large folio with any extra reference cannot be split and stays as well.
 */
function isRefused(w: World, page: Page): boolean {
  const { folio } = page
  switch (w.rules.reclaimPin) {
    case 'no':
      return false
    case 'extraReference':
      return extraReferences(folio) > 0
    case 'maybePinned':
      return maybeDmaPinned(folio) && (!folio.swapcache || page.exclusive)
    case 'anyPinned':
      return maybeDmaPinned(folio)
  }
}

/** After MADV_FREE, may a huge mapping go as it is? */
function dropsHuge(w: World, pmd: Pmd): boolean {
  const { process, number, folio } = pmd
  if (!w.era.dropsLazyFreeHuge || folio === null || pmd.dirty || folio.dirty) return false
  if (extraReferences(folio) !== 0) return false
  for (let vpn = number * TABLE_PAGES; vpn < (number + 1) * TABLE_PAGES; vpn++) {
    if (w.truth.mayDrop(process, vpn)) w.forget(process, vpn)
  }
  w.unmapHuge(pmd)
  process.pmds.delete(number)
  return true
}

/** After MADV_FREE, an unwritten page is dropped: its content is zeros from now on. */
function discard(w: World, pte: Pte): void {
  for (const { process, number } of pte.table.users) {
    const vpn = number * TABLE_PAGES + pte.index
    if (w.truth.mayDrop(process, vpn)) w.forget(process, vpn)
  }
  w.clearPte(ownerOf(pte), pte)
}

function areaOf({ table, index }: Pte): Area | null {
  for (const { process, number } of table.users)
    return areaAt(process, number * TABLE_PAGES + index)
  return null
}

function ownerOf(pte: Pte): Process {
  for (const pmd of pte.table.users) return pmd.process
  throw new RangeError('a table in use has a user')
}

function newSlot(page: Page): Slot {
  return { entries: new Set(), cache: page, token: page.token }
}

/**
 * do_swap_page(). Returns whether a store still needs do_wp_page().
 *
 * Up to 5.17 only a write fault asks reuse_swap_page(), before the swap entry is given up. From 5.18 the entry is freed
 * first, then the swapcache where nothing else needs it, and what counts is whether any other reference is left.
 */
export function swapIn(w: World, process: Process, pte: Pte, write: boolean): boolean {
  const { slot } = pte
  const area = areaAt(process, vpnOf(process, pte))
  if (slot === null || area === null) throw new RangeError('a swap entry lies in an area')
  w.tally.swapins++
  const synchronous = w.era.swapBypass && !w.diskSwap
  const found = slot.cache
  const alone = found === null && synchronous && swapcount(slot) === 1
  const back = found ?? readPage(w, slot, alone)
  const page = isElsewhere(area, vpnOf(process, pte), back) ? copyOf(w, back) : back
  const bypass = alone || page !== back
  const { folio } = page
  const freesFirst = w.rules.swapin === 'refinedPageCount' || w.rules.swapin === 'exclusive'
  const drains = freesFirst && write && folio.swapcache && !folio.ksm && !folio.lru
  if (drains) w.drain()
  const places = page === found ? mappedTogether(w, area, pte, page) : [{ pte, page }]
  let reuse: boolean
  if (freesFirst) {
    for (const place of places) place.pte.slot?.entries.delete(place.pte)
    if (write && !folio.ksm && refcount(folio) === 1) w.freeSwapcache(folio)
    reuse = !folio.ksm && (bypass || pte.swapExclusive || refcount(folio) === 0)
  } else {
    reuse = write && swapinReuse(w, page, 1, process)
    for (const place of places) place.pte.slot?.entries.delete(place.pte)
  }
  const guarded = pte.uffdWp
  for (const place of places) {
    mapSwapped(w, process, area, place.pte, place.page, { write, reuse })
  }
  if (page !== back) {
    w.addToLru(page.folio)
    if (pageMapcount(back) === 0) w.freeSwapcache(back.folio)
  }
  // Write-protected, the page is not stored to yet: the decision comes after the event.
  if (write && reuse && !guarded) judge(w, process, [page], true)
  // From 6.11 a write-protected page leaves the fault a write fault: do_wp_page() raises the event at once.
  return write && (!reuse || (guarded && w.rules.swapinWritable))
}

/** The pages of a large folio in the swapcache, if entries of one area and all alike name each at its place; else the one. */
function mappedTogether(w: World, area: Area, pte: Pte, page: Page): { pte: Pte; page: Page }[] {
  const alone = [{ pte, page }]
  if (!w.era.swapinMapsFolio) return alone
  const together: { pte: Pte; page: Page }[] = []
  for (const other of page.folio.pages) {
    const entry = pte.table.entries.get(pte.index + other.index - page.index)
    if (entry === undefined || entry.slot === null || entry.slot.cache !== other) return alone
    if (areaOf(entry) !== area || entry.softDirty !== pte.softDirty) return alone
    if (entry.uffdWp !== pte.uffdWp || entry.swapExclusive !== pte.swapExclusive) return alone
    together.push({ pte: entry, page: other })
  }
  return together
}

function mapSwapped(
  w: World,
  process: Process,
  area: Area,
  pte: Pte,
  page: Page,
  fault: { write: boolean; reuse: boolean },
): void {
  pte.slot = null
  pte.swapExclusive = false
  pte.page = page
  page.mappers.add(pte)
  page.folio.mmIds?.map(process.mm, 1)
  page.exclusive = w.rules.tracksExclusive && fault.reuse
  const guarded = pte.uffdWp
  // Since 6.11 an entry that may not be made writable is not made dirty either.
  if (fault.write && fault.reuse && !(guarded && w.rules.swapinWritable)) {
    pte.write = area.write && !guarded
    pte.dirty = true
    pte.softDirty = true
  } else {
    const tracked = area.softDirtyTracked && !pte.softDirty
    pte.write = w.rules.swapinWritable && fault.reuse && area.write && !guarded && !tracked
    pte.dirty = false
  }
}

/**
 * ksm_might_need_to_copy(): entries that KSM made name one slot from several places, but a page that was read back belongs
 * to one. Notes the place of a page that has none yet.
 */
function isElsewhere(area: Area, vpn: number, page: Page): boolean {
  if (page.folio.ksm) return false
  const index = area.pgoff + vpn - area.start
  page.place ??= { anonRoot: area.anonRoot, index }
  return page.place.anonRoot !== area.anonRoot || page.place.index !== index
}

/** A copy that enters the LRU batch only after it was mapped. */
function copyOf(w: World, page: Page): Page {
  const copy = firstPage(w.allocAnon(0))
  copy.token = page.token
  return copy
}

/** A disk takes its time, for which not everybody waits; the page is in the swapcache by the next attempt. */
export function startsReading(w: World, slot: Slot): boolean {
  if (!w.diskSwap || w.era.swapReadsWait || slot.cache !== null) return false
  readPage(w, slot, false)
  return true
}

/** Reads a slot. A synchronous device skips the swapcache when nobody else has the slot. */
function readPage(w: World, slot: Slot, bypass: boolean): Page {
  const folio = w.newAnon(0)
  const page = firstPage(folio)
  page.token = slot.token
  if (!bypass) {
    page.slot = slot
    slot.cache = page
    folio.swapcache = true
  }
  return page
}

/** Presence of a range as `show` prints it; the zero page counts as present, and a marker is a swap entry to pagemap. */
export function presence(process: Process, start: number, end: number): string {
  let present = 0
  let swapped = 0
  for (let vpn = start; vpn < end; vpn++) {
    const pmd = process.pmds.get(Math.floor(vpn / TABLE_PAGES))
    const pte = pmd?.table?.entries.get(vpn % TABLE_PAGES)
    if (pmd?.folio || pte?.page) present++
    else if (pte?.slot || hasMarker(process, vpn)) swapped++
  }
  return `n${end - start}:present${present}:swapped${swapped}`
}
