/**
 * NUMA balancing on one node: the scan takes access away, the hint fault gives it back. Nothing is migrated.
 */
import { pageMaybeDmaPinned } from '../policy/api.ts'
import { PG_ANON } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { mappedShared } from './lazyfree.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { mayUpgrade } from './uffd.ts'

/** change_prot_numa() over [start, end), and do_numa_page() for each page it took. */
export function numaHint(m: Machine, mm: Mm, start: number, end: number): void {
  m.k.mm = mm
  for (let vpn = start; vpn < end; vpn++) {
    if ((mm.pmd(vpn) & PMD_HUGE) !== 0) continue
    const pte = m.tables.ptes[mm.pteIndex(vpn)]!
    if ((pte & PTE_PRESENT) !== 0 && m.frames.has(pte >>> PFN_SHIFT, PG_ANON)) hint(m, mm, vpn, pte)
  }
}

/** Pages that others use as well are not worth moving, or cannot be moved. */
function skips(m: Machine, pfn: number): boolean {
  const { frames, era, k } = m
  switch (era.numaSkips) {
    case 'pinned':
      return mappedShared(m, pfn) || pageMaybeDmaPinned(k, pfn)
    case 'referenced':
      return frames.pageCount(pfn) !== 1
    default:
      return mappedShared(m, pfn)
  }
}

/** The write bit was saved and comes back; since 6.2 an exclusive page may gain it. */
function hint(m: Machine, mm: Mm, vpn: number, pte: number): void {
  const pfn = pte >>> PFN_SHIFT
  const vma = mm.find(vpn)
  if (vma === undefined || skips(m, pfn)) return
  unshareForWalk(m, mm, vpn)
  m.counts.loadFaults++
  m.beginFault()
  const gains =
    m.policy.wpResolveWritable &&
    (pte & PTE_UFFD_WP) === 0 &&
    mayUpgrade(m, vma, pte) &&
    m.policy.upgradesPte(m.k, pfn, (pte & PTE_DIRTY) !== 0)
  m.tables.ptes[mm.pteIndex(vpn)] = (pte & ~PTE_TOK) | (gains ? PTE_WRITE : 0)
  m.endFault()
}
