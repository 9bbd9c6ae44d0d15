/**
 * Reclaim of one page in steps: shrink_folio_list() holds the page lock throughout, the page-table lock from `lock` to
 * `retest`.
 */
import { pageMapcount } from '../policy/api.ts'
import { PG_SWAPCACHE } from '../state/frames.ts'
import { TABLE_SHIFT } from '../state/tables.ts'
import {
  STEP_CLEAR,
  STEP_FREE,
  STEP_ISOLATE,
  STEP_LOCK,
  STEP_RETEST,
  STEP_SWAPCACHE,
} from '../trace/steps.ts'
import { GOES_ON, OK } from './answers.ts'
import { lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import {
  clearEntry,
  enterSwapCache,
  folioToReclaim,
  freeReclaimed,
  isolateFolio,
  refusesToUnmap,
  replaceCleared,
} from './reclaim.ts'
import { unmapCached } from './reclaim-cached.ts'
import { type Mapper, mappersOf } from './rmap.ts'
import { unshareForReclaim } from './shared-tables.ts'
import type { Task } from './task.ts'
import { anonFrame } from './walk.ts'

export function reclaimStep(m: Machine, task: Task): number {
  const mm = m.k.mms[task.mm]
  if (mm !== undefined) m.k.mm = mm
  switch (task.step) {
    case STEP_ISOLATE:
      return isolate(m, task)
    case STEP_SWAPCACHE:
      enterSwapCache(m, task.pfn)
      task.step = STEP_LOCK
      return GOES_ON
    case STEP_LOCK:
      return lock(m, task)
    case STEP_CLEAR:
      task.pte = clearEntry(m, m.mm(task.mapper), task.at)
      task.step = STEP_RETEST
      return GOES_ON
    case STEP_RETEST:
      return retest(m, task)
    default:
      return free(m, task)
  }
}

function isolate(m: Machine, task: Task): number {
  lruDrain(m)
  const { vpn } = task
  const mm = m.k.mms[task.mm]
  const pfn = mm === undefined ? 0 : anonFrame(m, mm, vpn)
  const folio = mm === undefined || pfn === 0 ? 0 : folioToReclaim(m, mm, vpn, pfn, vpn, vpn + 1)
  if (mm !== undefined) unmapCached(m, mm, vpn, vpn + 1, false)
  if (folio === 0 || !isolateFolio(m, folio, vpn)) {
    m.endSwap()
    return OK
  }
  task.pfn = folio
  task.step = STEP_SWAPCACHE
  return GOES_ON
}

/** Whoever maps the page next, if anybody still does. */
export function nextMapper(m: Machine, { pfn, vpn }: Task): Mapper | undefined {
  return pageMapcount(m.k, pfn) === 0 ? undefined : mappersOf(m, pfn, vpn)[0]
}

function lock(m: Machine, task: Task): number {
  const mapper = nextMapper(m, task)
  if (mapper === undefined) return free(m, task)
  const { mm, vpn } = mapper
  if (!unshareForReclaim(m, mm, vpn)) return GOES_ON
  if (refusesToUnmap(m, task.pfn, vpn)) {
    m.counts.refusedUnmaps++
    task.step = STEP_FREE
    return GOES_ON
  }
  task.mapper = mm.id
  task.at = vpn
  task.ptl = mm.tables[vpn >>> TABLE_SHIFT]!
  task.step = STEP_CLEAR
  return GOES_ON
}

function retest(m: Machine, task: Task): number {
  const unmapped = replaceCleared(m, m.mm(task.mapper), task.at, task.pfn, task.pte)
  if (!unmapped) m.counts.refusedUnmaps++
  task.ptl = 0
  task.step = unmapped && pageMapcount(m.k, task.pfn) !== 0 ? STEP_LOCK : STEP_FREE
  return GOES_ON
}

function free(m: Machine, { pfn }: Task): number {
  const { frames } = m
  // Whoever dropped the last mapping has taken the page out of the swapcache already.
  if (frames.has(pfn, PG_SWAPCACHE)) freeReclaimed(m, pfn, false)
  else {
    frames.unhold(pfn)
    frames.freeIfUnused(pfn)
  }
  m.endSwap()
  return OK
}
