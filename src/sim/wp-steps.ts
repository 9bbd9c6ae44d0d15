/**
 * A store in steps: do_wp_page() lets go of the page-table lock while it copies, and looks again before it maps the
 * copy. mmap_lock is held for reading from `test` to `recheck`. Every other fault is one step.
 */
import { isCopy, SITE_WP } from '../policy/api.ts'
import { PG_ANON } from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, PTE_TOK, PTE_WRITE } from '../state/tables.ts'
import { MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import { STEP_COPY, STEP_RECHECK, STEP_STORE } from '../trace/steps.ts'
import { store } from './access.ts'
import { dirtyFlags } from './alloc.ts'
import { GOES_ON } from './answers.ts'
import type { Machine } from './machine.ts'
import type { Task } from './task.ts'
import { askToReuse, copyOf, mapCopy, wpPageReuse } from './wp.ts'

export function storeStep(m: Machine, task: Task): number {
  const mm = m.mm(task.mm)
  m.k.mm = mm
  m.k.vpn = task.vpn
  switch (task.step) {
    case STEP_COPY:
      m.spent += m.cost.copy4k
      task.copy = copyOf(m, task.pfn)
      m.frames.hold(task.copy)
      task.step = STEP_RECHECK
      return GOES_ON
    case STEP_RECHECK:
      return recheck(m, mm, task)
    default:
      return attempt(m, mm, task)
  }
}

/** The store itself, or the first half of the fault that it takes. */
function attempt(m: Machine, mm: Mm, task: Task): number {
  const { vpn } = task
  const vma = mm.find(vpn)
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  if (vma === undefined || !meetsWpPage(m, mm, vma, vpn, pte)) return store(m, mm, vpn)
  m.counts.storeFaults++
  m.beginFault()
  const pfn = pte >>> PFN_SHIFT
  const verdict = askToReuse(m, pfn)
  if (isCopy(verdict)) {
    m.verdicts[verdict]!++
    m.judge.copying(mm.id, vpn, verdict)
    m.frames.hold(m.frames.head(pfn))
    task.pfn = pfn
    task.pte = pte & ~PTE_TOK
    task.step = STEP_COPY
    return GOES_ON
  }
  if (m.decided(SITE_WP, mm, vpn, 1, verdict)) m.contested.add(pfn)
  wpPageReuse(m, mm, vma, vpn, verdict)
  m.endFault()
  task.step = STEP_STORE
  return GOES_ON
}

/** Is this an anonymous page behind a read-only entry, about which the policy is to be asked? */
function meetsWpPage(m: Machine, mm: Mm, vma: Vma, vpn: number, pte: number): boolean {
  const pmd = mm.pmd(vpn)
  if ((pmd & PTE_WRITE) === 0 || (pmd & PMD_HUGE) !== 0) return false
  if ((vma.prot & PROT_WRITE) === 0 || vma.kind === MAP_SHARED) return false
  if ((pte & PTE_PRESENT) === 0 || (pte & PTE_WRITE) !== 0) return false
  return !userfaultfdPteWp(vma, pte) && m.frames.has(pte >>> PFN_SHIFT, PG_ANON)
}

/** pte_same(): the copy is mapped if the entry is what it was, else the work was for nothing. */
function recheck(m: Machine, mm: Mm, task: Task): number {
  const { frames } = m
  const { vpn, pfn, copy } = task
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  if ((pte & ~PTE_TOK) === task.pte) {
    mapCopy(m, mm, vpn, copy, dirtyFlags(mm.find(vpn) as Vma))
    m.judge.copied(mm.id, vpn)
  }
  frames.unhold(copy)
  frames.freeIfUnused(copy)
  frames.unhold(frames.head(pfn))
  frames.freeIfUnused(pfn)
  task.pfn = 0
  task.copy = 0
  m.endFault()
  task.step = STEP_STORE
  return GOES_ON
}
