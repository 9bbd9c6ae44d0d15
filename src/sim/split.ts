/**
 * Splitting: huge mappings into page-table entries, and large folios into order-0 ones.
 */
import {
  HUGE_PAGES,
  HUGE_ZERO_PFN,
  PG_CACHE,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_LARGE,
  PG_SWAPCACHE,
  ZERO_PFN,
} from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PMD_TABLE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_PAGES,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { freeUnmapped, unmapCachedPte } from './drop.ts'
import type { SplitDirty } from './era.ts'
import { remapHugeAsPtes, unmapHuge, unmapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { bitsToEachPage, pageIsUnmapped } from './own-bits.ts'
import { mappersOf, mapsAt } from './rmap.ts'
import { unshareForReclaim } from './shared-tables.ts'

/** Changes a huge mapping's flags; the translations that were cached behind it are void. */
export function setPmdFlags(m: Machine, mm: Mm, vpn: number, pmd: number): void {
  const table = mm.tables[vpn >>> TABLE_SHIFT]!
  m.tables.ptes.fill(0, table, table + TABLE_PAGES)
  mm.pmds[vpn >>> TABLE_SHIFT] = pmd
}

/**
 * __split_huge_pmd(): 512 page-table entries for one PMD entry. The folio stays whole. The dirty bit goes to the page
 * or to each entry, by era, and by whether the folio is split after it (`frozen`: by way of migration entries).
 */
export function splitHugePmd(m: Machine, mm: Mm, vpn: number, frozen = false): void {
  const { frames, tables } = m
  const pmd = mm.pmd(vpn)
  if ((pmd & PMD_HUGE) === 0) return
  m.spent += m.cost.pmdSplit
  m.counts.pmdSplits++
  const head = pmd >>> PFN_SHIFT
  const table = mm.tables[vpn >>> TABLE_SHIFT]!
  mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, table)
  if (head === HUGE_ZERO_PFN) {
    const uffd = m.era.splitKeepsZeroUffdWp ? pmd & PTE_UFFD_WP : 0
    tables.ptes.fill((ZERO_PFN << PFN_SHIFT) | PTE_PRESENT | uffd, table, table + TABLE_PAGES)
    return
  }
  if (frames.has(head, PG_CACHE)) {
    // Of a file nothing is lost: the next access finds the pages in the cache.
    unmapHuge(frames, mm, head)
    tables.release(table)
    mm.setPmd(vpn, 0, 0)
    return
  }
  if ((pmd & PTE_DIRTY) !== 0) frames.set(head, PG_DIRTY)
  const kept = pmd & (PTE_PRESENT | PTE_WRITE | PTE_SOFT_DIRTY | PTE_UFFD_WP)
  const left = frozen ? m.era.folioSplitDirty : m.era.splitDirty
  const flags = (pmd & PTE_DIRTY) !== 0 ? kept | dirtyBits(left) : kept
  for (let i = 0; i < TABLE_PAGES; i++) tables.ptes[table + i] = ((head + i) << PFN_SHIFT) | flags
  if (frames.has(head, PG_EXCLUSIVE)) {
    for (let i = 1; i < HUGE_PAGES; i++) frames.set(head + i, PG_EXCLUSIVE)
  } else {
    for (let i = 1; i < HUGE_PAGES; i++) frames.clear(head + i, PG_EXCLUSIVE)
  }
  bitsToEachPage(m, head)
  remapHugeAsPtes(frames, mm, head)
}

/** The bits of an entry that a split has left dirty. */
function dirtyBits(left: SplitDirty): number {
  if (left === 'page') return 0
  return left === 'pte' ? PTE_DIRTY : PTE_DIRTY | PTE_SOFT_DIRTY
}

/**
 * Splits off [start, end) of the areas that `differs` names, and gives each such piece to `change`. A huge mapping
 * across a new edge is split, as vma_adjust_trans_huge() does. Pieces that end up alike become one area again.
 */
export function changeAreas(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  differs: (vma: Vma) => boolean,
  change: (vma: Vma) => void,
): void {
  const only = mm.find(start)
  if (only !== undefined && only.end >= end) {
    // Nearly always the range lies in one area.
    if (!differs(only)) return
    const piece = carveOne(m, mm, start, end)
    change(piece)
    mm.merge(piece, m.era.mergesUntouched)
    return
  }
  const affected = mm.overlapping(start, end).filter(differs)
  for (const vma of affected) {
    for (const piece of carve(m, mm, Math.max(start, vma.start), Math.min(end, vma.end))) {
      change(piece)
      mm.merge(piece, m.era.mergesUntouched)
    }
  }
}

/** The areas in [start, end), split at its edges; huge mappings across an edge inside an area are split too. */
export function carve(m: Machine, mm: Mm, start: number, end: number): Vma[] {
  splitHugeAt(m, mm, start)
  splitHugeAt(m, mm, end)
  return mm.carve(start, end)
}

/** The same for a range that lies in one area: the piece. */
export function carveOne(m: Machine, mm: Mm, start: number, end: number): Vma {
  splitHugeAt(m, mm, start)
  splitHugeAt(m, mm, end)
  return mm.carveOne(start, end)
}

/** vma_adjust_trans_huge(): a huge mapping across an edge inside an area. */
function splitHugeAt(m: Machine, mm: Mm, edge: number): void {
  if ((mm.pmd(edge) & PMD_HUGE) === 0 || edge % HUGE_PAGES === 0) return
  const vma = mm.find(edge)
  if (vma !== undefined && vma.start < edge) splitHugePmd(m, mm, edge)
}

/**
 * split_folio(): order-0 folios instead of a large one, of which one page, `pfn`, is mapped at `vpn` by somebody.
 * Refused while anything but mappings and the swapcache refers to the folio. Huge mappings of it are split first, in
 * every process; of shared memory all pages are unmapped, since the next fault finds them in the cache.
 */
export function splitFolio(m: Machine, pfn: number, vpn: number): boolean {
  const { frames } = m
  if (!frames.has(pfn, PG_LARGE)) return false
  const head = frames.head(pfn)
  if (!onlyMapped(m, head)) return false
  const pages = frames.pages(head)
  if (frames.has(head, PG_CACHE)) unmapCachedFolio(m, head, vpn - (pfn - head))
  else {
    if (frames.entire[head] !== 0) {
      for (const huge of hugeMappers(m, head)) splitHugePmd(m, huge.mm, huge.vpn, true)
    }
    gatherDirty(m, head, vpn - (pfn - head))
  }
  const cached = frames.has(head, PG_SWAPCACHE)
  frames.splitFolio(head)
  for (let i = 0; i < pages; i++) {
    if (cached) freeUnmapped(m, head + i)
    else if (m.era.splitDropsZeroes) mapUnusedToZeropage(m, head + i, vpn - (pfn - head) + i)
  }
  return true
}

/**
 * try_to_migrate_one(): a dirty entry makes the whole folio dirty, and all its pages after the split. Until migration
 * entries had a dirty bit, entries came back clean. The folio's first page would be mapped at `first`.
 */
function gatherDirty(m: Machine, head: number, first: number): void {
  const { frames, tables } = m
  const left = m.era.folioSplitDirty
  if (left === 'pte' && frames.has(head, PG_DIRTY)) return
  for (let i = 0; i < frames.pages(head); i++) {
    for (const { mm, vpn } of mappersOf(m, head + i, first + i)) {
      const index = mm.pteIndex(vpn)
      if ((tables.ptes[index]! & PTE_DIRTY) === 0) continue
      frames.set(head, PG_DIRTY)
      if (left === 'pte') return
      if (left === 'page') tables.ptes[index]! &= ~(PTE_DIRTY | PTE_TOK)
      else tables.ptes[index]! |= dirtyBits(left)
    }
  }
}

/** try_to_map_unused_to_zeropage(): a page that holds only zeroes is freed, and the zero page mapped instead. */
function mapUnusedToZeropage(m: Machine, pfn: number, vpn: number): void {
  const { frames, tables } = m
  if (frames.token[pfn] !== 0 || frames.mapcount(pfn) === 0) return
  for (const mapper of mappersOf(m, pfn, vpn)) {
    const index = mapper.mm.pteIndex(mapper.vpn)
    const kept = tables.ptes[index]! & (PTE_UFFD_WP | PTE_SOFT_DIRTY)
    tables.ptes[index] = (ZERO_PFN << PFN_SHIFT) | PTE_PRESENT | kept
    unmapPte(frames, mapper.mm, pfn)
    pageIsUnmapped(m, pfn)
    m.judge.zeroed(mapper.mm.id, mapper.vpn, 1)
  }
  frames.freeIfUnused(pfn)
}

/** try_to_unmap() of a huge folio of shared memory, whose first page would be mapped at `first`. */
export function unmapCachedFolio(m: Machine, head: number, first: number): void {
  for (const huge of hugeMappers(m, head)) splitHugePmd(m, huge.mm, huge.vpn)
  for (let i = 0; i < HUGE_PAGES; i++) unmapCachedPage(m, head + i, first + i)
}

/** The same of one page of a file or of shared memory, which somebody maps at `vpn`. */
export function unmapCachedPage(m: Machine, pfn: number, vpn: number): void {
  for (const mapper of mappersOf(m, pfn, vpn)) {
    // The table may have gone with the page's entry before.
    if (!mapsAt(m, mapper.mm, mapper.vpn, pfn)) continue
    if (unshareForReclaim(m, mapper.mm, mapper.vpn))
      unmapCachedPte(m, mapper.mm, mapper.mm.find(mapper.vpn), mapper.vpn)
  }
}

/** Does nothing but mappings (and the swapcache, or the page cache) refer to the folio? */
export function onlyMapped(m: Machine, head: number): boolean {
  const { frames } = m
  const mappings = frames.has(head, PG_LARGE) ? frames.largeMapcount[head]! : frames.mapcount(head)
  return frames.pageCount(head) === mappings + cacheReferences(m, head)
}

function cacheReferences(m: Machine, head: number): number {
  return m.frames.has(head, PG_SWAPCACHE | PG_CACHE) ? m.frames.pages(head) : 0
}

/** Processes that map the huge folio by a PMD entry, and where. */
export function hugeMappers(m: Machine, head: number): { mm: Mm; vpn: number }[] {
  const found: { mm: Mm; vpn: number }[] = []
  for (const mm of m.k.mms) {
    if (mm === undefined) continue
    for (let range = 0; range < mm.pmds.length; range++) {
      const pmd = mm.pmds[range]!
      if ((pmd & PMD_HUGE) !== 0 && pmd >>> PFN_SHIFT === head)
        found.push({ mm, vpn: range << TABLE_SHIFT })
    }
  }
  return found
}
