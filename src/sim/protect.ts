/**
 * mprotect: change_protection(), and the writable upgrade that spares a fault where a page is known to be exclusive.
 */
import { HUGE_PAGES, PG_ANON } from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_TOK,
  PTE_WRITE,
  TABLE_PAGES,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import { FAILED, OK } from './answers.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { mapsShareWritable } from './soft-dirty.ts'
import { carveOne, changeAreas, setPmdFlags, splitHugePmd } from './split.ts'
import { mayUpgrade } from './uffd.ts'

export function mprotect(m: Machine, mm: Mm, start: number, end: number, prot: number): number {
  m.k.mm = mm
  // mprotect_fixup(): nothing to do where the protection stays the same.
  const only = mm.find(start)
  let stop = end
  if (only !== undefined && only.end >= end) {
    // Nearly always the range lies in one area.
    if (only.prot !== prot) {
      const piece = carveOne(m, mm, start, end)
      protect(m, mm, piece, prot)
      mm.merge(piece, m.era.mergesUntouched)
    }
  } else {
    // Where nothing is mapped it ends with ENOMEM.
    stop = mm.firstHole(start, end)
    changeAreas(
      m,
      mm,
      start,
      stop,
      (vma) => vma.prot !== prot,
      (vma) => protect(m, mm, vma, prot),
    )
  }
  m.spent += m.cost.tlbFlush
  m.endCall()
  return stop === end ? OK : FAILED
}

function protect(m: Machine, mm: Mm, vma: Vma, prot: number): void {
  vma.prot = prot
  account(m, vma)
  for (let vpn = vma.start; vpn < vma.end; ) {
    const stop = Math.min(vma.end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    changeProtection(m, mm, vma, vpn, stop)
    vpn = stop
  }
}

/** mprotect_fixup(): what may be written to is charged; since 6.5 what never was written to is given back. */
function account(m: Machine, vma: Vma): void {
  if ((vma.prot & PROT_WRITE) !== 0) vma.accounted = true
  else if (m.era.unaccounts && vma.kind === MAP_PRIVATE_ANON && vma.anonVma === 0)
    vma.accounted = false
}

/** Of the pages [start, end), which lie in one 2 MiB range. */
function changeProtection(m: Machine, mm: Mm, vma: Vma, start: number, end: number): void {
  const tryWritable = (vma.prot & PROT_WRITE) !== 0
  const pmd = mm.pmd(start)
  if (pmd === 0) return
  if ((pmd & PMD_HUGE) !== 0) {
    if (end - start === HUGE_PAGES) {
      m.spent += m.cost.mprotectPerPte
      const upgrade = tryWritable && upgradesPmd(m, vma, pmd)
      setPmdFlags(m, mm, start, (pmd & ~PTE_WRITE) | (upgrade ? PTE_WRITE : 0))
      return
    }
    splitHugePmd(m, mm, start)
  } else unshareForWalk(m, mm, start)
  const { ptes } = m.tables
  const first = mm.pteIndex(start)
  let changed = 0
  for (let i = first; i < first + end - start; i++) {
    const pte = ptes[i]!
    if ((pte & PTE_PRESENT) === 0) continue
    changed++
    const upgrade = tryWritable && upgradesPte(m, vma, pte)
    ptes[i] = (pte & ~(PTE_WRITE | PTE_TOK)) | (upgrade ? PTE_WRITE : 0)
  }
  m.spent += changed * m.cost.mprotectPerPte
}

function upgradesPte(m: Machine, vma: Vma, pte: number): boolean {
  const pfn = pte >>> PFN_SHIFT
  const dirty = (pte & PTE_DIRTY) !== 0
  if (vma.kind === MAP_SHARED) return mapsShareWritable(m, vma)
  if (userfaultfdPteWp(vma, pte) || !mayUpgrade(m, vma, pte)) return false
  return m.frames.has(pfn, PG_ANON) && m.policy.upgradesPte(m.k, pfn, dirty)
}

function upgradesPmd(m: Machine, vma: Vma, pmd: number): boolean {
  const head = pmd >>> PFN_SHIFT
  if (vma.kind === MAP_SHARED) return mapsShareWritable(m, vma)
  if (userfaultfdPteWp(vma, pmd) || !mayUpgrade(m, vma, pmd)) return false
  return m.frames.has(head, PG_ANON) && m.policy.upgradesPmd(m.k, head, (pmd & PTE_DIRTY) !== 0)
}
