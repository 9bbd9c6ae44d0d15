/**
 * The swapcache: a page that has a swap slot and is in memory too, until its last swap entry is gone.
 */
import { PG_DIRTY, PG_KSM, PG_SWAPCACHE, PG_WRITEBACK } from '../state/frames.ts'
import type { Machine } from './machine.ts'

/** Puts each page of the folio into the swapcache, on slots of their own: +1 reference a page. */
export function addToSwap(m: Machine, head: number): void {
  const { frames } = m
  frames.set(head, PG_SWAPCACHE)
  for (let pfn = head; pfn < head + frames.pages(head); pfn++) {
    const slot = m.k.swap.alloc(frames.token[pfn]!)
    frames.slot[pfn] = slot
    m.k.swap.cached[slot] = pfn
    if (frames.has(pfn, PG_KSM)) slotIsMerged(m, slot)
  }
}

/** The slot is a KSM page's, whose entries are not all for one place. */
export function slotIsMerged(m: Machine, slot: number): void {
  m.k.swap.merged.set(slot, undefined)
}

/** A page that was read back enters the swapcache under the slot that it came from. */
export function addReadPage(m: Machine, pfn: number, slot: number): void {
  m.frames.set(pfn, PG_SWAPCACHE)
  m.frames.slot[pfn] = slot
  m.k.swap.cached[slot] = pfn
}

/** folio_free_swap(): gives the swapcache up unless a swap entry is left anywhere, or the device is still writing. Returns whether it did. */
export function tryToFreeSwap(m: Machine, pfn: number): boolean {
  const { frames } = m
  const head = frames.head(pfn)
  if (!frames.has(head, PG_SWAPCACHE) || frames.has(head, PG_WRITEBACK)) return false
  const end = head + frames.pages(head)
  for (let page = head; page < end; page++) {
    if (m.k.swap.count[frames.slot[page]!] !== 0) return false
  }
  deleteFromSwapCache(m, head)
  return true
}

/** The page's bytes are no longer on the device: it is dirty. */
export function deleteFromSwapCache(m: Machine, head: number): void {
  const { frames } = m
  frames.clear(head, PG_SWAPCACHE)
  for (let pfn = head; pfn < head + frames.pages(head); pfn++) {
    const slot = frames.slot[pfn]!
    frames.set(pfn, PG_DIRTY)
    frames.slot[pfn] = 0
    m.k.swap.cached[slot] = 0
    m.k.swap.freeIfUnused(slot)
  }
}
