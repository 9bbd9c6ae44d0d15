/**
 * What an observer with /proc/pid/pagemap and kpageflags sees of a page; nothing here changes state.
 */
import { HUGE_ORDER, HUGE_ZERO_PFN, PG_KSM, ZERO_PFN } from '../state/frames.ts'
import { PTE_SWAP, PTE_UFFD_WP } from '../state/tables.ts'
import type { Machine } from './machine.ts'
import { presentFrame } from './walk.ts'

export const PAGE_NONE = 0
export const PAGE_SWAP = 1
export const PAGE_ZERO = 2
export const PAGE_HUGE_ZERO = 3
export const PAGE_KSM = 4
/** The frame is part of an order-9 folio, however it is mapped. */
export const PAGE_HUGE = 5
/** Anything else that is present. */
export const PAGE_SMALL = 6

/** Frame of the page, -1 if it is not present. */
export function frameOf(m: Machine, id: number, vpn: number): number {
  return presentFrame(m, m.mm(id), vpn) || -1
}

/** PAGE_* of the page. */
export function pageKind(m: Machine, id: number, vpn: number): number {
  const pfn = frameOf(m, id, vpn)
  if (pfn < 0) {
    const mm = m.mm(id)
    // A PTE marker is a kind of swap entry to pagemap.
    return (m.tables.ptes[mm.pteIndex(vpn)]! & (PTE_SWAP | PTE_UFFD_WP)) !== 0
      ? PAGE_SWAP
      : PAGE_NONE
  }
  if (pfn === ZERO_PFN) return PAGE_ZERO
  if (pfn >= HUGE_ZERO_PFN && pfn < HUGE_ZERO_PFN + 512) return PAGE_HUGE_ZERO
  if (m.frames.has(pfn, PG_KSM)) return PAGE_KSM
  return m.frames.order[pfn] === HUGE_ORDER ? PAGE_HUGE : PAGE_SMALL
}
