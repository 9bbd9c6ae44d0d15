/**
 * MADV_FREE: the process does not care for these bytes until it stores again; reclaim may drop them meanwhile.
 */
import { pageMapcount } from '../policy/api.ts'
import {
  HUGE_PAGES,
  PG_ANON,
  PG_DIRTY,
  PG_LARGE,
  PG_LAZYFREE,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_ZERO,
} from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_TOK,
  PTE_UFFD_WP,
} from '../state/tables.ts'
import { dropPte } from './drop.ts'
import { lruAddLazyfree, lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { setPmdFlags, splitFolio } from './split.ts'
import { tryToFreeSwap } from './swap-cache.ts'
import { forEachPmd } from './walk.ts'

/** madvise_free_single_vma() */
export function madviseFree(m: Machine, mm: Mm, start: number, end: number): void {
  lruDrain(m)
  m.judge.lazyfree(mm.id, start, end - start)
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    if ((pmd & PMD_HUGE) !== 0 && madviseFreeHuge(m, mm, vpn, stop, pmd)) return
    if ((mm.pmd(vpn) & PMD_HUGE) !== 0) return
    unshareForWalk(m, mm, vpn)
    for (let page = vpn; page < stop; ) page += madviseFreePte(m, mm, page, stop)
  })
}

/** madvise_free_huge_pmd(). Returns whether the range is done; a folio that is taken in part is split first. */
function madviseFreeHuge(m: Machine, mm: Mm, vpn: number, stop: number, pmd: number): boolean {
  const { frames, era } = m
  const head = pmd >>> PFN_SHIFT
  if (frames.has(head, PG_ZERO)) return true
  const mapped = era.freeAsksHugeHead ? pageMapcount(m.k, head) : frames.largeMapcount[head]
  if (mapped !== 1) return true
  if (stop - vpn < HUGE_PAGES) return !splitFolio(m, head, vpn & -HUGE_PAGES)
  setPmdFlags(m, mm, vpn, pmd & ~PTE_DIRTY)
  frames.clear(head, PG_DIRTY)
  markLazyfree(m, head)
  return true
}

/** madvise_free_pte_range(), one entry or all those of a folio. Returns how many pages it took. */
function madviseFreePte(m: Machine, mm: Mm, vpn: number, stop: number): number {
  const { frames, tables } = m
  const index = mm.pteIndex(vpn)
  const pte = tables.ptes[index]!
  if ((pte & PTE_SWAP) !== 0) {
    tables.ptes[index] = 0
    dropPte(m, mm, pte)
    m.judge.dropped(mm.id, vpn)
    return 1
  }
  const pfn = pte >>> PFN_SHIFT
  if ((pte & PTE_PRESENT) === 0 || !frames.has(pfn, PG_ANON)) return 1
  if (frames.has(pfn, PG_LARGE)) {
    const pages = frames.pages(pfn)
    const whole = m.era.takesFoliosWhole && mapsWhole(m, mm, vpn, stop, pfn)
    if (whole) return freeEntries(m, index, pages, pfn)
    // Before 6.10 a folio that cannot be split ends the walk over this page table.
    const asked = m.era.freeAsksHead ? frames.head(pfn) : pfn
    if (mappedShared(m, asked) || !splitFolio(m, pfn, vpn)) {
      return m.era.takesFoliosWhole ? 1 : stop - vpn
    }
    // The split may have given the page up for the zero page.
    if (tables.ptes[index]! >>> PFN_SHIFT !== pfn) return 1
  }
  return freeEntries(m, index, 1, pfn)
}

/** folio_pte_batch(): do the entries from `vpn` on, before `stop` in their table, map the folio of `pfn` from first to last page? */
export function mapsWhole(m: Machine, mm: Mm, vpn: number, stop: number, pfn: number): boolean {
  const pages = m.frames.pages(pfn)
  if (pfn !== m.frames.head(pfn) || vpn + pages > stop) return false
  const first = mm.pteIndex(vpn)
  // It overlooks all bits but uffd-wp's.
  const kept = m.tables.ptes[first]! & (PTE_PRESENT | PTE_UFFD_WP)
  for (let i = 0; i < pages; i++) {
    const pte = m.tables.ptes[first + i]!
    if ((pte & (PTE_PRESENT | PTE_UFFD_WP)) !== kept || pte >>> PFN_SHIFT !== pfn + i) return false
  }
  return true
}

/** Does [start, end) hold the whole folio of `pfn`, which `mm` maps at `vpn`, by a PMD entry or by entries of one table? */
export function coversFolio(
  m: Machine,
  mm: Mm,
  vpn: number,
  pfn: number,
  start: number,
  end: number,
): boolean {
  const head = m.frames.head(pfn)
  const first = vpn - (pfn - head)
  if (first < start || first + m.frames.pages(head) > end) return false
  if ((mm.pmd(first) & PMD_HUGE) !== 0) return true
  return mapsWhole(m, mm, first, Math.min(end, (first & -HUGE_PAGES) + HUGE_PAGES), head)
}

/** folio_maybe_mapped_shared(), folio_likely_mapped_shared(), or page_mapcount() before there was either. */
export function mappedShared(m: Machine, pfn: number): boolean {
  const { frames } = m
  if (!frames.has(pfn, PG_LARGE)) return frames.mapcount(pfn) > 1
  const head = frames.head(pfn)
  switch (m.era.mappedShared) {
    case 'mmIds':
      return frames.mmShared[head] !== 0
    case 'guess': {
      const mapped = frames.largeMapcount[head]!
      if (mapped <= 1) return false
      if (frames.entire[head] !== 0 || mapped > frames.pages(head)) return true
      return frames.mapcount(head) > 1
    }
    default:
      return pageMapcount(m.k, pfn) !== 1
  }
}

/** Cleans the `pages` entries from `index` on, which map one folio from `head` on, unless the folio must stay dirty. */
function freeEntries(m: Machine, index: number, pages: number, head: number): number {
  const { frames } = m
  if (frames.has(head, PG_SWAPCACHE | PG_DIRTY)) {
    // PG_dirty speaks for all mappers: it can only be cleared where there are no others.
    const mapped = pages === 1 ? frames.mapcount(head) : frames.largeMapcount[head]!
    if (mapped !== pages) return pages
    if (frames.has(head, PG_SWAPCACHE) && !tryToFreeSwap(m, head)) return pages
    for (let pfn = head; pfn < head + pages; pfn++) frames.clear(pfn, PG_DIRTY)
  }
  for (let i = index; i < index + pages; i++) m.tables.ptes[i]! &= ~(PTE_DIRTY | PTE_TOK)
  markLazyfree(m, head)
  return pages
}

/** folio_mark_lazyfree(): only what is on the LRU, and swap-backed still. */
function markLazyfree(m: Machine, head: number): void {
  const { frames } = m
  if (frames.has(head, PG_LRU_BATCH | PG_SWAPCACHE | PG_LAZYFREE)) return
  frames.set(head, PG_LAZYFREE)
  lruAddLazyfree(m, head)
}
