/**
 * get_user_pages_fast() of one page in steps: it reads the entry, takes the reference and looks again, without any lock.
 * What it cannot have that way it gets the slow way, which sleeps on mmap_lock.
 */
import { GUP_TAKE } from '../policy/api.ts'
import { PG_ZERO } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PTE_TOK, PTE_WRITE } from '../state/tables.ts'
import { OP_PIN } from '../trace/ops.ts'
import {
  STEP_END,
  STEP_EXCLUSIVE,
  STEP_GRAB,
  STEP_READ,
  STEP_RECHECK,
  STEP_SLOW,
} from '../trace/steps.ts'
import { GOES_ON, OK } from './answers.ts'
import { gupBegins, newPin, observed, pinAs, readEntry } from './gup.ts'
import { entryNeeds } from './gup-needs.ts'
import { forks } from './locks.ts'
import type { Machine } from './machine.ts'
import { pageIsTaken } from './own-bits.ts'
import { forgetPin, getPage, putPage } from './pins.ts'
import { findsBelowSharedTable, gupMarksTable } from './shared-tables.ts'
import type { Task } from './task.ts'
import { entryAt, frameAt } from './walk.ts'
import { type Want, wantOf } from './want.ts'

export function gupStep(m: Machine, task: Task): number {
  const mm = m.mm(task.mm)
  const want = wantOf(m.era, task.operand)
  m.k.mm = mm
  m.k.vpn = task.vpn
  switch (task.step) {
    case STEP_READ:
      return read(m, mm, task, want)
    case STEP_GRAB:
      return grab(m, mm, task, want)
    case STEP_RECHECK:
      return recheck(m, mm, task, want)
    case STEP_EXCLUSIVE:
      if (entryNeeds(m, mm, task.vpn, task.pte, want) !== GUP_TAKE) return giveUp(m, task)
      task.step = STEP_END
      return GOES_ON
    case STEP_END:
      return end(m, mm, task, want)
    default:
      // Whoever came here from the lockless walk has begun already.
      if (want.slow) gupBegins(m, mm, want)
      return pinAs(m, mm, task.vpn, 1, { ...want, slow: true }, task.pin)
  }
}

/** A fork of `parent` begins: what GUP-fast has read since it looked at write_protect_seq is not to be trusted. */
export function raceWithFork(m: Machine, parent: Mm): void {
  for (const task of m.tasks) if (task.op === OP_PIN && task.mm === parent.id) task.raced = 1
}

function read(m: Machine, mm: Mm, task: Task, want: Want): number {
  gupBegins(m, mm, want)
  task.raced = forks(m, mm.id) ? 1 : 0
  task.pte = readEntry(m, mm, task.vpn, want)
  const odd = want.follPin && m.policy.writeProtectSeq && task.raced === 1
  task.step = task.pte === 0 || odd ? STEP_SLOW : STEP_GRAB
  if (task.step === STEP_GRAB) task.pfn = frameAt(m, mm, task.vpn)
  return GOES_ON
}

/** try_get_folio(): a page that nobody refers to any more is not revived. */
function grab(m: Machine, mm: Mm, task: Task, want: Want): number {
  const { frames } = m
  const { pfn } = task
  if (frames.pageCount(pfn) === 0 && !frames.has(pfn, PG_ZERO)) {
    task.pfn = 0
    task.step = STEP_SLOW
    return GOES_ON
  }
  const taken = newPin(m, task.pin, mm, task.vpn, 1, want)
  taken.frames[0] = pfn
  pageIsTaken(m, mm, task.vpn, pfn, want.follPin)
  getPage(m, taken, 0)
  m.k.pins.set(task.pin, taken)
  task.step = STEP_RECHECK
  return GOES_ON
}

function recheck(m: Machine, mm: Mm, task: Task, want: Want): number {
  const { vpn, pte } = task
  if ((entryAt(m, mm, vpn) & ~PTE_TOK) !== pte) {
    putBack(m, task)
    return GOES_ON
  }
  // The reference is there to stay: whoever looks for one finds it, and what goes through it is seen.
  observed(m, mm, vpn)
  m.judge.pin(task.pin, mm.id, vpn, 1, want.hold)
  const below = findsBelowSharedTable(m, mm, vpn, want)
  task.step = want.follPin && (pte & PTE_WRITE) === 0 && !below ? STEP_EXCLUSIVE : STEP_END
  return GOES_ON
}

function end(m: Machine, mm: Mm, task: Task, want: Want): number {
  if (want.follPin && m.policy.writeProtectSeq && task.raced === 1) return giveUp(m, task)
  gupMarksTable(m, mm, task.vpn)
  m.spent += m.cost.pinPerPage
  m.endCall()
  return OK
}

/** The reference was a mistake after all. */
function giveUp(m: Machine, task: Task): number {
  m.judge.unpin(task.pin)
  putBack(m, task)
  return GOES_ON
}

function putBack(m: Machine, task: Task): void {
  const taken = m.k.pins.get(task.pin)
  if (taken === undefined) throw new Error(`broken task: ${task.id} holds no pin ${task.pin}`)
  putPage(m, taken, 0)
  forgetPin(m, taken)
  task.pfn = 0
  task.step = STEP_SLOW
}
