/**
 * khugepaged: the kernel thread that looks for 2 MiB worth a huge folio, within limits that root may set.
 */
import { HUGE_ORDER, HUGE_PAGES } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import {
  CHECK_VMA,
  INSTALL_ALL,
  SET_MAX_PTES_NONE,
  SET_MAX_PTES_SHARED,
  SET_MAX_PTES_SWAP,
  SET_PMD_INSTALL,
  SET_UFFD_WP_CHECK,
} from '../trace/settings.ts'
import { FAILED, OK } from './answers.ts'
import { collapseAnon } from './collapse.ts'
import type { Limits } from './collapse-file.ts'
import { collapseFile, collapsePteMapped } from './collapse-file.ts'
import { hugeAllowed } from './fault.ts'
import { lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { shmemSuitable } from './shmem-huge.ts'

/**
 * khugepaged_scan_mm_slot() over the aligned 2 MiB ranges inside [start, end). FAILED if one of them stays small, or
 * there is none. Its time is nobody's: it holds the mmap lock only to replace the page table.
 */
export function khugepaged(m: Machine, mm: Mm, start: number, end: number): number {
  m.k.mm = mm
  lruDrainAll(m)
  const first = (start + HUGE_PAGES - 1) & -HUGE_PAGES
  const last = end & -HUGE_PAGES
  let answer = first < last ? OK : FAILED
  for (let vpn = first; vpn < last; vpn += HUGE_PAGES) {
    const vma = mm.find(vpn)
    if (vma === undefined || !scanRange(m, mm, vma, vpn)) answer = FAILED
  }
  m.spent = 0
  return answer
}

function scanRange(m: Machine, mm: Mm, vma: Vma, vpn: number): boolean {
  if (vma.hugeAdvice !== 'huge') return false
  // "Detecting uffd-wp vma more efficiently", 2021: such areas are not even looked at.
  if (vma.uffdWp && m.settings[SET_UFFD_WP_CHECK] === CHECK_VMA) return false
  const limits = limitsOf(m)
  if (vma.kind !== MAP_SHARED) {
    return hugeAllowed(vma, vpn) && collapseAnon(m, mm, vma, vpn, limits) === 'done'
  }
  // The mount's huge=advise.
  if (vma.folioOrder !== HUGE_ORDER) return false
  if (!shmemSuitable(vma, vpn) || collapseFile(m, vma, vpn, limits) !== 'done') return false
  // What is huge in the cache but mapped page by page is left to the next fault.
  if (m.settings[SET_PMD_INSTALL] !== INSTALL_ALL) collapsePteMapped(m, mm, vma, vpn, false)
  return true
}

function limitsOf(m: Machine): Limits {
  return {
    none: m.settings[SET_MAX_PTES_NONE]!,
    swap: m.settings[SET_MAX_PTES_SWAP]!,
    shared: m.settings[SET_MAX_PTES_SHARED]!,
  }
}
