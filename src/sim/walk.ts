/**
 * Walks over page tables that change nothing.
 */
import { PG_ANON } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, TABLE_PAGES } from '../state/tables.ts'
import type { Machine } from './machine.ts'

/** Frame of page `vpn` under the huge mapping `pmd`. */
export function hugeFrame(pmd: number, vpn: number): number {
  return (pmd >>> PFN_SHIFT) + (vpn & (TABLE_PAGES - 1))
}

/** Frame of the page, which must be present. */
export function frameAt(m: Machine, mm: Mm, vpn: number): number {
  const pmd = mm.pmd(vpn)
  if ((pmd & PMD_HUGE) !== 0) return hugeFrame(pmd, vpn)
  return m.tables.ptes[mm.pteIndex(vpn)]! >>> PFN_SHIFT
}

/** Frame of the page, 0 if it is not present. */
export function presentFrame(m: Machine, mm: Mm, vpn: number): number {
  const pmd = mm.pmd(vpn)
  if ((pmd & PMD_HUGE) !== 0) return hugeFrame(pmd, vpn)
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  return (pte & PTE_PRESENT) !== 0 ? pte >>> PFN_SHIFT : 0
}

/** Frame of the page if it is present and anonymous, else 0. */
export function anonFrame(m: Machine, mm: Mm, vpn: number): number {
  const pfn = presentFrame(m, mm, vpn)
  return m.frames.has(pfn, PG_ANON) ? pfn : 0
}

/** The entry that maps `vpn`: of a huge mapping, its PMD entry. */
export function entryAt(m: Machine, mm: Mm, vpn: number): number {
  mm.reserve(vpn)
  const pmd = mm.pmd(vpn)
  return (pmd & PMD_HUGE) !== 0 ? pmd : m.tables.ptes[mm.pteIndex(vpn)]!
}

/** madvise works area by area: the parts of [start, end) that lie in one each. */
export function overlapping(mm: Mm, start: number, end: number): { start: number; end: number }[] {
  return mm
    .overlapping(start, end)
    .map((vma) => ({ start: Math.max(start, vma.start), end: Math.min(end, vma.end) }))
}

/** Visits [start, end) in pieces that lie in one 2 MiB range each. */
export function forEachPmd(
  start: number,
  end: number,
  visit: (vpn: number, stop: number) => void,
): void {
  for (let vpn = start; vpn < end; ) {
    const stop = Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    visit(vpn, stop)
    vpn = stop
  }
}
