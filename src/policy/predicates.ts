/**
 * What a policy may ask of a page, in the kernel's words. Each reads the state that its era could read, and nothing
 * else; only clairvoyant may use soleUser().
 */
import {
  GUP_PIN_COUNTING_BIAS,
  HUGE_ORDER,
  PG_DONTCOW,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_LARGE,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../state/frames.ts'
import type { Kernel } from '../state/kernel.ts'
import { PFN_SHIFT, PTE_PRESENT, TABLE_PAGES, TABLE_SHIFT } from '../state/tables.ts'

/** Every reference to the folio, of any kind. */
export function pageCount(k: Kernel, pfn: number): number {
  return k.frames.pageCount(pfn)
}

/** How many page-table entries (and huge mappings) show this very page. */
export function pageMapcount(k: Kernel, pfn: number): number {
  const f = k.frames
  return f.mapcount(pfn) + (f.has(pfn, PG_LARGE) ? f.entire[f.head(pfn)]! : 0)
}

/** PageKsm(): KSM made it stand for equal pages. */
export function pageKsm(k: Kernel, pfn: number): boolean {
  return k.frames.has(pfn, PG_KSM)
}

/** PageSwapCache(): swap still knows the folio, and holds a reference. */
export function pageSwapCache(k: Kernel, pfn: number): boolean {
  return k.frames.has(k.frames.head(pfn), PG_SWAPCACHE)
}

/** PageWriteback(): being written to swap. It stays in the swapcache until that is done. */
export function pageWriteback(k: Kernel, pfn: number): boolean {
  return k.frames.has(k.frames.head(pfn), PG_WRITEBACK)
}

/** Under writeback to a swap device that needs the page to stay as it is meanwhile. */
export function pageUnderStableWriteback(k: Kernel, pfn: number): boolean {
  return k.stableWrites && pageWriteback(k, pfn)
}

/** Waiting in this CPU's batch of fresh pages, which holds a reference: !PageLRU. */
export function pageInLruBatch(k: Kernel, pfn: number): boolean {
  return k.frames.has(k.frames.head(pfn), PG_LRU_BATCH)
}

/** PG_anon_exclusive of this very page (5.19). */
export function pageAnonExclusive(k: Kernel, pfn: number): boolean {
  return k.frames.has(pfn, PG_EXCLUSIVE)
}

/** PG_dontcow of the folio (proposed in 2009): GUP has touched it. */
export function pageDontCow(k: Kernel, pfn: number): boolean {
  return k.frames.has(k.frames.head(pfn), PG_DONTCOW)
}

/** Pages in the folio. */
export function folioPages(k: Kernel, pfn: number): number {
  return k.frames.pages(pfn)
}

/** page_maybe_dma_pinned(): exact for a large folio, a guess from the count for a small one (1,024 references). */
export function pageMaybeDmaPinned(k: Kernel, pfn: number): boolean {
  const f = k.frames
  if (f.has(pfn, PG_LARGE)) return f.pins[f.head(pfn)] !== 0
  return f.pageCount(pfn) >= GUP_PIN_COUNTING_BIAS
}

/** Has the process that is forking, faulting or being scanned ever used FOLL_PIN? */
export function mmHasPinned(k: Kernel): boolean {
  return k.mm.hasPinned
}

/** page_needs_cow_for_dma(): may the page be pinned, by a process that has ever used FOLL_PIN? */
export function pageNeedsCowForDma(k: Kernel, pfn: number): boolean {
  return mmHasPinned(k) && pageMaybeDmaPinned(k, pfn)
}

/** The swap entry was marked exclusive, or the page never was where another process could find it. */
export function swapExclusive(k: Kernel): boolean {
  return k.swapExclusive
}

/** How many page-table entries name the swap slot of this swapcache page. */
export function swapCount(k: Kernel, pfn: number): number {
  const f = k.frames
  return f.has(f.head(pfn), PG_SWAPCACHE) ? k.swap.count[f.slot[pfn]!]! : 0
}

/** Does a swap entry name another page of the folio? */
export function otherPagesInSwap(k: Kernel, pfn: number): boolean {
  const f = k.frames
  const head = f.head(pfn)
  const end = head + f.pages(head)
  for (let page = head; page < end; page++) {
    if (page !== pfn && swapCount(k, page) > 0) return true
  }
  return false
}

/**
 * total_map_swapcount(): mappings plus swap entries; of a large folio, those of its most shared page, so that it is 1
 * only if no page of it is reachable twice.
 */
export function mapAndSwapCount(k: Kernel, pfn: number): number {
  const f = k.frames
  if (!f.has(pfn, PG_LARGE)) return f.mapcount(pfn) + swapCount(k, pfn)
  const head = f.head(pfn)
  const end = head + f.pages(head)
  let most = 0
  for (let page = head; page < end; page++) {
    const count = f.mapcount(page) + swapCount(k, page)
    if (count > most) most = count
  }
  return most + f.entire[head]!
}

/** page_trans_huge_mapcount(): the same without swap. */
export function mapCountOfMostShared(k: Kernel, pfn: number): number {
  const f = k.frames
  if (!f.has(pfn, PG_LARGE)) return f.mapcount(pfn)
  const head = f.head(pfn)
  const end = head + f.pages(head)
  let most = 0
  for (let page = head; page < end; page++) {
    const count = f.mapcount(page)
    if (count > most) most = count
  }
  return most + f.entire[head]!
}

/** Mappings of a large folio: each page-table entry and each huge mapping counts one. */
export function folioLargeMapcount(k: Kernel, pfn: number): number {
  return k.frames.largeMapcount[k.frames.head(pfn)]!
}

/** FOLIO_MM_IDS_SHARED: more than one mm may map the large folio. */
export function folioMmIdsShared(k: Kernel, pfn: number): boolean {
  return k.frames.mmShared[k.frames.head(pfn)] !== 0
}

/** How many entries of the page table under the faulting address map this folio. */
export function tableMappingsOfFolio(k: Kernel, pfn: number): number {
  const head = k.frames.head(pfn)
  const end = head + k.frames.pages(head)
  const ptes = k.tables.ptes
  const table = k.mm.tables[k.vpn >>> TABLE_SHIFT]!
  let mappings = 0
  for (let i = table; i < table + TABLE_PAGES; i++) {
    const pte = ptes[i]!
    if ((pte & PTE_PRESENT) === 0) continue
    const mapped = pte >>> PFN_SHIFT
    if (mapped >= head && mapped < end) mappings++
  }
  return mappings
}

/** The policy's own bits of this page (PageBits). */
export function ownPageBits(k: Kernel, pfn: number): number {
  return k.own.page[pfn] ?? 0
}

/** The policy's own bits of the process that is forking, faulting or being scanned (MmBits). */
export function ownMmBits(k: Kernel): number {
  return k.own.mm[k.mm.id] ?? 0
}

/**
 * The truth that no kernel can read: nobody but the process at hand can reach the page, by a mapping, a swap entry, a
 * shared page table or a reference it holds. For clairvoyant only.
 */
export function soleUser(k: Kernel, pfn: number): boolean {
  const f = k.frames
  const shares = k.tables.shares[k.mm.tables[k.vpn >>> TABLE_SHIFT]! >>> TABLE_SHIFT]!
  if (shares > 1) return false
  if (f.order[pfn] === HUGE_ORDER && f.entire[f.head(pfn)]! > 0)
    return soleUserOfHuge(k, f.head(pfn))
  return pageMapcount(k, pfn) + swapCount(k, pfn) <= 1 && !heldByAnother(k, pfn)
}

function soleUserOfHuge(k: Kernel, head: number): boolean {
  if (mapAndSwapCount(k, head) > 1) return false
  for (let pfn = head; pfn < head + k.frames.pages(head); pfn++) {
    if (heldByAnother(k, pfn)) return false
  }
  return true
}

function heldByAnother(k: Kernel, pfn: number): boolean {
  const { holders } = k
  for (let node = holders.first(pfn); node !== 0; node = holders.next(node)) {
    if (holders.pin(node).mm !== k.mm.id) return true
  }
  return false
}

/** Does the process at hand hold a pin on this very page that promises coherence across a fork? For clairvoyant only. */
export function promisedPin(k: Kernel, pfn: number): boolean {
  const { holders } = k
  for (let node = holders.first(pfn); node !== 0; node = holders.next(node)) {
    const { mm, follPin } = holders.pin(node)
    if (mm === k.mm.id && follPin) return true
  }
  return false
}

/** Does anybody hold a FOLL_PIN on a page of this folio? The truth behind pageMaybeDmaPinned(). For clairvoyant only. */
export function pinnedByAnyone(k: Kernel, pfn: number): boolean {
  return k.frames.pins[k.frames.head(pfn)] !== 0
}
