/**
 * Locks: which operation would sleep while others are in the middle of theirs. Who holds what follows from the step that
 * a task is at:
 *
 *   mmap_lock    a fork for writing, from its begin to its end; do_wp_page for reading, from its test to its recheck
 *   page table   a fork between test and share, reclaim from lock to retest (Task.ptl)
 *   page         reclaim, from its isolation to its end
 *
 * Nothing is asked while there are no tasks. Where a kernel would try a lock and do without (reclaim, KSM, migration of a
 * page that is locked), the operation waits here: the same orders of events remain possible.
 */
import { GUP_TAKE } from '../policy/api.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_TOK,
  PTE_WRITE,
  TABLE_SHIFT,
} from '../state/tables.ts'
import {
  MADV_DONTNEED,
  MADV_FREE,
  OP_CLEAR_REFS,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_EXEC,
  OP_EXIT,
  OP_FOLIO_SPLIT,
  OP_FORK,
  OP_KHUGEPAGED,
  OP_KSM_WAIT,
  OP_LOAD,
  OP_MADVISE,
  OP_MIGRATE,
  OP_MMAP,
  OP_MPROTECT,
  OP_MREMAP,
  OP_MUNMAP,
  OP_NUMA_HINT,
  OP_PIN,
  OP_POKE,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UFFD_REGISTER,
  OP_UFFD_RESOLVE,
  OP_UFFD_WP,
  OP_UNPIN,
  OP_WRITEBACK,
} from '../trace/ops.ts'
import {
  STEP_BEGIN,
  STEP_COPY,
  STEP_ISOLATE,
  STEP_LOCK,
  STEP_PMD,
  STEP_RECHECK,
  STEP_SLOW,
  STEP_STORE,
  STEP_TABLE,
  STEP_TEST,
} from '../trace/steps.ts'
import { readEntry } from './gup.ts'
import { entryNeeds } from './gup-needs.ts'
import type { Machine } from './machine.ts'
import { nextMapper } from './reclaim-steps.ts'
import type { Task } from './task.ts'
import { anonFrame, entryAt } from './walk.ts'
import { wantOf } from './want.ts'

/** Would the operation sleep? Its operands are those of src/trace/ops.ts. */
export function mustWait(
  m: Machine,
  op: number,
  mm: number,
  a: number,
  b: number,
  c: number,
): boolean {
  if (notBornYet(m, mm)) return true
  switch (op) {
    case OP_LOAD:
      return accessWaits(m, mm, a, false)
    case OP_STORE:
    case OP_STORE_SAME:
    case OP_POKE:
      return accessWaits(m, mm, a, true)
    case OP_PIN:
      return pinWaits(m, mm, a, b, c)
    case OP_UNPIN:
    case OP_DEVREAD:
    case OP_DEVWRITE:
      return m.tasks.some((task) => task.op === OP_PIN && task.pin === a)
    case OP_EXEC:
    case OP_EXIT:
      return runs(m, mm) || anyTableLocked(m, mm)
    case OP_FORK:
    case OP_MMAP:
    case OP_MUNMAP:
    case OP_MPROTECT:
    case OP_MREMAP:
    case OP_UFFD_REGISTER:
    case OP_UFFD_RESOLVE:
    case OP_UFFD_WP:
    case OP_CLEAR_REFS:
      return forks(m, mm) || faults(m, mm) || anyTableLocked(m, mm)
    case OP_KHUGEPAGED:
      return forks(m, mm) || faults(m, mm) || reclaims(m)
    case OP_MADVISE:
      if (c === MADV_DONTNEED) return forks(m, mm) || anyTableLocked(m, mm)
      if (c === MADV_FREE) return forks(m, mm) || reclaims(m)
      return forks(m, mm) || faults(m, mm) || reclaims(m)
    case OP_KSM_WAIT:
      return m.tasks.some((task) => forks(m, task.mm)) || reclaims(m)
    case OP_NUMA_HINT:
      return forks(m, mm) || reclaims(m)
    case OP_SWAPOUT:
    case OP_WRITEBACK:
    case OP_MIGRATE:
    case OP_FOLIO_SPLIT:
      return reclaims(m)
    default:
      return false
  }
}

/** Would the task's next step sleep? A task that would not is enabled. */
export function waits(m: Machine, task: Task): boolean {
  const { mm, vpn } = task
  if (notBornYet(m, mm)) return true
  switch (task.step) {
    case STEP_BEGIN:
      return forks(m, mm) || faults(m, mm)
    case STEP_TABLE:
    case STEP_PMD:
      return tableLocked(m, mm, vpn)
    case STEP_TEST:
      return task.op === OP_FORK ? tableLocked(m, mm, vpn) : accessWaits(m, mm, vpn, true)
    case STEP_STORE:
      return accessWaits(m, mm, vpn, true)
    case STEP_RECHECK:
      return task.op === OP_STORE && tableLocked(m, mm, vpn)
    case STEP_SLOW:
      return slowWaits(m, mm, vpn, task.operand)
    case STEP_ISOLATE: {
      const owner = m.k.mms[mm]
      return owner !== undefined && pageLocked(m, anonFrame(m, owner, vpn))
    }
    case STEP_LOCK: {
      const mapper = nextMapper(m, task)
      return mapper !== undefined && tableLocked(m, mapper.mm.id, mapper.vpn)
    }
    default:
      return false
  }
}

/** A child does not run before its fork is over. */
function notBornYet(m: Machine, mm: number): boolean {
  return m.tasks.some((task) => task.op === OP_FORK && task.operand === mm)
}

/** Has the process threads of its own in the middle of something? */
function runs(m: Machine, mm: number): boolean {
  return m.tasks.some((task) => task.mm === mm && task.op !== OP_SWAPOUT)
}

/** mmap_lock is held for writing. */
export function forks(m: Machine, mm: number): boolean {
  return m.tasks.some((task) => task.op === OP_FORK && task.mm === mm && task.step !== STEP_BEGIN)
}

/** mmap_lock is held for reading. */
function faults(m: Machine, mm: number): boolean {
  return m.tasks.some(
    (task) =>
      task.op === OP_STORE &&
      task.mm === mm &&
      (task.step === STEP_COPY || task.step === STEP_RECHECK),
  )
}

/** Some page is locked, and its mappings are being looked for. */
function reclaims(m: Machine): boolean {
  return m.tasks.some((task) => task.ptl !== 0 || isReclaiming(task))
}

function isReclaiming(task: Task): boolean {
  return task.op === OP_SWAPOUT && task.step !== STEP_ISOLATE
}

/** Does somebody hold the lock of the page table at `vpn`? */
export function tableLocked(m: Machine, mm: number, vpn: number): boolean {
  const table = m.mm(mm).tables[vpn >>> TABLE_SHIFT] ?? 0
  return table !== 0 && m.tasks.some((task) => task.ptl === table)
}

function anyTableLocked(m: Machine, mm: number): boolean {
  return m.tasks.some((task) => task.ptl !== 0 && m.mm(mm).tables.includes(task.ptl))
}

function pageLocked(m: Machine, pfn: number): boolean {
  const head = m.frames.head(pfn)
  return pfn !== 0 && m.tasks.some((task) => isReclaiming(task) && task.pfn === head)
}

/** A load or store sleeps only if it takes a fault. */
function accessWaits(m: Machine, id: number, vpn: number, write: boolean): boolean {
  const mm = m.k.mms[id]
  if (mm === undefined || mm.find(vpn) === undefined) return false
  const entry = entryAt(m, mm, vpn)
  const pmd = mm.pmd(vpn)
  const present = (entry & PTE_PRESENT) !== 0
  if (present && (!write || (entry & pmd & PTE_WRITE) !== 0)) return false
  return faultWaits(m, id, vpn)
}

/** handle_mm_fault() wants mmap_lock, the page table and the page that it finds there, or in the swapcache. */
function faultWaits(m: Machine, id: number, vpn: number): boolean {
  if (forks(m, id) || tableLocked(m, id, vpn)) return true
  const mm = m.mm(id)
  const entry = entryAt(m, mm, vpn)
  const target = entry >>> PFN_SHIFT
  if ((entry & PTE_SWAP) !== 0) return pageLocked(m, m.k.swap.cached[target]!)
  const huge = (mm.pmd(vpn) & PMD_HUGE) !== 0
  return (entry & PTE_PRESENT) !== 0 && !huge && pageLocked(m, target)
}

/** GUP-fast never sleeps, unless it finds what only the slow way can have. */
function pinWaits(m: Machine, id: number, vpn: number, pages: number, kind: number): boolean {
  const mm = m.k.mms[id]
  if (mm === undefined) return false
  const want = wantOf(m.era, kind)
  const seesFork = want.follPin && m.policy.writeProtectSeq && forks(m, id)
  for (let at = vpn; at < vpn + pages; at++) {
    const entry = seesFork ? 0 : readEntry(m, mm, at, want)
    const fast = entry !== 0 && entryNeeds(m, mm, at, entry, want) === GUP_TAKE
    if (!fast && slowWaits(m, id, at, kind)) return true
  }
  return false
}

/** get_user_pages() takes mmap_lock and the page table's, and faults where it has to. */
function slowWaits(m: Machine, id: number, vpn: number, kind: number): boolean {
  const mm = m.k.mms[id]
  if (mm === undefined || mm.find(vpn) === undefined) return false
  if (forks(m, id) || tableLocked(m, id, vpn)) return true
  m.k.mm = mm
  m.k.vpn = vpn
  const entry = entryAt(m, mm, vpn) & ~PTE_TOK
  const taken =
    (entry & PTE_PRESENT) !== 0 && entryNeeds(m, mm, vpn, entry, wantOf(m.era, kind)) === GUP_TAKE
  return !taken && faultWaits(m, id, vpn)
}
