/**
 * Plain pages, reclaimed: anonymous, of order 0, mapped once and in no cache or batch, as nearly every page is that is
 * swapped out. In one piece; what it does, and in which order, is what reclaim.ts does step by step.
 */
import { AFTER_CLEAR, BEFORE_SWAPCACHE, BEFORE_UNMAP } from '../policy/api.ts'
import {
  MAPCOUNT,
  PG_ANON,
  PG_CACHE,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_SWAPCACHE,
} from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_UFFD_WP,
} from '../state/tables.ts'
import { lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { freeReclaimed, swapOut } from './reclaim.ts'

export const SPECIAL_AT_RECLAIM = ~(PG_EXCLUSIVE | PG_DIRTY)
export const KEPT = PTE_UFFD_WP | PTE_SOFT_DIRTY

/** swapOut() of [start, end), until writeback has ended. */
export function swapOutPages(m: Machine, mm: Mm, start: number, end: number): void {
  lruDrainAll(m)
  m.k.mm = mm
  const rest = reclaimsPlain(m, mm, start, end)
  if (rest < end) swapOut(m, mm, rest, end, false)
  else m.endSwap()
}

/** Reclaims the pages of `mm` from `start` on. Returns the first that is not plain, and untouched; `end` if all are. */
function reclaimsPlain(m: Machine, mm: Mm, start: number, end: number): number {
  if (!m.plain) return start
  for (let vpn = start; vpn < end; ) {
    const stop = Math.min(end, (vpn | (FULL_TABLE_PAGES - 1)) + 1)
    const reached = reclaimsInTable(m, mm, vpn, stop)
    if (reached < stop) return reached
    vpn = stop
  }
  return end
}

/**
 * The same where one page table covers all of [start, end). The policy answers questions about the kernel's state, and
 * of pages that nothing but an entry of this table refers to, the state is what their flags say: so it is asked about the
 * first page of each kind, and what it lets go goes without a word.
 */
function reclaimsInTable(m: Machine, mm: Mm, start: number, end: number): number {
  if ((mm.pmd(start) & PMD_KIND) !== PMD_OWN) return start
  const { frames } = m
  const { swap } = m.k
  const { ptes } = m.tables
  swap.reserve(end - start)
  const { word, token, refs, pins } = frames
  const { count } = swap
  const marker = m.policy.tracksExclusive ? PTE_SWP_EXCLUSIVE : 0
  const table = mm.pteIndex(start) - start
  /** The flags of pages that the policy lets go. */
  let letsGo = 0
  let gone = 0
  let vpn = start
  for (; vpn < end; vpn++) {
    const pte = ptes[table + vpn]!
    const pfn = pte >>> PFN_SHIFT
    const was = word[pfn]!
    if ((pte & PTE_PRESENT) === 0 || (was & (PG_ANON | PG_CACHE)) === 0) continue
    if ((was & SPECIAL_AT_RECLAIM) !== PG_ANON + 1) break
    if (was !== letsGo || (frames.held !== 0 && (refs[pfn] !== 0 || pins[pfn] !== 0))) {
      letsGo = reclaimsPage(m, table + vpn, marker) ? was : 0
      continue
    }
    // Into the swapcache, out of the table, out of the swapcache, and out of memory.
    const slot = swap.alloc(token[pfn]!)
    count[slot] = 1
    const exclusive = (was & PG_EXCLUSIVE) !== 0 ? marker : 0
    ptes[table + vpn] = (slot << PFN_SHIFT) | PTE_SWAP | exclusive | (pte & KEPT)
    frames.release(pfn)
    gone++
  }
  m.spent += gone * m.cost.swapOut
  return vpn
}

/** One page, which the policy is asked about. Returns whether it is gone. */
function reclaimsPage(m: Machine, index: number, marker: number): boolean {
  const { k, frames, policy } = m
  const { ptes } = m.tables
  const { swap } = k
  const { word } = frames
  const pte = ptes[index]!
  const pfn = pte >>> PFN_SHIFT
  const was = word[pfn]!
  if (policy.reclaimRefuses(k, pfn, BEFORE_SWAPCACHE)) {
    m.counts.refusedUnmaps++
    return false
  }
  frames.hold(pfn)
  const slot = swap.alloc(frames.token[pfn]!)
  word[pfn] = was | PG_SWAPCACHE
  frames.slot[pfn] = slot
  swap.cached[slot] = pfn
  let refused = policy.reclaimRefuses(k, pfn, BEFORE_UNMAP)
  if (!refused) {
    ptes[index] = 0
    refused = policy.reclaimRefuses(k, pfn, AFTER_CLEAR)
  }
  if (refused) {
    ptes[index] = pte
    m.counts.refusedUnmaps++
  } else {
    swap.duplicate(slot)
    const exclusive = (was & PG_EXCLUSIVE) !== 0 ? marker : 0
    ptes[index] = (slot << PFN_SHIFT) | PTE_SWAP | exclusive | (pte & KEPT)
    const dirty = (pte & PTE_DIRTY) !== 0 ? PG_DIRTY : 0
    word[pfn] = (was | PG_SWAPCACHE | dirty) & ~(PG_EXCLUSIVE | MAPCOUNT)
  }
  freeReclaimed(m, pfn, false)
  return word[pfn] === 0
}
