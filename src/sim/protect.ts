/**
 * mprotect: change_protection(), and the writable upgrade that spares a fault where a page is known to be exclusive.
 */
import { HUGE_PAGES, PG_ANON } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { changeAreas, setPmdFlags, splitHugePmd } from './split.ts'
import { mayUpgrade } from './uffd.ts'
import { forEachPmd } from './walk.ts'

export function mprotect(m: Machine, mm: Mm, start: number, end: number, prot: number): number {
  m.k.mm = mm
  if (!mm.covers(start, end)) return FAILED
  // mprotect_fixup(): nothing to do where the protection stays the same.
  changeAreas(
    m,
    mm,
    start,
    end,
    (vma) => vma.prot !== prot,
    (vma) => {
      vma.prot = prot
      account(m, vma)
      changeProtection(m, mm, vma)
    },
  )
  m.spent += m.cost.tlbFlush
  m.endCall()
  return OK
}

/** mprotect_fixup(): what may be written to is charged; since 6.5 what never was written to is given back. */
function account(m: Machine, vma: Vma): void {
  if ((vma.prot & PROT_WRITE) !== 0) vma.accounted = true
  else if (m.era.unaccounts && vma.kind === MAP_PRIVATE_ANON && vma.anonVma === 0)
    vma.accounted = false
}

function changeProtection(m: Machine, mm: Mm, vma: Vma): void {
  const tryWritable = (vma.prot & PROT_WRITE) !== 0
  forEachPmd(vma.start, vma.end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    if ((pmd & PMD_HUGE) !== 0) {
      if (stop - vpn === HUGE_PAGES) {
        m.spent += m.cost.mprotectPerPte
        const upgrade = tryWritable && upgradesPmd(m, vma, pmd)
        setPmdFlags(m, mm, vpn, (pmd & ~PTE_WRITE) | (upgrade ? PTE_WRITE : 0))
        return
      }
      splitHugePmd(m, mm, vpn)
    } else unshareForWalk(m, mm, vpn)
    const { ptes } = m.tables
    const first = mm.pteIndex(vpn)
    for (let i = first; i < first + stop - vpn; i++) {
      const pte = ptes[i]!
      if ((pte & PTE_PRESENT) === 0) continue
      m.spent += m.cost.mprotectPerPte
      const upgrade = tryWritable && upgradesPte(m, vma, pte)
      ptes[i] = (pte & ~(PTE_WRITE | PTE_TOK)) | (upgrade ? PTE_WRITE : 0)
    }
  })
}

function upgradesPte(m: Machine, vma: Vma, pte: number): boolean {
  const pfn = pte >>> PFN_SHIFT
  const dirty = (pte & PTE_DIRTY) !== 0
  if ((pte & PTE_UFFD_WP) !== 0 || !mayUpgrade(m, vma, pte)) return false
  // Shared memory is not write-protected to be tracked.
  if (vma.kind === MAP_SHARED) return true
  return m.frames.has(pfn, PG_ANON) && m.policy.upgradesPte(m.k, pfn, dirty)
}

function upgradesPmd(m: Machine, vma: Vma, pmd: number): boolean {
  const head = pmd >>> PFN_SHIFT
  if ((pmd & PTE_UFFD_WP) !== 0 || !mayUpgrade(m, vma, pmd)) return false
  if (vma.kind === MAP_SHARED) return true
  return m.frames.has(head, PG_ANON) && m.policy.upgradesPmd(m.k, head, (pmd & PTE_DIRTY) !== 0)
}
