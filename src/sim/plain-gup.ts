/**
 * Plain pages, taken by get_user_pages(): what gup.ts and wp.ts do step by step, in one piece, for a page that the
 * process may store to, or may store to after an ordinary write fault.
 */
import { isCopy, SITE_WP } from '../policy/api.ts'
import { MAPCOUNT, PG_ANON, PG_DIRTY, PG_EXCLUSIVE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_PRESENT,
  PTE_STORED,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import type { Machine } from './machine.ts'
import { isPlain } from './plain.ts'
import { copyOf, mapCopy } from './wp.ts'

export const SPECIAL = ~(MAPCOUNT | PG_EXCLUSIVE | PG_DIRTY)

/** Frame of the page at `vpn`, ready to be taken; 0 if it is not plain: then nothing has changed. */
export function gupPlain(m: Machine, mm: Mm, vpn: number, write: boolean): number {
  const { frames, k, policy, tables } = m
  if (!m.plain || policy.tables !== 'copy' || policy.tagsGupPages || m.spent !== 0) return 0
  const vma = mm.find(vpn)
  if (!isPlain(vma, PROT_READ | PROT_WRITE) || (mm.pmd(vpn) & PMD_KIND) !== PMD_OWN) return 0
  const index = mm.tables[vpn >>> FULL_TABLE_SHIFT]! + (vpn & (FULL_TABLE_PAGES - 1))
  const pte = tables.ptes[index]!
  if ((pte & (PTE_PRESENT | PTE_UFFD_WP)) !== PTE_PRESENT) return 0
  const pfn = pte >>> PFN_SHIFT
  if ((pte & PTE_WRITE) === 0) {
    if (!write || (frames.word[pfn]! & SPECIAL) !== PG_ANON) return 0
    k.mm = mm
    k.vpn = vpn
    return breakCow(m, mm, vpn, index, pte, pfn)
  }
  k.mm = mm
  k.vpn = vpn
  tables.ptes[index] = pte & ~PTE_TOK
  return pfn
}

/** A write fault without a store: the page becomes writable, or a copy of it does. */
function breakCow(
  m: Machine,
  mm: Mm,
  vpn: number,
  index: number,
  pte: number,
  pfn: number,
): number {
  const { frames, policy, tables } = m
  m.beginFault()
  const verdict = policy.wpReuse(m.k, pfn)
  const unsafe = m.decided(SITE_WP, mm, vpn, 1, verdict)
  let taken = pfn
  if (isCopy(verdict)) {
    m.spent += m.cost.copy4k
    taken = copyOf(m, pfn)
    mapCopy(m, mm, vpn, taken, PTE_STORED)
  } else {
    if (unsafe) m.contested.add(pfn)
    m.spent += m.cost.reuse
    if (policy.tracksExclusive) frames.set(pfn, PG_EXCLUSIVE)
    tables.ptes[index] = (pte & ~PTE_TOK) | PTE_STORED
  }
  m.endFault()
  return taken
}
