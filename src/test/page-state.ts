/**
 * page-state: a kernel that holds one page, or one large folio, in a state of the test's choosing, for asking policies.
 */
import {
  HUGE_ORDER,
  PG_ANON,
  PG_DONTCOW,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
} from '../state/frames.ts'
import { Kernel } from '../state/kernel.ts'
import { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_TABLE, PTE_PRESENT, PTE_WRITE } from '../state/tables.ts'

export interface PageState {
  /** Page-table entries that map each page; one number is an order-0 page. */
  readonly mapped?: readonly number[]
  /** PMD entries that map the folio, which is huge then. */
  readonly huge?: number
  /** FOLL_GETs and passing references. */
  readonly refs?: number
  /** FOLL_PINs, by nobody in particular. */
  readonly pins?: number
  /** The process that holds one more of the pins. */
  readonly pinnedBy?: number
  readonly batch?: boolean
  readonly cached?: boolean
  /** Swap entries that name each page's slot; a page that has any is in the swapcache. */
  readonly entries?: number
  readonly exclusive?: boolean
  readonly ksm?: boolean
  readonly dontcow?: boolean
  /** FOLIO_MM_IDS_SHARED */
  readonly mmIdsShared?: boolean
  /** The process at hand, which is process 0, has used FOLL_PIN before. */
  readonly hasPinned?: boolean
  /** The swap entry carried the marker, or the page never was in the swapcache. */
  readonly swapExclusive?: boolean
}

export interface Question {
  readonly k: Kernel
  /** The page that is asked about: the first of its folio. */
  readonly pfn: number
}

/** The page at virtual page 0 of process 0, which faults, forks or pins. */
export function pageIn(state: PageState): Question {
  const k = new Kernel(2048)
  k.mm = new Mm(0)
  k.mm.hasPinned = state.hasPinned ?? false
  k.swapExclusive = state.swapExclusive ?? false
  k.mms[0] = k.mm
  const mapped = state.huge === undefined ? (state.mapped ?? [1]) : new Array<number>(512).fill(0)
  const order = state.huge === undefined ? Math.log2(mapped.length) : HUGE_ORDER
  const pfn = order === 0 ? k.frames.alloc() : k.frames.allocFolio(order)
  map(k, pfn, mapped, state.huge ?? 0)
  hold(k, pfn, state)
  for (let page = pfn; page < pfn + mapped.length; page++) {
    k.frames.set(page, PG_ANON | (state.exclusive ? PG_EXCLUSIVE : 0))
    if (state.cached || state.entries !== undefined) cache(k, page, state.entries ?? 0)
  }
  return { k, pfn }
}

function map(k: Kernel, head: number, mapped: readonly number[], huge: number): void {
  const table = k.tables.alloc()
  k.mm.setPmd(0, PMD_TABLE | PTE_WRITE, table)
  for (const [i, entries] of mapped.entries()) {
    k.frames.word[head + i]! += entries
    if (entries > 0) k.tables.ptes[table + i] = ((head + i) << PFN_SHIFT) | PTE_PRESENT
  }
  k.frames.entire[head] = huge
  if (mapped.length > 1) {
    k.frames.largeMapcount[head] = mapped.reduce((sum, entries) => sum + entries, huge)
  }
}

function hold(k: Kernel, pfn: number, state: PageState): void {
  const { frames } = k
  for (let i = 0; i < (state.refs ?? 0); i++) frames.hold(pfn)
  for (let i = 0; i < (state.pins ?? 0); i++) frames.pin(pfn)
  frames.mmShared[pfn] = state.mmIdsShared ? 1 : 0
  if (state.batch) frames.set(pfn, PG_LRU_BATCH)
  if (state.ksm) frames.set(pfn, PG_KSM)
  if (state.dontcow) frames.set(pfn, PG_DONTCOW)
  if (state.pinnedBy === undefined) return
  frames.pin(pfn)
  const pin = k.holders.newPin(0, state.pinnedBy, 0, 1, true, true, false)
  pin.frames[0] = pfn
  k.holders.add(pfn, pin)
}

function cache(k: Kernel, pfn: number, entries: number): void {
  const slot = k.swap.alloc(0)
  k.swap.count[slot] = entries
  k.swap.cached[slot] = pfn
  k.frames.slot[pfn] = slot
  k.frames.set(pfn, PG_SWAPCACHE)
}
