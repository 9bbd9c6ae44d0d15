/**
 * Plain pages, reclaimed: anonymous, of order 0, mapped once and in no cache or batch, as nearly every page is that is
 * swapped out. In one piece; what it does, and in which order, is what reclaim.ts does step by step, and the policy is
 * asked the same questions.
 */
import { AFTER_CLEAR, BEFORE_SWAPCACHE, BEFORE_UNMAP } from '../policy/api.ts'
import { MAPCOUNT, PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_SWAPCACHE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
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

export const NOT_PLAIN = ~(PG_EXCLUSIVE | PG_DIRTY)
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
  const { k, frames, policy } = m
  const { ptes } = m.tables
  const { swap } = k
  const { word, token, refs, pins } = frames
  const marker = policy.tracksExclusive ? PTE_SWP_EXCLUSIVE : 0
  for (let vpn = start; vpn < end; vpn++) {
    if ((mm.pmd(vpn) & PMD_KIND) !== PMD_OWN) return vpn
    const index = mm.tables[vpn >>> FULL_TABLE_SHIFT]! + (vpn & (FULL_TABLE_PAGES - 1))
    const pte = ptes[index]!
    const pfn = pte >>> PFN_SHIFT
    const was = word[pfn]!
    if ((pte & PTE_PRESENT) === 0 || (was & PG_ANON) === 0) continue
    if ((was & NOT_PLAIN) !== PG_ANON + 1) return vpn
    if (policy.reclaimRefuses(k, pfn, BEFORE_SWAPCACHE)) {
      m.counts.refusedUnmaps++
      continue
    }
    frames.hold(pfn)
    const slot = swap.alloc(token[pfn]!)
    word[pfn] = was | PG_SWAPCACHE
    frames.slot[pfn] = slot
    swap.cached[slot] = pfn
    if (policy.reclaimRefuses(k, pfn, BEFORE_UNMAP)) {
      m.counts.refusedUnmaps++
      freeReclaimed(m, pfn, false)
      continue
    }
    ptes[index] = 0
    if (policy.reclaimRefuses(k, pfn, AFTER_CLEAR)) {
      ptes[index] = pte
      m.counts.refusedUnmaps++
      freeReclaimed(m, pfn, false)
      continue
    }
    swap.duplicate(slot)
    const exclusive = (was & PG_EXCLUSIVE) !== 0 ? marker : 0
    ptes[index] = (slot << PFN_SHIFT) | PTE_SWAP | exclusive | (pte & KEPT)
    if (refs[pfn] !== 1 || pins[pfn] !== 0) {
      const dirty = (pte & PTE_DIRTY) !== 0 ? PG_DIRTY : 0
      word[pfn] = (was | PG_SWAPCACHE | dirty) & ~(PG_EXCLUSIVE | MAPCOUNT)
      freeReclaimed(m, pfn, false)
      continue
    }
    // Nobody refers to it any more: out of the swapcache, and out of memory.
    frames.unhold(pfn)
    m.spent += m.cost.swapOut
    word[pfn] = 0
    frames.slot[pfn] = 0
    swap.cached[slot] = 0
    frames.freeIfUnused(pfn)
  }
  return end
}
