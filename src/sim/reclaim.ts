/**
 * Reclaim: shrink_folio_list() on chosen pages: into the swapcache, out of every page table, out of memory.
 */
import { AFTER_CLEAR, BEFORE_SWAPCACHE, BEFORE_UNMAP, pageMapcount } from '../policy/api.ts'
import {
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_LARGE,
  PG_LAZYFREE,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_UFFD_WP,
} from '../state/tables.ts'
import { freeUnmapped } from './drop.ts'
import { unmapPte } from './folio.ts'
import { coversFolio } from './lazyfree.ts'
import { lruAdd, lruDrain, lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { bitsToSlot, pageIsSwappedOut } from './own-bits.ts'
import { takenByPageout } from './pageout.ts'
import { unmapCached } from './reclaim-cached.ts'
import { dropsHugeMapping, isSwapBacked } from './reclaim-lazyfree.ts'
import { isOnlyMapper, mappersOf, mapsAt } from './rmap.ts'
import { unshareForReclaim } from './shared-tables.ts'
import { hugeMappers, onlyMapped, splitFolio, splitHugePmd } from './split.ts'
import { addToSwap, deleteFromSwapCache } from './swap-cache.ts'
import { anonFrame, overlapping } from './walk.ts'

/**
 * Swaps [start, end) of `mm` out, from every process that maps the pages; `soleOnly` leaves pages alone that are mapped
 * more than once, as MADV_PAGEOUT does. Writeback has ended when it returns, unless it is `writing` still.
 */
export function swapOut(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  soleOnly: boolean,
  writing = false,
): void {
  // madvise_pageout() empties the batches of this CPU, once for each area.
  if (!soleOnly) lruDrainAll(m)
  m.k.mm = mm
  for (const part of overlapping(mm, start, end)) {
    if (soleOnly) lruDrain(m)
    swapOutArea(m, mm, part.start, part.end, soleOnly, writing)
  }
  m.endSwap()
}

/** The same for a range in one area: a large folio that others cover too is not taken whole. */
function swapOutArea(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  soleOnly: boolean,
  writing: boolean,
): void {
  unmapCached(m, mm, start, end, soleOnly)
  // Isolated first, reclaimed then: what becomes of the range meanwhile does not matter.
  const isolated = new Int32Array(end - start)
  for (let vpn = start; vpn < end; ) {
    const takes = soleOnly && anonFrame(m, mm, vpn) !== 0
    const pages = takes ? takenByPageout(m, mm, vpn, end) : 1
    for (const stop = vpn + Math.abs(pages); vpn < stop; vpn++) {
      if (pages > 0) isolated[vpn - start] = anonFrame(m, mm, vpn)
    }
  }
  const again: number[] | undefined = soleOnly ? [] : undefined
  const tried: number[] = []
  for (let vpn = start; vpn < end; vpn++) {
    const pfn = isolated[vpn - start]!
    if (pfn === 0 || pageMapcount(m.k, pfn) === 0) continue
    const folio = folioToReclaim(m, mm, vpn, pfn, start, end)
    if (folio === 0) continue
    reclaimFolio(m, folio, vpn - (pfn - folio), writing, again)
    if (soleOnly) tried.push(folio)
  }
  putBack(m, tried)
  for (const head of again ?? []) m.frames.clear(head, PG_LAZYFREE)
}

/** reclaim_pages() gives what stays back to the LRU by way of the batch (putback_lru_page()). */
function putBack(m: Machine, heads: readonly number[]): void {
  const { frames } = m
  for (const head of heads) {
    if (frames.word[head] !== 0 && !frames.has(head, PG_LRU_BATCH)) lruAdd(m, head)
  }
}

/**
 * Head of the folio to reclaim for `pfn`, which `mm` maps at `vpn`; 0 if there is none. A large folio goes out whole if
 * the range covers all its pages here, in order and protected alike, else it is split first.
 */
export function folioToReclaim(
  m: Machine,
  mm: Mm,
  vpn: number,
  pfn: number,
  start: number,
  end: number,
): number {
  const { frames, era } = m
  if (!frames.has(pfn, PG_LARGE)) return pfn
  const head = frames.head(pfn)
  const lazyfree = frames.has(head, PG_LAZYFREE)
  const goes = coversFolio(m, mm, vpn, pfn, start, end) && !(lazyfree && era.splitsLazyfree)
  // can_split_folio(): any reference besides the mappings keeps the folio as it is, and mapped. It is not asked of what
  // MADV_FREE gave up and nobody splits.
  if (!onlyMapped(m, head) && !(goes && lazyfree)) {
    m.counts.refusedUnmaps++
    return 0
  }
  if (goes) return head
  return splitFolio(m, pfn, vpn) && anonFrame(m, mm, vpn) === pfn ? pfn : 0
}

/** One folio, whose first page is mapped at `vpn` by somebody. Its steps one by one: reclaim-steps.ts. */
function reclaimFolio(
  m: Machine,
  head: number,
  vpn: number,
  writing: boolean,
  again?: number[],
): void {
  if (!isolateFolio(m, head, vpn, again)) return
  enterSwapCache(m, head)
  const pages = m.frames.pages(head)
  for (let i = 0; i < pages; i++) unmapEverywhere(m, head + i, vpn + i)
  freeReclaimed(m, head, writing)
}

/**
 * Takes the reclaimer's own reference, unless the folio has to stay, or is gone already. `again` is a list for those that
 * stay until a next pass.
 */
export function isolateFolio(m: Machine, head: number, vpn: number, again?: number[]): boolean {
  const { frames, policy } = m
  if (frames.has(head, PG_LARGE)) {
    // The first that cannot go as it is ends that for all.
    const mappers = hugeMappers(m, head)
    while (mappers[0] !== undefined && dropsHugeMapping(m, head, mappers[0])) mappers.shift()
    for (const huge of mappers) splitHugePmd(m, huge.mm, huge.vpn)
    // The last mapping has taken the folio with it.
    if (frames.word[head] === 0) return false
  }
  if (frames.has(head, PG_LAZYFREE) && !isSwapBacked(m, head, vpn, again)) return false
  const stays = frames.has(head, PG_LARGE) && !onlyMapped(m, head)
  const enters = !frames.has(head, PG_SWAPCACHE)
  if (stays || (enters && policy.reclaimRefuses(m.k, head, BEFORE_SWAPCACHE))) {
    m.counts.refusedUnmaps++
    return false
  }
  frames.hold(head)
  return true
}

export function enterSwapCache(m: Machine, head: number): void {
  if (!m.frames.has(head, PG_SWAPCACHE)) addToSwap(m, head)
}

/** Drops the reclaimer's reference; what is left without users leaves memory. */
export function freeReclaimed(m: Machine, head: number, writing: boolean): void {
  const { frames } = m
  const pages = frames.pages(head)
  frames.unhold(head)
  m.spent += pages * m.cost.swapOut
  // pageout(): what anybody refers to but the swapcache would not leave memory anyhow, and is not written.
  if (writing && frames.pageCount(head) === pages) {
    frames.set(head, PG_WRITEBACK)
    m.underWriteback.add(head)
    storeToSlots(m, head)
  } else finishReclaim(m, head)
}

/** try_to_unmap(): swap entries instead of the page, in every process; stops where the policy's era must refuse. */
function unmapEverywhere(m: Machine, pfn: number, vpn: number): void {
  if (isOnlyMapper(m, m.k.mm, vpn, pfn)) {
    if (!tryToUnmapOne(m, m.k.mm, vpn, pfn)) m.counts.refusedUnmaps++
    return
  }
  for (const mapper of mappersOf(m, pfn, vpn)) {
    // The table may have gone with the page's entry before.
    if (!mapsAt(m, mapper.mm, mapper.vpn, pfn)) continue
    if (!tryToUnmapOne(m, mapper.mm, mapper.vpn, pfn)) {
      m.counts.refusedUnmaps++
      return
    }
  }
}

function tryToUnmapOne(m: Machine, mm: Mm, vpn: number, pfn: number): boolean {
  if (!unshareForReclaim(m, mm, vpn)) return true
  if (refusesToUnmap(m, pfn, vpn)) return false
  const pte = clearEntry(m, mm, vpn)
  return replaceCleared(m, mm, vpn, pfn, pte)
}

/** ptep_clear_flush(): from here on nobody finds the page. Returns what the entry was. */
export function clearEntry(m: Machine, mm: Mm, vpn: number): number {
  const index = mm.pteIndex(vpn)
  const pte = m.tables.ptes[index]!
  m.tables.ptes[index] = 0
  return pte
}

/** The entry, which was `pte` and is clear now, names the swap slot; or it is put back. Returns whether it was unmapped. */
export function replaceCleared(m: Machine, mm: Mm, vpn: number, pfn: number, pte: number): boolean {
  const { frames, policy } = m
  const index = mm.pteIndex(vpn)
  if (policy.reclaimRefuses(m.k, pfn, AFTER_CLEAR)) {
    m.tables.ptes[index] = pte
    return false
  }
  const slot = frames.slot[pfn]!
  m.k.swap.duplicate(slot)
  const exclusive = policy.tracksExclusive && frames.has(pfn, PG_EXCLUSIVE) ? PTE_SWP_EXCLUSIVE : 0
  frames.clear(pfn, PG_EXCLUSIVE)
  if ((pte & PTE_DIRTY) !== 0) frames.set(pfn, PG_DIRTY)
  const kept = PTE_UFFD_WP | PTE_SOFT_DIRTY
  m.tables.ptes[index] = (slot << PFN_SHIFT) | PTE_SWAP | exclusive | (pte & kept)
  unmapPte(frames, mm, pfn)
  pageIsSwappedOut(m, pfn)
  return true
}

export function refusesToUnmap(m: Machine, pfn: number, vpn: number): boolean {
  const { frames, noise, policy } = m
  const scanned = noise?.scanned(m.judge.event, vpn, frames.order[pfn]!) ?? false
  const head = frames.head(pfn)
  if (scanned) frames.hold(head)
  const refuses = policy.reclaimRefuses(m.k, pfn, BEFORE_UNMAP)
  if (scanned) frames.unhold(head)
  return refuses
}

/** Writeback of all pages ends: what nobody refers to any more leaves memory. */
export function endWriteback(m: Machine): void {
  const written = [...m.underWriteback]
  m.underWriteback.clear()
  for (const head of written) {
    m.frames.clear(head, PG_WRITEBACK)
    freeUnmapped(m, head)
    if (m.frames.has(head, PG_SWAPCACHE)) finishReclaim(m, head)
  }
}

/** The page is on the device now: what nobody refers to leaves the swapcache and memory (__remove_mapping). */
function finishReclaim(m: Machine, head: number): void {
  const { frames } = m
  const pages = frames.pages(head)
  storeToSlots(m, head)
  if (frames.pageCount(head) === pages) {
    deleteFromSwapCache(m, head)
    frames.freeIfUnused(head)
  }
}

function storeToSlots(m: Machine, head: number): void {
  const { frames } = m
  for (let pfn = head; pfn < head + frames.pages(head); pfn++) {
    m.k.swap.token[frames.slot[pfn]!] = frames.token[pfn]!
    bitsToSlot(m, pfn, frames.slot[pfn]!)
  }
}
