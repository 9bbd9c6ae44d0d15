/** huge: filling, copying and splitting what is mapped by one PMD entry, and splitting large folios themselves. */
import { extraReferences } from './frames.ts'
import {
  type Area,
  type Folio,
  type Page,
  type Pmd,
  type Process,
  type Pte,
  TABLE_PAGES,
  type Table,
} from './nouns.ts'
import { countCopies, isSoleUser, judge, pmdReuse } from './reuse.ts'
import type { Era } from './rules.ts'
import { prepareAnonVma } from './space.ts'
import { firstPage, type World } from './world.ts'

const HUGE_ORDER = 9

/** May the empty 2 MiB around `vpn` be filled by one huge folio? Holes and mixed protection make several areas of it. */
export function hugeSuits(area: Area, vpn: number): boolean {
  const base = vpn - (vpn % TABLE_PAGES)
  return (
    area.kind === 'anon' &&
    area.advice === 'huge' &&
    area.folioOrder === HUGE_ORDER &&
    area.start <= base &&
    base + TABLE_PAGES <= area.end
  )
}

/** do_huge_pmd_anonymous_page(): a huge folio for a store, the huge zero page for a load. */
export function hugeFill(
  w: World,
  process: Process,
  area: Area,
  vpn: number,
  write: boolean,
): void {
  prepareAnonVma(process, area, () => w.newMapping())
  const pmd = w.newPmd(process, vpn)
  // The page table that a later split will need is set aside now.
  w.tally.allocations++
  if (!write) {
    w.mapHuge(pmd, w.hugeZero)
    pmd.write = false
    return
  }
  mapNewHuge(w, pmd, w.newAnon(HUGE_ORDER), area)
}

/** Maps a fresh huge folio that belongs to this process alone. */
export function mapNewHuge(w: World, pmd: Pmd, folio: Folio, area: Area): void {
  w.mapHuge(pmd, folio)
  firstPage(folio).exclusive = w.rules.tracksExclusive
  pmd.write = area.write
  pmd.dirty = true
  pmd.softDirty = true
  pmd.uffdWp = false
}

/**
 * do_huge_pmd_wp_page(): reuses or copies the whole folio, or splits the mapping and leaves the question to the entry.
 * Returns whether the fault is done.
 */
export function hugeWp(
  w: World,
  process: Process,
  area: Area,
  pmd: Pmd,
  unshare: boolean,
): 'done' | 'split' {
  const { folio } = pmd
  if (folio === null) return 'split'
  if (folio.kind === 'zero') {
    const refused = w.era.hugeZeroStore === 'advised' && area.advice !== 'huge'
    if (refused || w.era.hugeZeroStore === 'split') {
      splitPmd(w, pmd)
      return 'split'
    }
    mapNewHuge(w, pmd, w.newAnon(HUGE_ORDER), area)
    return 'done'
  }
  const reuse = pmdReuse(w, folio, process)
  judge(w, process, folio.pages, reuse)
  if (reuse) {
    if (unshare) return 'done'
    pmd.write = area.write
    pmd.dirty = true
    pmd.softDirty = true
    return 'done'
  }
  if (w.rules.sharedThp === 'split' || unshare) {
    splitPmd(w, pmd)
    return 'split'
  }
  // Page by page: what somebody else maps by entries of their own may be shared in part.
  for (const page of folio.pages) countCopies(w, 1, isSoleUser(process, page))
  w.tally.huge_copies++
  if (area.advice !== 'huge') {
    copyToSmall(w, process, area, pmd, folio)
    return 'done'
  }
  const copy = w.newAnon(HUGE_ORDER)
  for (const page of copy.pages) page.token = folio.pages[page.index]?.token ?? 0
  w.unmapHuge(pmd)
  mapNewHuge(w, pmd, copy, area)
  return 'done'
}

/** do_huge_pmd_wp_page_fallback(): no huge page where VM_NOHUGEPAGE forbids it, but as many small ones. */
function copyToSmall(w: World, process: Process, area: Area, pmd: Pmd, folio: Folio): void {
  // The table was set aside when the huge folio came in.
  w.tally.allocations--
  const table = w.newTable()
  for (const { index, token } of folio.pages) {
    const page = firstPage(w.newAnon(0))
    page.token = token
    page.exclusive = w.rules.tracksExclusive
    const pte = w.mapPage(process, table, index, page)
    pte.write = area.write
    pte.dirty = true
    pte.softDirty = true
  }
  w.unmapHuge(pmd)
  w.setTable(pmd, table)
}

/** __split_huge_pmd(): the same pages, now mapped by 512 entries. */
export function splitPmd(w: World, pmd: Pmd, frozen = false): void {
  const { folio, process } = pmd
  if (folio === null) return
  w.tally.pmd_splits++
  // The table was set aside when the huge folio came in.
  w.tally.allocations--
  const table = w.newTable()
  if (folio.kind === 'zero') {
    for (let index = 0; index < TABLE_PAGES; index++) {
      const pte = fillFromPmd(w, process, table, index, w.zeroPage, pmd)
      pte.uffdWp &&= w.era.splitKeepsZeroUffdWp
    }
    w.setTable(pmd, table)
    return
  }
  const exclusive = firstPage(folio).exclusive
  if (pmd.dirty) folio.dirty = true
  for (const page of folio.pages) {
    page.exclusive = exclusive
    const pte = fillFromPmd(w, process, table, page.index, page, pmd)
    if (!pmd.dirty) continue
    const left = frozen ? w.era.folioSplitDirty : w.era.splitDirty
    pte.dirty = left !== 'page'
    if (left === 'softDirty') pte.softDirty = true
  }
  // Mapped by entries before the PMD mapping goes, so that the owner never loses its slot in between.
  w.unmapHuge(pmd)
  w.setTable(pmd, table)
}

function fillFromPmd(
  w: World,
  process: Process,
  table: Table,
  index: number,
  page: Page,
  pmd: Pmd,
): Pte {
  const pte = w.mapPage(process, table, index, page)
  pte.write = pmd.write
  pte.softDirty = pmd.softDirty
  pte.uffdWp = pmd.uffdWp
  return pte
}

/**
 * split_huge_page(): any reference beyond mappings and swapcache forbids it. A folio that is swapped out as a whole is not
 * split in the kernel, its mappings are: its pages here are what becomes of it.
 */
export function splitFolio(w: World, folio: Folio, whole = false): boolean {
  if (folio.order === 0) return true
  if (extraReferences(folio) !== 0) return false
  for (const pmd of [...folio.pmdMappers]) splitPmd(w, pmd, !whole)
  const { pages } = folio
  if (!whole) gatherDirty(folio, w.era.folioSplitDirty)
  const dropsZeros = w.era.splitDropsZeros && !whole
  const cached = folio.swapcache
  for (const page of pages) {
    w.detachPage(page)
    page.folio.swapcache = cached && page.slot !== null
    if (page.mappers.size === 0) page.exclusive = false
    if (dropsZeros && page.token === 0 && !page.folio.swapcache) mapZeroPage(w, page)
  }
  folio.pages = []
  folio.swapcache = false
  return true
}

/** What the entries knew of stores, the folio knows from now on, and all its pages; they may know it still. */
function gatherDirty(folio: Folio, left: Era['folioSplitDirty']): void {
  for (const { mappers } of folio.pages) {
    for (const pte of mappers) {
      if (!pte.dirty) continue
      folio.dirty = true
      pte.dirty = left !== 'page'
      if (left === 'softDirty') pte.softDirty = true
    }
  }
}

/** try_to_map_unused_to_zeropage(): the page itself is freed. */
function mapZeroPage(w: World, page: Page): void {
  for (const pte of [...page.mappers]) {
    page.mappers.delete(pte)
    pte.page = w.zeroPage
    pte.write = false
    pte.dirty = false
  }
}
