/**
 * fork in steps, entry by entry. The parent's mmap_lock is held for writing from `begin` to `end`, so that it cannot
 * fault; GUP-fast and devices take no lock.
 */
import { PG_ANON } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, TABLE_PAGES, TABLE_SHIFT } from '../state/tables.ts'
import {
  STEP_BEGIN,
  STEP_END,
  STEP_PMD,
  STEP_SHARE,
  STEP_TABLE,
  STEP_TEST,
} from '../trace/steps.ts'
import { pteAlloc } from './alloc.ts'
import { GOES_ON, OK } from './answers.ts'
import { ASK_NONE, copyPresentPage, copyPteRange, mayCopyAtFork, mustCopy } from './copy-ptes.ts'
import { beginFork, copiedAtFork, copyHugePmd, endFork } from './fork.ts'
import { tableLocked } from './locks.ts'
import type { Machine } from './machine.ts'
import { pageIsShared } from './own-bits.ts'
import { shareTable } from './shared-tables.ts'
import type { Task } from './task.ts'

export function forkStep(m: Machine, task: Task): number {
  const parent = m.mm(task.mm)
  m.k.mm = parent
  if (task.step === STEP_BEGIN) {
    const child = beginFork(m, parent, task.operand)
    task.vpn = 0
    task.at = -1
    seek(m, parent, child, task)
    return GOES_ON
  }
  if (task.step === STEP_END) {
    endFork(m)
    return OK
  }
  const child = m.mm(task.operand)
  const vma = parent.find(task.vpn) as Vma
  switch (task.step) {
    case STEP_PMD:
      catchUp(m, task, vma)
      if (copyHugePmd(m, parent, child, task.vpn)) leaveTable(task)
      break
    case STEP_TABLE:
      catchUp(m, task, vma)
      if (shareTable(m, parent, child, vma, task.vpn)) leaveTable(task)
      else enterTable(m, child, vma, task)
      break
    case STEP_TEST:
      if (test(m, parent, task)) return GOES_ON
      break
    default:
      share(m, parent, child, vma, task)
  }
  seek(m, parent, child, task)
  return GOES_ON
}

/** The judge's child is as old as the fork; what the parent has stored to these pages since then is copied too. */
function catchUp(m: Machine, { mm, operand, vpn }: Task, vma: Vma): void {
  const start = Math.max(vma.start, vpn & -TABLE_PAGES)
  const end = Math.min(vma.end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
  m.judge.forkedPages(mm, operand, start, end - start)
}

/** Under the page-table lock, which is held until the entry is shared. Returns false if the entry has gone meanwhile. */
function test(m: Machine, parent: Mm, task: Task): boolean {
  const { vpn } = task
  const pte = m.tables.ptes[parent.pteIndex(vpn)]!
  if (pte === 0) {
    task.vpn++
    return false
  }
  const pfn = pte >>> PFN_SHIFT
  const asks = (pte & PTE_PRESENT) !== 0 && m.frames.has(pfn, PG_ANON) && mayCopyAtFork(m, parent)
  task.copies = asks && mustCopy(m, vpn, pfn) ? 1 : 0
  if (asks && task.copies === 0) pageIsShared(m, pfn)
  task.ptl = parent.tables[vpn >>> TABLE_SHIFT]!
  task.step = STEP_SHARE
  return true
}

function share(m: Machine, parent: Mm, child: Mm, vma: Vma, task: Task): void {
  const { vpn } = task
  const from = parent.pteIndex(vpn)
  const to = child.pteIndex(vpn)
  m.judge.forkedPages(parent.id, child.id, vpn, 1)
  if (task.copies === 1) {
    copyPresentPage(m, parent, child, vma, vpn, from, to)
    m.spent += m.cost.ptePerFork
  } else copyPteRange(m, parent, child, vma, from, to, vpn, vpn + 1, ASK_NONE)
  task.ptl = 0
  task.copies = 0
  task.vpn++
}

function leaveTable(task: Task): void {
  task.vpn = (task.vpn & -TABLE_PAGES) + TABLE_PAGES
}

/** From here on the table is copied entry by entry. `at` is where the area begins in it. */
function enterTable(m: Machine, child: Mm, vma: Vma, task: Task): void {
  task.at = Math.max(vma.start, task.vpn & -TABLE_PAGES)
  pteAlloc(m, child, task.vpn)
}

/** Goes on to the next huge mapping, page table or entry that has to be copied, in the order of copyPageRange(). */
function seek(m: Machine, parent: Mm, child: Mm, task: Task): void {
  for (const vma of parent.vmas) {
    if (vma.end <= task.vpn || !copiedAtFork(vma)) continue
    task.vpn = Math.max(task.vpn, vma.start)
    while (task.vpn < vma.end) if (foundWork(m, parent, child, vma, task)) return
  }
  task.step = STEP_END
}

/** Looks at one page table, and leaves it if there is nothing to be done. */
function foundWork(m: Machine, parent: Mm, child: Mm, vma: Vma, task: Task): boolean {
  const pmd = parent.pmd(task.vpn)
  if (pmd !== 0 && task.at !== Math.max(vma.start, task.vpn & -TABLE_PAGES)) {
    const whole = (pmd & PMD_HUGE) !== 0 ? STEP_PMD : STEP_TABLE
    if (whole === STEP_PMD || m.policy.tables !== 'copy') {
      task.step = whole
      return true
    }
    enterTable(m, child, vma, task)
  }
  const end = Math.min(vma.end, (task.vpn & -TABLE_PAGES) + TABLE_PAGES)
  // Whoever has the table's lock may put back what is not there now: `test` waits, and looks.
  const locked = tableLocked(m, parent.id, task.vpn)
  for (; pmd !== 0 && task.vpn < end; task.vpn++) {
    if (m.tables.ptes[parent.pteIndex(task.vpn)] === 0 && !locked) continue
    task.step = STEP_TEST
    return true
  }
  task.vpn = end
  return false
}
