/**
 * Collapse: copies the pages of an aligned 2 MiB into a huge folio, because the process asked for it (MADV_COLLAPSE) or
 * because khugepaged found them worth it.
 */
import { isCopy } from '../policy/api.ts'
import {
  HUGE_ORDER,
  HUGE_PAGES,
  PG_ANON,
  PG_KSM,
  PG_LARGE,
  PG_SWAPCACHE,
  PG_ZERO,
} from '../state/frames.ts'
import { type Mm, userfaultfdArmed, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_PAGES,
} from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { CHECK_NONE, CHECK_VMA, SET_UFFD_WP_CHECK } from '../trace/settings.ts'
import { fault } from './access.ts'
import { dirtyFlags, installHuge, newAnonFolio } from './alloc.ts'
import { FAILED, OK } from './answers.ts'
import { type Collapse, collapseFile, collapsePteMapped, type Limits } from './collapse-file.ts'
import { handleFault, hugeSuitable } from './fault.ts'
import { mapHuge } from './folio.ts'
import { mappedShared } from './lazyfree.ts'
import { lruAdd, lruDrain, lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { shmemSuitable } from './shmem-huge.ts'
import { onlyMapped } from './split.ts'
import { startsReading } from './swap-in.ts'
import { overlapping } from './walk.ts'
import { zapRange } from './zap.ts'

/** The caller's wish overrides all of them. */
const UNLIMITED: Limits = { none: HUGE_PAGES, swap: HUGE_PAGES, shared: HUGE_PAGES }

/** MADV_COLLAPSE of [start, end), area by area, up to the first that fails. */
export function collapse(m: Machine, mm: Mm, start: number, end: number): number {
  if (m.era.collapse === 'none') return FAILED
  const done = overlapping(mm, start, end).every((part) => {
    const vma = mm.find(part.start)
    return vma !== undefined && collapseArea(m, mm, vma, part.start, part.end)
  })
  m.endCall()
  return done ? OK : FAILED
}

/**
 * madvise_collapse(): every aligned 2 MiB inside [start, end) of one area; fails if one of them is refused. A range that
 * holds none is fine from its first page on, and an error otherwise, where the rounded start lies above the rounded end.
 */
function collapseArea(m: Machine, mm: Mm, vma: Vma, start: number, end: number): boolean {
  if (!holdsHugeRange(vma)) return false
  lruDrainAll(m)
  const first = (start + HUGE_PAGES - 1) & -HUGE_PAGES
  const last = end & -HUGE_PAGES
  let all = first <= last
  for (let vpn = first; vpn < last; vpn += HUGE_PAGES) {
    const became = collapseOnRequest(m, mm, vma, vpn)
    if (became === 'ends') return false
    if (became === 'refused') all = false
  }
  return all
}

/** thp_vma_allowable_order(): could the area hold a huge folio anywhere? */
function holdsHugeRange(vma: Vma): boolean {
  const first = (vma.start + HUGE_PAGES - 1) & -HUGE_PAGES
  if (vma.kind === MAP_SHARED) return shmemSuitable(vma, first)
  return vma.anonVma !== 0 && hugeSuitable(vma, first)
}

function collapseOnRequest(m: Machine, mm: Mm, vma: Vma, start: number): Collapse {
  if (vma.uffdWp && m.settings[SET_UFFD_WP_CHECK] === CHECK_VMA) return 'refused'
  if (vma.kind === MAP_SHARED) {
    if (!shmemSuitable(vma, start)) return 'ends'
    const became = collapseFile(m, vma, start, UNLIMITED, mm)
    if (became !== 'done') return became
    // SCAN_PTE_UFFD_WP is one of those that it goes on after.
    if (!collapsePteMapped(m, mm, vma, start, true)) return vma.uffdWp ? 'refused' : 'ends'
    m.judge.collapseRequested(mm.id, start, HUGE_PAGES)
    return 'done'
  }
  return hugeSuitable(vma, start) ? collapseAnon(m, mm, vma, start) : 'ends'
}

/** One aligned 2 MiB of private memory; without `limits` on behalf of the process, whose faults it takes. */
export function collapseAnon(
  m: Machine,
  mm: Mm,
  vma: Vma,
  start: number,
  limits?: Limits,
): Collapse {
  const pmd = mm.pmd(start)
  // SCAN_PMD_MAPPED, the huge zero page included.
  if ((pmd & PMD_HUGE) !== 0) return 'done'
  if (pmd === 0 || vma.anonVma === 0) return 'ends'
  unshareForWalk(m, mm, start)
  const scanned = scanPmd(m, mm, vma, start, limits)
  if (scanned !== 'done') return scanned
  if (!swapInAll(m, mm, vma, start, limits === undefined)) return 'ends'
  if (!mayIsolate(m, mm, start, limits)) return 'refused'
  collapseHugePage(m, mm, vma, start)
  m.counts.collapses++
  return 'done'
}

/** hpage_collapse_scan_pmd(): may these pages be collapsed? Entries looked at for nothing are counted. */
function scanPmd(m: Machine, mm: Mm, vma: Vma, start: number, limits?: Limits): Collapse {
  const table = mm.pteIndex(start)
  const tally: Tally = { none: 0, swap: 0, shared: 0, referenced: 0, writable: 0 }
  const most = limits ?? UNLIMITED
  for (let i = table; i < table + TABLE_PAGES; i++) {
    if (scanPte(m, vma, m.tables.ptes[i]!, tally, most)) continue
    m.counts.vainPteScans += i + 1 - table
    // SCAN_EXCEED_NONE_PTE: a hole that it may not fill.
    return isHole(m, m.tables.ptes[i]!) ? 'ends' : 'refused'
  }
  // Every mapped page counts as referenced here: nothing ages them.
  const referenced =
    tally.referenced > 0 && (tally.swap === 0 || tally.referenced >= HUGE_PAGES / 2)
  const enough = limits === undefined || referenced
  if (enough && (tally.writable > 0 || m.era.collapse === 'any')) return 'done'
  m.counts.vainPteScans += TABLE_PAGES
  return 'refused'
}

function isHole(m: Machine, pte: number): boolean {
  if ((pte & PTE_SWAP) !== 0) return false
  return (pte & PTE_PRESENT) === 0 || m.frames.has(pte >>> PFN_SHIFT, PG_ZERO)
}

interface Tally {
  none: number
  swap: number
  shared: number
  referenced: number
  writable: number
}

/** One entry; false ends the scan. */
function scanPte(m: Machine, vma: Vma, pte: number, tally: Tally, most: Limits): boolean {
  const { frames } = m
  if ((pte & PTE_UFFD_WP) !== 0 && m.settings[SET_UFFD_WP_CHECK] !== CHECK_NONE) return false
  if ((pte & PTE_SWAP) !== 0) return ++tally.swap <= most.swap
  const pfn = pte >>> PFN_SHIFT
  // A hole under userfaultfd, in whatever mode, is the manager's to fill.
  if (isHole(m, pte)) return !userfaultfdArmed(vma) && ++tally.none <= most.none
  if (!frames.has(pfn, PG_ANON) || !isCopied(m, pfn, tally, most)) return false
  tally.referenced++
  if ((pte & PTE_WRITE) !== 0) tally.writable++
  return true
}

/** May the page be copied into a huge one? Not if others map it more often than the limit says, or anybody holds it. */
function isCopied(m: Machine, pfn: number, tally: { shared: number }, most: Limits): boolean {
  const { frames } = m
  const large = frames.has(pfn, PG_LARGE)
  const shared = mappedShared(m, pfn)
  if (!m.era.collapsesShared && (large || shared)) return false
  if (shared && ++tally.shared > most.shared) return false
  return onlyMapped(m, frames.head(pfn))
}

/**
 * __collapse_huge_page_swapin(): faults of the process's own, or do_swap_page() in khugepaged's name. Returns whether all
 * are back: the first page that has yet to be read ends it (VM_FAULT_RETRY). By the next time it is in the swapcache.
 */
function swapInAll(m: Machine, mm: Mm, vma: Vma, start: number, asProcess: boolean): boolean {
  for (let vpn = start; vpn < start + HUGE_PAGES; vpn++) {
    const entry = m.tables.ptes[mm.pteIndex(vpn)]!
    if ((entry & PTE_SWAP) === 0) continue
    if (startsReading(m, entry)) return false
    if (asProcess) fault(m, mm, vma, vpn, false)
    else handleFault(m, mm, vma, vpn, false)
  }
  lruDrain(m)
  return true
}

/**
 * __collapse_huge_page_isolate() asks all of it again: what was in swap may be shared, or held by a device that has had
 * its page all the while. Until 5.17 a read-only page in the swapcache must be the process's alone.
 */
function mayIsolate(m: Machine, mm: Mm, start: number, limits?: Limits): boolean {
  const { frames } = m
  const table = mm.pteIndex(start)
  const tally = { shared: 0 }
  /** KSM pages: each is locked until all are isolated, so that the second entry of one ends it (SCAN_PAGE_LOCK). */
  const locked = new Set<number>()
  for (let i = table; i < table + TABLE_PAGES; i++) {
    const pte = m.tables.ptes[i]!
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) === 0 || frames.has(pfn, PG_ZERO)) continue
    if (!isCopied(m, pfn, tally, limits ?? UNLIMITED) || locked.has(pfn)) return false
    if (frames.has(pfn, PG_KSM)) locked.add(pfn)
    if (!m.era.collapseReusesSwap || (pte & PTE_WRITE) !== 0) continue
    const cached = frames.has(frames.head(pfn), PG_SWAPCACHE)
    if (cached && isCopy(m.policy.swapinReuse(m.k, pfn))) return false
  }
  return true
}

/** collapse_huge_page(): shared source pages lose one mapping; the new folio is exclusive. */
function collapseHugePage(m: Machine, mm: Mm, vma: Vma, start: number): void {
  const { frames, tables } = m
  m.spent += m.cost.copy2M
  const head = newAnonFolio(m, HUGE_ORDER)
  const table = mm.pteIndex(start)
  for (let i = 0; i < HUGE_PAGES; i++) {
    const pte = tables.ptes[table + i]!
    if ((pte & PTE_PRESENT) !== 0) frames.token[head + i] = frames.token[pte >>> PFN_SHIFT]!
  }
  m.judge.separated(mm.id, start, HUGE_PAGES)
  zapRange(m, mm, start, start + HUGE_PAGES, true)
  mapHuge(frames, mm, head)
  installHuge(m, mm, start, (head << PFN_SHIFT) | dirtyFlags(vma) | PMD_HUGE)
  lruAdd(m, head)
}
