/**
 * do_swap_page(): brings a page back, from the swapcache or from the device, and decides whether it is exclusive.
 */
import { isCopy, REUSE_FREE_SWAP, SITE_SWAPIN } from '../policy/api.ts'
import { PG_ANON, PG_KSM, PG_LARGE, PG_LRU_BATCH, PG_SWAPCACHE } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PTE_DIRTY,
  PTE_FLAGS,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_SWP_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_PAGES,
} from '../state/tables.ts'
import { PROT_WRITE } from '../trace/ops.ts'
import { anonVmaPrepare } from './alloc.ts'
import { freeUnmapped } from './drop.ts'
import { mapPte } from './folio.ts'
import { hold, letGo } from './hold.ts'
import { ksmMightNeedToCopy } from './ksm.ts'
import { lruAdd, lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import { bitsFromSlot, pageIsSwappedIn } from './own-bits.ts'
import { tracksSoftDirty } from './soft-dirty.ts'
import { addReadPage, tryToFreeSwap } from './swap-cache.ts'
import { copyOf, takeOver, wpPage } from './wp.ts'

export function swapIn(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  const { frames, policy, tables } = m
  const { swap } = m.k
  anonVmaPrepare(m, mm, vma)
  const index = mm.pteIndex(vpn)
  const entry = tables.ptes[index]!
  const slot = entry >>> PFN_SHIFT
  const found = swap.cached[slot]!
  const shown = found !== 0 ? found : readIn(m, slot)
  const copied = ksmMightNeedToCopy(m, vma, vpn, slot, shown)
  const pfn = copied ? copyForKsm(m, shown) : shown
  const cached = frames.has(frames.head(pfn), PG_SWAPCACHE)
  const whole = bringsWhole(m, mm, vma, vpn, pfn)
  const pages = whole ? frames.pages(pfn) : 1
  const first = whole ? frames.head(pfn) : pfn
  const at = index - (pfn - first)
  m.k.swapExclusive = !cached || (entry & PTE_SWP_EXCLUSIVE) !== 0

  // Until 5.17 reuse_swap_page() was asked while the entry still counted, and only for a store. Since 5.18 the entry
  // is given back first, and a store tries to free the swapcache, which a drained batch makes likelier to succeed.
  const refined = policy.freesSwapCache
  // A page that was just read, or copied, is not on the LRU and not mapped: nobody could have found it.
  const references = found === pfn && m.noise ? hold(m, m.noise, pfn, vpn) : 0
  if (refined) {
    if (write && cached && !frames.has(pfn, PG_KSM) && frames.has(frames.head(pfn), PG_LRU_BATCH)) {
      lruDrain(m)
    }
    putEntries(m, at, pages)
    const onlySwapcache = frames.pageCount(pfn) === frames.pages(pfn)
    if (write && cached && !frames.has(pfn, PG_KSM) && onlySwapcache) tryToFreeSwap(m, pfn)
  }

  const asks = write || policy.asksAtLoad
  const verdict = asks ? policy.swapinReuse(m.k, pfn) : REUSE_FREE_SWAP
  const exclusive = asks && !isCopy(verdict)
  if (references !== 0) letGo(m, pfn, references)
  if (!refined) {
    putEntries(m, at, pages)
    if (exclusive && verdict === REUSE_FREE_SWAP) tryToFreeSwap(m, pfn)
  }
  for (let page = first; page < first + pages; page++) {
    mapPte(frames, mm, page)
    if (exclusive) takeOver(m, page)
    if (!copied) pageIsSwappedIn(m, page, exclusive)
  }
  if (copied) leaveToOthers(m, mm, vpn, pfn, shown)

  // The bit alone: mremap may have left it behind in an area that is not registered.
  const armed = (entry & PTE_UFFD_WP) !== 0
  const taken = exclusive && write && !armed
  let flags = PTE_PRESENT | (entry & PTE_SOFT_DIRTY) | (armed ? PTE_UFFD_WP : 0)
  if (taken) {
    flags |= PTE_DIRTY | PTE_SOFT_DIRTY
    if (m.decided(SITE_SWAPIN, mm, vpn, 1, verdict)) m.contested.add(pfn)
  }
  if (taken || (exclusive && !armed && mapsCleanWritable(m, vma, entry))) flags |= writeFlag(vma)
  // A write-protected page that was taken over: until 6.10 it is dirty, the fault ends here and the next one raises the
  // event.
  const protectedAgain = write && armed && exclusive && !policy.swapinWritable
  if (protectedAgain) flags |= PTE_DIRTY | PTE_SOFT_DIRTY
  for (let i = 0; i < pages; i++) tables.ptes[at + i] = ((first + i) << PFN_SHIFT) | flags
  if (write && !taken && !protectedAgain) wpPage(m, mm, vma, vpn)
}

/** Do all pages of the large folio go in at once? Their entries have to be in one area and table, and swap entries still. */
function bringsWhole(m: Machine, mm: Mm, vma: Vma, vpn: number, pfn: number): boolean {
  const { frames, tables } = m
  if (!m.era.swapinMapsFolio || !frames.has(pfn, PG_LARGE)) return false
  const head = frames.head(pfn)
  const pages = frames.pages(pfn)
  const start = vpn - (pfn - head)
  const table = vpn & -TABLE_PAGES
  if (start < Math.max(table, vma.start)) return false
  if (start + pages > Math.min(table + TABLE_PAGES, vma.end)) return false
  const index = mm.pteIndex(start)
  const flags = tables.ptes[mm.pteIndex(vpn)]! & PTE_FLAGS
  for (let i = 0; i < pages; i++) {
    const entry = tables.ptes[index + i]!
    if ((entry & PTE_FLAGS) !== flags) return false
    if (m.k.swap.cached[entry >>> PFN_SHIFT] !== head + i) return false
  }
  return true
}

/** swap_free_nr() of the entries from `index` on. */
function putEntries(m: Machine, index: number, entries: number): void {
  for (let i = index; i < index + entries; i++) m.k.swap.put(m.tables.ptes[i]! >>> PFN_SHIFT)
}

/**
 * Has a disk read the page of this entry into the swapcache, for whoever does not wait for it. Returns whether the page
 * is not there yet.
 */
export function startsReading(m: Machine, entry: number): boolean {
  const slot = entry >>> PFN_SHIFT
  if (!m.swapDisk || m.era.swapReadsWait || m.k.swap.cached[slot] !== 0) return false
  readIn(m, slot)
  return true
}

/** A page of the process's own, with the bytes of one that is mapped elsewhere. */
function copyForKsm(m: Machine, shown: number): number {
  m.spent += m.cost.copy4k
  return copyOf(m, shown)
}

/** The entry shows `pfn` and not the page that was found in the swapcache. */
function leaveToOthers(m: Machine, mm: Mm, vpn: number, pfn: number, shown: number): void {
  lruAdd(m, pfn)
  m.judge.separated(mm.id, vpn, 1)
  freeUnmapped(m, shown)
}

function writeFlag(vma: Vma): number {
  return (vma.prot & PROT_WRITE) !== 0 ? PTE_WRITE : 0
}

/** Since 6.11 an exclusive page is mapped writable by a load too, unless a fault is wanted to track the next store. */
export function mapsCleanWritable(m: Machine, vma: Vma, entry: number): boolean {
  return m.policy.swapinWritable && (!tracksSoftDirty(m, vma) || (entry & PTE_SOFT_DIRTY) !== 0)
}

/**
 * Reads the slot into a fresh page. A SWP_SYNCHRONOUS_IO device (zram) skips the swapcache where nobody else has the
 * entry.
 */
function readIn(m: Machine, slot: number): number {
  const { frames } = m
  m.spent += m.cost.swapIn
  const pfn = frames.alloc()
  frames.set(pfn, PG_ANON)
  frames.token[pfn] = m.k.swap.token[slot]!
  bitsFromSlot(m, pfn, slot)
  if (m.k.swap.merged.has(slot)) m.k.swap.merged.set(slot, undefined)
  const ahead = m.noise?.swapcached(m.judge.event, m.k.vpn) ?? false
  if (m.swapDisk || ahead || m.k.swap.count[slot]! > 1) addReadPage(m, pfn, slot)
  // The fault's own reference: a full batch is emptied at once, and the page is not mapped yet.
  frames.hold(pfn)
  lruAdd(m, pfn)
  frames.unhold(pfn)
  return pfn
}
