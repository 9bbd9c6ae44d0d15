/**
 * Reclaim: shrink_folio_list() on chosen pages: into the swapcache, out of every page table, out of memory.
 */
import { AFTER_CLEAR, BEFORE_SWAPCACHE, BEFORE_UNMAP } from '../policy/api.ts'
import {
  HUGE_PAGES,
  PG_CACHE,
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
  PMD_HUGE,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_UFFD_WP,
  TABLE_PAGES,
} from '../state/tables.ts'
import { freeUnmapped, unmapCachedPte } from './drop.ts'
import { unmapPte } from './folio.ts'
import { mappedShared, mapsWhole } from './lazyfree.ts'
import { lruAdd, lruDrain, lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { bitsToSlot, pageIsSwappedOut, pageIsUnmapped } from './own-bits.ts'
import { isOnlyMapper, type Mapper, mappersOf, mapsAt } from './rmap.ts'
import { tableUsers, unshareForReclaim } from './shared-tables.ts'
import { hugeMappers, onlyMapped, splitFolio, splitHugePmd } from './split.ts'
import { addToSwap, deleteFromSwapCache } from './swap-cache.ts'
import { anonFrame, overlapping, presentFrame } from './walk.ts'
import { zapHugePmd } from './zap.ts'

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
    const pages = soleOnly ? takenByPageout(m, mm, vpn, end) : 1
    for (const stop = vpn + Math.abs(pages); vpn < stop; vpn++) {
      if (pages > 0) isolated[vpn - start] = anonFrame(m, mm, vpn)
    }
  }
  const again: number[] | undefined = soleOnly ? [] : undefined
  const tried: number[] = []
  for (let vpn = start; vpn < end; vpn++) {
    const pfn = isolated[vpn - start]!
    if (pfn === 0 || mappings(m, pfn) === 0) continue
    const folio = folioToReclaim(m, mm, vpn, pfn, start, end)
    if (folio === 0) continue
    reclaimFolio(m, folio, vpn - (pfn - folio), writing, again)
    if (soleOnly) tried.push(folio)
  }
  putBack(m, tried)
  for (const head of again ?? []) m.frames.clear(head, PG_LAZYFREE)
}

/**
 * try_to_unmap() of pages that are a file's or a shared object's: the next access finds them again, in the cache or on
 * the swap device behind that, and with the same bytes, so that they stay known here. A pin keeps them in the cache.
 */
export function unmapCached(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  soleOnly: boolean,
): void {
  const { frames } = m
  for (let vpn = start; vpn < end; vpn++) {
    if ((mm.pmd(vpn) & PMD_HUGE) !== 0) continue
    const pfn = presentFrame(m, mm, vpn)
    if (!frames.has(pfn, PG_CACHE) || frames.has(pfn, PG_LARGE)) continue
    if (soleOnly && frames.mapcount(pfn) !== 1) continue
    for (const mapper of mappersOf(m, pfn, vpn)) {
      if (!mapsAt(m, mapper.mm, mapper.vpn, pfn)) continue
      if (unshareForReclaim(m, mapper.mm, mapper.vpn))
        unmapCachedPte(m, mapper.mm, mapper.mm.find(mapper.vpn), mapper.vpn)
    }
    // is_page_cache_freeable(): nobody refers to it but the cache.
    if (frames.pageCount(pfn) === 1) m.pagedOut.add(pfn)
  }
}

/** reclaim_pages() gives what stays back to the LRU by way of the batch (putback_lru_page()). */
function putBack(m: Machine, heads: readonly number[]): void {
  const { frames } = m
  for (const head of heads) {
    if (frames.word[head] !== 0 && !frames.has(head, PG_LRU_BATCH)) lruAdd(m, head)
  }
}

/**
 * madvise_cold_or_pageout_pte_range(): how many pages from `vpn` on go together; negative: how many are left alone. What
 * others map too is. A large folio that is not covered as a whole is split at once.
 */
function takenByPageout(m: Machine, mm: Mm, vpn: number, end: number): number {
  const pfn = anonFrame(m, mm, vpn)
  if (pfn === 0) return -1
  const { frames, era } = m
  const stop = Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0) {
    if (mappedShared(m, frames.head(pfn))) return vpn - stop
    if (stop - vpn === TABLE_PAGES) return TABLE_PAGES
    return splitsForPageout(m, vpn, pfn, stop - vpn)
  }
  if (!frames.has(pfn, PG_LARGE)) return mappings(m, pfn) === 1 ? 1 : -1
  const head = frames.head(pfn)
  if (!era.takesFoliosWhole) {
    // Until 6.9 one that others map too, or that cannot be split, ends the walk over its page table.
    if (mappings(m, pfn) !== 1 || !onlyMapped(m, head)) return vpn - stop
    return splitsForPageout(m, vpn, pfn, 1)
  }
  const pages = frames.pages(head)
  if (mapsWhole(m, mm, vpn, stop, pfn)) return frames.largeMapcount[head] === pages ? pages : -pages
  return mappedShared(m, pfn) ? -1 : splitsForPageout(m, vpn, pfn, 1)
}

/** Returns 0 where the page is to be looked at again, as one of its own; else -`pages`. */
function splitsForPageout(m: Machine, vpn: number, pfn: number, pages: number): number {
  if (splitFolio(m, pfn, vpn)) return 0
  m.counts.refusedUnmaps += pages
  return -pages
}

/** How often the page is mapped. */
export function mappings(m: Machine, pfn: number): number {
  const { frames } = m
  return frames.mapcount(pfn) + (frames.has(pfn, PG_LARGE) ? frames.entire[frames.head(pfn)]! : 0)
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
  const pages = frames.pages(head)
  const first = vpn - (pfn - head)
  const huge = (mm.pmd(first) & PMD_HUGE) !== 0
  const stop = Math.min(end, (first & -TABLE_PAGES) + TABLE_PAGES)
  const whole = first >= start && first + pages <= end
  const covered = whole && (huge || mapsWhole(m, mm, first, stop, head))
  const lazyfree = frames.has(head, PG_LAZYFREE)
  const goes = covered && !(lazyfree && era.splitsLazyfree)
  // can_split_folio(): any reference besides the mappings keeps the folio as it is, and mapped. It is not asked of what
  // MADV_FREE gave up and nobody splits.
  if (!onlyMapped(m, head) && !(goes && lazyfree)) {
    m.counts.refusedUnmaps++
    return 0
  }
  if (goes) return head
  return splitFolio(m, head, first) && anonFrame(m, mm, vpn) === pfn ? pfn : 0
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

/** unmap_huge_pmd_locked() of a folio that MADV_FREE gave up. Returns false where it has to be split, and looked at. */
function dropsHugeMapping(m: Machine, head: number, { mm, vpn }: Mapper): boolean {
  if (!m.era.dropsHugeLazyfree || !m.frames.has(head, PG_LAZYFREE)) return false
  if (m.frames.has(head, PG_DIRTY) || (mm.pmd(vpn) & PTE_DIRTY) !== 0) return false
  if (!onlyMapped(m, head)) return false
  for (let i = 0; i < HUGE_PAGES; i++) m.judge.dropped(mm.id, vpn + i)
  zapHugePmd(m, mm, vpn)
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

/**
 * try_to_unmap() of a folio that MADV_FREE gave up: drops its entries one by one, until one shows that it has been stored
 * to, or a reference that it is held. May the folio be swapped out after all? A first pass only notes that it may (watched
 * on 6.18.44): it stays, if `again` is there to list such.
 */
function isSwapBacked(m: Machine, head: number, vpn: number, again?: number[]): boolean {
  const { frames, era } = m
  /** Up to where the entries have been looked at, and of whom. */
  const seen = { mm: m.k.mm, stop: 0 }
  for (const mapper of inRmapOrder(m, head, vpn)) {
    // The table may have gone with an entry before.
    if (frames.head(presentFrame(m, mapper.mm, mapper.vpn)) !== head) continue
    if (!unshareForReclaim(m, mapper.mm, mapper.vpn)) continue
    if (seen.mm !== mapper.mm || seen.stop <= mapper.vpn) {
      seen.mm = mapper.mm
      seen.stop = noteStores(m, head, mapper)
    }
    const stored = frames.has(head, PG_DIRTY)
    if (!stored && (era.heldLazyfree === 'unmaps' || onlyMapped(m, head))) {
      discard(m, mapper)
      continue
    }
    const stays = !stored && era.heldLazyfree === 'keeps'
    if (stays || again !== undefined) {
      if (!stays) again?.push(head)
      m.counts.refusedUnmaps++
      return false
    }
    frames.clear(head, PG_LAZYFREE)
    return true
  }
  return false
}

/** Is an entry dirty, of the one and those that are taken with it? Then the folio is. Returns where they end. */
function noteStores(m: Machine, head: number, { mm, vpn }: Mapper): number {
  const { frames, era, tables } = m
  const end = mm.find(vpn)?.end ?? vpn + 1
  const stop = era.dropsInRuns ? Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES) : vpn + 1
  const pfn = presentFrame(m, mm, vpn)
  for (let at = vpn; at < stop; at++) {
    const next = pfn + at - vpn
    if (presentFrame(m, mm, at) !== next || frames.head(next) !== head) return at
    if ((tables.ptes[mm.pteIndex(at)]! & PTE_DIRTY) !== 0) frames.set(head, PG_DIRTY)
  }
  return stop
}

/**
 * All entries that map the folio, whose first page is mapped at `vpn`, in the order of the anon_vma's tree: by where the
 * area begins, parents' before their children's. (Where two begin alike, one that has been split since the fork, which
 * puts it last, is asked too early.)
 */
function inRmapOrder(m: Machine, head: number, vpn: number): Mapper[] {
  const mappers: Mapper[] = []
  for (let i = 0; i < m.frames.pages(head); i++) mappers.push(...mappersOf(m, head + i, vpn + i))
  const beginning = ({ mm, vpn: at }: Mapper): number => mm.find(at)?.pgoff ?? 0
  return mappers.sort((a, b) => beginning(a) - beginning(b) || a.mm.id - b.mm.id)
}

function discard(m: Machine, { mm, vpn }: Mapper): void {
  const index = mm.pteIndex(vpn)
  const pfn = m.tables.ptes[index]! >>> PFN_SHIFT
  m.tables.ptes[index] = 0
  for (const user of tableUsers(m, mm, vpn)) m.judge.dropped(user.id, vpn)
  unmapPte(m.frames, mm, pfn)
  pageIsUnmapped(m, pfn)
  m.frames.freeIfUnused(pfn)
}

function storeToSlots(m: Machine, head: number): void {
  const { frames } = m
  for (let pfn = head; pfn < head + frames.pages(head); pfn++) {
    m.k.swap.token[frames.slot[pfn]!] = frames.token[pfn]!
    bitsToSlot(m, pfn, frames.slot[pfn]!)
  }
}
