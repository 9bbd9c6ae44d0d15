/** fork(): copies a process, area by area and table by table. */
import { HUGE_ZERO_PFN, PG_EXCLUSIVE } from '../state/frames.ts'
import { Mm, newVma, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_WRITE, TABLE_PAGES } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { installHuge, pteAlloc } from './alloc.ts'
import {
  ASK_MARKED,
  bitsAfterFork,
  copyPteRange,
  mayCopyAtFork,
  whomForkAsks,
} from './copy-ptes.ts'
import { mapHuge } from './folio.ts'
import { raceWithFork } from './gup-steps.ts'
import { lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import { mmIsForked, pageIsShared } from './own-bits.ts'
import { unmarkHeld } from './plain-fork.ts'
import { shareTable } from './shared-tables.ts'
import { setPmdFlags, splitHugePmd } from './split.ts'

/** Its steps one by one: fork-steps.ts. */
export function fork(m: Machine, parent: Mm, childId: number): void {
  const child = beginFork(m, parent, childId)
  const whom = whomForkAsks(m, parent)
  for (const vma of parent.vmas) if (copiedAtFork(vma)) copyPageRange(m, parent, child, vma, whom)
  if (whom === ASK_MARKED) unmarkHeld(m)
  endFork(m)
}

/** dup_mmap(), but for the page tables: the child, with the parent's areas. */
export function beginFork(m: Machine, parent: Mm, childId: number): Mm {
  const child = new Mm(childId, parent.pmds.length)
  m.k.mms[childId] = child
  child.moved = parent.moved
  m.k.mm = parent
  m.judge.fork(parent.id, childId)
  mmIsForked(m, parent, child)
  raceWithFork(m, parent)
  m.spent += m.cost.forkBase
  for (const vma of parent.vmas) {
    if (vma.dontfork) {
      m.judge.munmap(childId, vma.start, vma.end - vma.start)
      continue
    }
    // The child is not registered with userfaultfd (no UFFD_FEATURE_EVENT_FORK).
    const copy = newVma(vma)
    copy.uffdWp = false
    copy.uffdMissing = false
    copy.uffdMinor = false
    if (vma.anonVma !== 0) {
      // anon_vma_fork(): one of its own, beside the parent's.
      copy.anonVma = ++m.anonVmas
      copy.forked = true
    }
    child.vmas.push(copy)
  }
  return child
}

/** vma_needs_copy(): without an anonymous page the child can fault everything in again. */
export function copiedAtFork(vma: Vma): boolean {
  return vma.anonVma !== 0 && vma.kind !== MAP_SHARED && !vma.dontfork
}

export function endFork(m: Machine): void {
  // The parent and the child at once fault in their own stacks, which turns the batch over.
  lruDrain(m)
  m.endFork()
}

function copyPageRange(m: Machine, parent: Mm, child: Mm, vma: Vma, whom: number): void {
  for (let vpn = vma.start; vpn < vma.end; vpn = (vpn & -TABLE_PAGES) + TABLE_PAGES) {
    const pmd = parent.pmd(vpn)
    if (pmd === 0) continue
    if ((pmd & PMD_HUGE) !== 0 && copyHugePmd(m, parent, child, vpn)) continue
    if (m.policy.tables !== 'copy' && shareTable(m, parent, child, vma, vpn)) continue
    const end = Math.min(vma.end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    const to = pteAlloc(m, child, vpn)
    copyPteRange(m, parent, child, vma, parent.pteIndex(vpn), to, vpn, end, whom)
  }
}

/** copy_huge_pmd(). Returns false if the parent's mapping was split because a page of the folio must be copied. */
export function copyHugePmd(m: Machine, parent: Mm, child: Mm, vpn: number): boolean {
  const { frames, policy } = m
  const pmd = parent.pmd(vpn)
  const head = pmd >>> PFN_SHIFT
  m.k.vpn = vpn
  if (head !== HUGE_ZERO_PFN) {
    if (mayCopyAtFork(m, parent) && policy.forkSplitsHuge(m.k, head)) {
      splitHugePmd(m, parent, vpn)
      return false
    }
    mapHuge(frames, child, head)
    frames.clear(head, PG_EXCLUSIVE)
    pageIsShared(m, head)
  }
  m.spent += m.cost.pmdPerFork
  const shared = pmd & ~PTE_WRITE
  setPmdFlags(m, parent, vpn, shared)
  installHuge(m, child, vpn, shared & bitsAfterFork(m))
  return true
}
