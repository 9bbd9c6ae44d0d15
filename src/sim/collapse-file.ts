/**
 * collapse_file(): one huge folio in the page cache instead of 512 pages of shared memory, and what becomes of the
 * page tables that mapped them.
 */
import { HUGE_ORDER, HUGE_PAGES, PG_CACHE } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, TABLE_PAGES } from '../state/tables.ts'
import { MAP_PRIVATE_ANON } from '../trace/ops.ts'
import {
  INSTALL_ALL,
  RETRACT_ALL,
  RETRACT_NOT_MINOR,
  SET_PMD_INSTALL,
  SET_RETRACT,
} from '../trace/settings.ts'
import { unmapCachedPte } from './drop.ts'
import { unmapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { bringBack, cachedFrame } from './page-cache.ts'
import { unshareForWalk } from './shared-tables.ts'
import { doSetPmd, hugeCacheFolio, shmemSuitable } from './shmem-huge.ts'
import { releaseTable } from './zap.ts'

/** What becomes of 2 MiB: they are collapsed; refused, and MADV_COLLAPSE goes on behind them; or it ends there. */
export type Collapse = 'done' | 'refused' | 'ends'

/** How much of 512 pages may be a hole or a zero page, in swap, or mapped by others too. */
export interface Limits {
  readonly none: number
  readonly swap: number
  readonly shared: number
}

/** An area that shows the object; `vpn` is where it shows (or would show) the first page of the 2 MiB. */
interface View {
  readonly mm: Mm
  readonly vma: Vma
  readonly vpn: number
}

/**
 * Collapses the 2 MiB at `start` if that is within `limits`, so that the page cache holds a huge folio there. For
 * khugepaged, or at the request of the process `asked`.
 */
export function collapseFile(
  m: Machine,
  vma: Vma,
  start: number,
  limits: Limits,
  asked?: Mm,
): Collapse {
  const huge = hugeCacheFolio(m, vma, start)
  if (huge !== 0) {
    if (m.pagedOut.has(huge) && HUGE_PAGES > limits.swap) return 'refused'
    bringBack(m, huge, false)
    return 'done'
  }
  const pgoff = vma.pgoff + start - vma.start
  const scanned = scanFile(m, vma.object, pgoff, limits)
  if (scanned !== 'done') return scanned
  const views = viewsOf(m, vma.object, pgoff)
  // isolate_lru_page() fails: what has been done to the pages before stays done.
  const batched = m.era.collapseMeetsBatch ? firstPagedOut(m, vma.object, pgoff) : HUGE_PAGES
  for (const view of views) unmapView(m, view, batched)
  if (batched < HUGE_PAGES) {
    bringBack(m, cachedFrame(m, vma.object, pgoff + batched), true)
    return 'refused'
  }
  const holes = emptySlots(m, vma.object, pgoff)
  // Whoever awaits missing events of a hole gets them; what was unmapped by now stays so.
  if (holes > 0 && !m.era.collapseFillsMissing && views.some((view) => view.vma.uffdMissing)) {
    return 'ends'
  }
  replacePages(m, vma.object, pgoff)
  m.counts.collapses++
  const all = asked === undefined || m.era.requestRetractsAll
  retractPageTables(m, all ? views : views.filter(({ mm, vpn }) => mm === asked && vpn === start))
  return 'done'
}

/** hpage_collapse_scan_file(): enough pages, and none that anything but the cache and page tables refers to. */
function scanFile(m: Machine, object: number, pgoff: number, limits: Limits): Collapse {
  const { frames } = m
  let swapped = 0
  for (let i = 0; i < HUGE_PAGES; i++) {
    const pfn = cachedFrame(m, object, pgoff + i)
    if (m.pagedOut.has(pfn)) swapped++
    else if (pfn !== 0 && frames.pageCount(pfn) !== frames.mapcount(pfn) + 1) return 'refused'
  }
  const holes = emptySlots(m, object, pgoff)
  // Nothing but holes is SCAN_TRUNCATED to collapse_file().
  const fits = swapped <= limits.swap && holes + swapped <= limits.none
  return holes < HUGE_PAGES && fits ? 'done' : 'ends'
}

/** How many pages lie before the first that is in swap; all if none is. */
function firstPagedOut(m: Machine, object: number, pgoff: number): number {
  for (let i = 0; i < HUGE_PAGES; i++) {
    if (m.pagedOut.has(cachedFrame(m, object, pgoff + i))) return i
  }
  return HUGE_PAGES
}

function emptySlots(m: Machine, object: number, pgoff: number): number {
  let empty = 0
  for (let i = 0; i < HUGE_PAGES; i++) if (cachedFrame(m, object, pgoff + i) === 0) empty++
  return empty
}

/** Every area that shows any page of the object's 2 MiB at `pgoff`. */
function viewsOf(m: Machine, object: number, pgoff: number): View[] {
  const views: View[] = []
  for (const mm of m.k.mms) {
    for (const vma of mm?.vmas ?? []) {
      if (mm === undefined || vma.kind === MAP_PRIVATE_ANON || vma.object !== object) continue
      const vpn = vma.start + pgoff - vma.pgoff
      if (vpn < vma.end && vpn + HUGE_PAGES > vma.start) views.push({ mm, vma, vpn })
    }
  }
  return views
}

/** try_to_unmap() of the first `pages` here. */
function unmapView(m: Machine, { mm, vma, vpn }: View, pages: number): void {
  const { frames } = m
  const { ptes } = m.tables
  const end = Math.min(vma.end, vpn + pages)
  for (let at = Math.max(vma.start, vpn); at < end; at++) {
    const pte = ptes[mm.pteIndex(at)]!
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) === 0 || !frames.has(pfn, PG_CACHE)) continue
    unshareForWalk(m, mm, at)
    unmapCachedPte(m, mm, vma, at)
  }
}

/** The pages are copied; holes become zeroes. */
function replacePages(m: Machine, object: number, pgoff: number): void {
  const { frames } = m
  m.spent += m.cost.copy2M
  const head = frames.allocFolio(HUGE_ORDER)
  const pages = m.pageCache.get(object) ?? new Map<number, number>()
  m.pageCache.set(object, pages)
  for (let i = 0; i < HUGE_PAGES; i++) {
    const old = pages.get(pgoff + i)
    frames.set(head + i, PG_CACHE)
    frames.token[head + i] =
      old === undefined ? m.judge.objectPage(object, pgoff + i) : frames.token[old]!
    pages.set(pgoff + i, head + i)
    m.pageCacheFrames++
    if (old === undefined) continue
    m.pageCacheFrames--
    frames.clear(old, PG_CACHE)
    m.pagedOut.delete(old)
    frames.freeIfUnused(old)
  }
}

/**
 * retract_page_tables(): the page table of every area that shows the whole 2 MiB goes, so that the next fault maps the
 * folio by a PMD entry. Not where there may be anonymous pages or markers.
 */
function retractPageTables(m: Machine, views: readonly View[]): void {
  const rule = m.settings[SET_RETRACT]
  for (const { mm, vma, vpn } of views) {
    if (!coversWhole(vma, vpn) || vma.anonVma !== 0) continue
    if (vma.uffdWp && rule !== RETRACT_ALL) continue
    if (vma.uffdMinor && rule === RETRACT_NOT_MINOR) continue
    const pmd = mm.pmd(vpn)
    if (pmd === 0 || (pmd & PMD_HUGE) !== 0) continue
    releaseTable(m, mm, vpn)
    if (m.settings[SET_PMD_INSTALL] === INSTALL_ALL) doSetPmd(m, mm, vma, vpn)
  }
}

function coversWhole(vma: Vma, vpn: number): boolean {
  return vpn % TABLE_PAGES === 0 && vpn >= vma.start && vpn + TABLE_PAGES <= vma.end
}

/**
 * collapse_pte_mapped_thp(): the page table that maps the huge folio page by page goes, and where the caller asks for
 * it a PMD entry comes instead. Pages that were never mapped here are no obstacle to that.
 */
export function collapsePteMapped(
  m: Machine,
  mm: Mm,
  vma: Vma,
  start: number,
  install: boolean,
): boolean {
  if ((mm.pmd(start) & PMD_HUGE) !== 0) return true
  if (!shmemSuitable(vma, start) || vma.uffdWp) return false
  const head = hugeCacheFolio(m, vma, start)
  if (head === 0) return false
  if (mm.pmd(start) !== 0) {
    const first = mm.pteIndex(start)
    for (let i = 0; i < HUGE_PAGES; i++) {
      const pte = m.tables.ptes[first + i]!
      if ((pte & PTE_PRESENT) !== 0 && pte >>> PFN_SHIFT !== head + i) return false
    }
    for (let i = 0; i < HUGE_PAGES; i++) {
      if ((m.tables.ptes[first + i]! & PTE_PRESENT) !== 0) unmapPte(m.frames, mm, head + i)
    }
    releaseTable(m, mm, start)
  }
  return !install || doSetPmd(m, mm, vma, start)
}
