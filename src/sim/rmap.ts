/**
 * rmap: who maps a page. There is no reverse map: the processes are searched, the likely address first.
 */
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, TABLE_PAGES, TABLE_SHIFT } from '../state/tables.ts'
import type { Machine } from './machine.ts'

export interface Mapper {
  readonly mm: Mm
  readonly vpn: number
}

/**
 * Every page-table entry that maps `pfn`. `vpn` is where one of them is: relatives have the page at the same address
 * unless mremap moved it.
 */
export function mappersOf(m: Machine, pfn: number, vpn: number): Mapper[] {
  // Below tables that are shared with an owner a page counts once for all that reach it.
  const all = m.policy.tables === 'owner'
  const wanted = all ? Number.POSITIVE_INFINITY : m.frames.mapcount(pfn)
  const found: Mapper[] = []
  // Whoever asks is the likeliest, unless the order matters: then parents come before children.
  const first = all ? undefined : m.k.mm
  if (first !== undefined && mapsAt(m, first, vpn, pfn)) found.push({ mm: first, vpn })
  for (const mm of m.k.mms) {
    if (found.length === wanted) return found
    if (mm !== undefined && mm !== first && mapsAt(m, mm, vpn, pfn)) found.push({ mm, vpn })
  }
  if (found.length >= m.frames.mapcount(pfn)) return found
  if (found.length < wanted) searchEverywhere(m, pfn, vpn, wanted, found)
  return found
}

/** Does the entry of `mm` at `vpn` map `pfn`, and nobody else's? What mappersOf() finds for most pages, without a list. */
export function isOnlyMapper(m: Machine, mm: Mm, vpn: number, pfn: number): boolean {
  return m.policy.tables !== 'owner' && m.frames.mapcount(pfn) === 1 && mapsAt(m, mm, vpn, pfn)
}

export function mapsAt(m: Machine, mm: Mm, vpn: number, pfn: number): boolean {
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0) return false
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  return (pte & PTE_PRESENT) !== 0 && pte >>> PFN_SHIFT === pfn
}

function searchEverywhere(
  m: Machine,
  pfn: number,
  known: number,
  wanted: number,
  found: Mapper[],
): void {
  for (const mm of m.k.mms) {
    if (mm === undefined) continue
    for (let range = 0; range < mm.pmds.length; range++) {
      const pmd = mm.pmds[range]!
      if (pmd === 0 || (pmd & PMD_HUGE) !== 0) continue
      for (let vpn = range << TABLE_SHIFT; vpn < (range << TABLE_SHIFT) + TABLE_PAGES; vpn++) {
        if (vpn === known || !mapsAt(m, mm, vpn, pfn)) continue
        found.push({ mm, vpn })
        if (found.length === wanted) return
      }
    }
  }
}
