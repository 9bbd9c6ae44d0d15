/**
 * MADV_COLLAPSE: copies the pages of an aligned 2 MiB into a huge folio of the process's own.
 */
import { HUGE_ORDER, HUGE_PAGES, PG_ANON, PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_PAGES,
} from '../state/tables.ts'
import { fault } from './access.ts'
import { dirtyFlags, installHuge, newAnonFolio } from './alloc.ts'
import { FAILED, OK } from './answers.ts'
import { hugeAllowed } from './fault.ts'
import { mapHuge } from './folio.ts'
import { lruAdd, lruDrain, lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { onlyMapped } from './split.ts'
import { zapRange } from './zap.ts'

/**
 * madvise_collapse(): every aligned 2 MiB inside [start, end); fails if one of them is refused. A range that holds none
 * is fine from its first page on, and an error otherwise, where the rounded start lies above the rounded end.
 */
export function collapse(m: Machine, mm: Mm, start: number, end: number): number {
  const vma = mm.find(start)
  if (m.era.collapse === 'none' || vma === undefined) return FAILED
  if (!holdsHugeRange(vma) || vma.anonVma === 0) return FAILED
  lruDrainAll(m)
  const first = (start + HUGE_PAGES - 1) & -HUGE_PAGES
  const last = end & -HUGE_PAGES
  if (first > last) return FAILED
  let answer = OK
  for (let vpn = first; vpn < last; vpn += HUGE_PAGES) {
    const here = mm.find(vpn)
    const done = here !== undefined && hugeAllowed(here, vpn) && collapseRange(m, mm, here, vpn)
    if (!done) answer = FAILED
  }
  m.endCall()
  return answer
}

/** thp_vma_allowable_order(): could the area hold a huge folio anywhere? */
function holdsHugeRange(vma: Vma): boolean {
  return hugeAllowed(vma, (vma.start + HUGE_PAGES - 1) & -HUGE_PAGES)
}

function collapseRange(m: Machine, mm: Mm, vma: Vma, start: number): boolean {
  const pmd = mm.pmd(start)
  // SCAN_PMD_MAPPED, the huge zero page included.
  if ((pmd & PMD_HUGE) !== 0) return true
  if (pmd === 0 || vma.anonVma === 0) return false
  unshareForWalk(m, mm, start)
  if (!scanPmd(m, mm, vma, start)) return false
  swapInAll(m, mm, vma, start)
  collapseHugePage(m, mm, vma, start)
  return true
}

/** hpage_collapse_scan_pmd(): may these pages be collapsed? */
function scanPmd(m: Machine, mm: Mm, vma: Vma, start: number): boolean {
  const { frames, tables } = m
  const table = mm.pteIndex(start)
  let writable = 0
  for (let i = table; i < table + TABLE_PAGES; i++) {
    const pte = tables.ptes[i]!
    if ((pte & PTE_UFFD_WP) !== 0) return false
    if ((pte & PTE_SWAP) !== 0) continue
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) === 0 || frames.has(pfn, PG_ZERO)) {
      // userfaultfd_armed(): a hole is the manager's to fill.
      if (vma.uffdWp) return false
      continue
    }
    if ((pte & PTE_WRITE) !== 0) writable++
    if (!frames.has(pfn, PG_ANON)) return false
    if (!onlyMapped(m, frames.head(pfn))) return false
  }
  // The caller's wish overrides max_ptes_none: holes and zero pages are no obstacle, however many.
  return writable > 0 || m.era.collapse === 'any'
}

/** __collapse_huge_page_swapin(). */
function swapInAll(m: Machine, mm: Mm, vma: Vma, start: number): void {
  for (let vpn = start; vpn < start + HUGE_PAGES; vpn++) {
    if ((m.tables.ptes[mm.pteIndex(vpn)]! & PTE_SWAP) === 0) continue
    fault(m, mm, vma, vpn, false)
  }
  lruDrain(m)
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
