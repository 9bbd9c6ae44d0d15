/**
 * ptrace's store (FOLL_FORCE | FOLL_WRITE | FOLL_GET): through the page table, whatever the area's protection.
 */
import { PG_ANON, PG_DIRTY, PG_DONTCOW } from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PTE_PRESENT, PTE_SOFT_DIRTY, PTE_WRITE } from '../state/tables.ts'
import { MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import { kernelFault } from './access.ts'
import { FAILED, OK } from './answers.ts'
import { forceWrite, tookSwapped } from './gup.ts'
import type { Machine } from './machine.ts'
import { pageIsTaken } from './own-bits.ts'
import { gupBelowSharedTable, gupMarksTable } from './shared-tables.ts'
import { tracksSoftDirty } from './soft-dirty.ts'
import { awaitedEvent } from './userfault.ts'
import { entryAt, frameAt } from './walk.ts'
import { FORCED } from './want.ts'

/** How often the page may have to be brought in before it can be written to. */
const MAX_TRIES = 8

/** Stores to the page at `vpn`. Returns OK, or FAILED if that is not permitted. */
export function poke(m: Machine, mm: Mm, vpn: number): number {
  const vma = mm.find(vpn)
  if (vma === undefined) return FAILED
  if ((vma.prot & PROT_WRITE) === 0 && vma.kind === MAP_SHARED) return FAILED
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    m.k.mm = mm
    m.k.vpn = vpn
    // The walk with the page-table lock breaks a shared table, or (on-demand-fork) does not know of it.
    if (gupBelowSharedTable(m, mm, vpn, FORCED)) return finish(m, mm, vpn)
    const entry = entryAt(m, mm, vpn)
    if (mayWrite(m, mm, vma, vpn, entry)) return finish(m, mm, vpn)
    if ((entry & PTE_PRESENT) === 0) {
      if (awaitedEvent(m, mm, vma, vpn) !== 0) return FAILED
      kernelFault(m, mm, vma, vpn, true)
      // FOLL_COW: in an area that may not be written to the page is the process's own now. Elsewhere it is looked at again.
      const after = entryAt(m, mm, vpn)
      if ((vma.prot & PROT_WRITE) !== 0 || !tookSwapped(entry, after)) continue
      if (userfaultfdPteWp(vma, after) && !ignoresProtection(m, after >>> PFN_SHIFT)) return FAILED
      return finish(m, mm, vpn)
    }
    // A store that would have to wait for userfaultfd's manager, which does not serve the kernel.
    if (userfaultfdPteWp(vma, entry)) return FAILED
    m.beginFault()
    forceWrite(m, mm, vma, vpn)
    m.endFault()
    if ((vma.prot & PROT_WRITE) === 0) return finish(m, mm, vpn)
  }
  throw new Error(`endless poke: process ${mm.id}, page ${vpn}, policy ${m.policy.name}`)
}

/** can_follow_write_pte() until 5.19: FOLL_COW and a dirty entry are enough, whatever else the entry says. */
function ignoresProtection(m: Machine, pfn: number): boolean {
  return m.era.follCow && !m.policy.forcedInPlace(m.k, pfn)
}

/** can_follow_write_pte(): writable, or (since 6.0) exclusive in an area where no fault is wanted for tracking. */
function mayWrite(m: Machine, mm: Mm, vma: Vma, vpn: number, entry: number): boolean {
  if ((entry & PTE_PRESENT) === 0) return false
  if ((entry & PTE_WRITE) !== 0 && (mm.pmd(vpn) & PTE_WRITE) !== 0) return true
  return (
    (vma.prot & PROT_WRITE) === 0 &&
    !userfaultfdPteWp(vma, entry) &&
    (!tracksSoftDirty(m, vma) || (entry & PTE_SOFT_DIRTY) !== 0) &&
    m.policy.forcedInPlace(m.k, entry >>> PFN_SHIFT)
  )
}

function finish(m: Machine, mm: Mm, vpn: number): number {
  const pfn = frameAt(m, mm, vpn)
  if (m.policy.tagsGupPages && m.frames.has(pfn, PG_ANON)) {
    m.frames.set(m.frames.head(pfn), PG_DONTCOW)
  }
  pageIsTaken(m, mm, vpn, pfn, false)
  gupMarksTable(m, mm, vpn)
  // set_page_dirty_lock(), at the end of access_remote_vm().
  m.frames.set(m.frames.head(pfn), PG_DIRTY)
  m.frames.token[pfn] = m.judge.store(mm.id, vpn)
  return OK
}
