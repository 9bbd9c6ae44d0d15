/**
 * Soft-dirty tracking: clear_refs(4) write-protects what it wants to see written again.
 */
import { PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_TOK,
  PTE_WRITE,
  TABLE_PAGES,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'

/** What clear_refs clears with value 4. */
const CLEAR_REFS_SOFT_DIRTY = 4

/** vma_soft_dirty_enabled(): does a store have to fault so that it is seen? */
export function tracksSoftDirty(m: Machine, vma: Vma): boolean {
  return m.era.softDirty && !vma.softDirty
}

/**
 * Shared memory is mapped writable, by a load too, unless the first store has to fault (vma_wants_writenotify()): where
 * soft-dirty is tracked, or userfaultfd may write-protect. Before the latter, a protected entry that mprotect() changes
 * becomes writable, and the event is lost.
 */
export function mapsShareWritable(m: Machine, vma: Vma): boolean {
  if (vma.kind !== MAP_SHARED || (vma.prot & PROT_WRITE) === 0) return false
  return !(vma.uffdWp && m.era.uffdWritenotify) && !tracksSoftDirty(m, vma)
}

/** clear_refs_write(): no-op where the kernel has no CONFIG_MEM_SOFT_DIRTY, and for other values. */
export function clearRefs(m: Machine, mm: Mm, value: number): void {
  if (!m.era.softDirty || value !== CLEAR_REFS_SOFT_DIRTY) return
  m.k.mm = mm
  m.spent += m.cost.tlbFlush
  for (const vma of mm.vmas) {
    vma.softDirty = false
    clearSoftDirty(m, mm, vma)
  }
}

function clearSoftDirty(m: Machine, mm: Mm, vma: Vma): void {
  for (let vpn = vma.start; vpn < vma.end; vpn = (vpn & -TABLE_PAGES) + TABLE_PAGES) {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) continue
    if ((pmd & PMD_HUGE) !== 0) {
      // The PMD path has no test for pinned pages, in any version.
      mm.pmds[vpn >>> TABLE_SHIFT] = pmd & ~(PTE_WRITE | PTE_SOFT_DIRTY)
      m.tables.ptes.fill(
        0,
        mm.tables[vpn >>> TABLE_SHIFT]!,
        mm.tables[vpn >>> TABLE_SHIFT]! + TABLE_PAGES,
      )
      continue
    }
    unshareForWalk(m, mm, vpn)
    const end = Math.min(vma.end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    for (let page = vpn; page < end; page++) clearSoftDirtyPte(m, mm, vma, page)
  }
}

function clearSoftDirtyPte(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  const { ptes } = m.tables
  const index = mm.pteIndex(vpn)
  const pte = ptes[index]!
  if ((pte & PTE_SWAP) !== 0) {
    ptes[index] = pte & ~PTE_SOFT_DIRTY
    return
  }
  if ((pte & PTE_PRESENT) === 0) return
  m.spent += m.cost.mprotectPerPte
  const pfn = pte >>> PFN_SHIFT
  const cow = vma.kind !== MAP_SHARED && !m.frames.has(pfn, PG_ZERO)
  if (cow && (pte & PTE_WRITE) !== 0 && m.policy.clearRefsSkips(m.k, pfn)) return
  ptes[index] = pte & ~(PTE_WRITE | PTE_SOFT_DIRTY | PTE_TOK)
}
