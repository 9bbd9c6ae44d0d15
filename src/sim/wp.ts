/**
 * do_wp_page(): a store hit a present, read-only page. The policy decides, the judge classifies, the mechanism acts,
 * in that order: the judge must see the world that the policy saw.
 */
import {
  COPY_KSM,
  COPY_LOCKED,
  COPY_LRU_BATCH,
  COPY_NOT_ANON,
  COPY_SWAPCACHE,
  isCopy,
  type Policy,
  REUSE,
  REUSE_FREE_SWAP,
  SITE_UNSHARE,
  SITE_WP,
} from '../policy/api.ts'
import {
  PG_ANON,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_LARGE,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_ZERO,
} from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PTE_PRESENT, PTE_SOFT_DIRTY, PTE_TOK, PTE_UFFD_WP } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { allocAnonPage, anonVmaPrepare, dirtyFlags } from './alloc.ts'
import { mapPte, unmapPte } from './folio.ts'
import { hold, letGo } from './hold.ts'
import { lruAdd, lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import { pageIsReused, pageIsUnmapped } from './own-bits.ts'
import { tryToFreeSwap } from './swap-cache.ts'
import { userfaultWp } from './uffd.ts'

/** A question about one folio, as the policy answers it. */
type Question = Policy['wpReuse']

/** A store fault on the present, read-only entry of `vpn`. */
export function wpPage(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  const index = mm.pteIndex(vpn)
  const pte = m.tables.ptes[index]!
  if (userfaultfdPteWp(vma, pte)) {
    userfaultWp(m, mm, vma, vpn)
    return
  }
  const pfn = pte >>> PFN_SHIFT
  if (vma.kind === MAP_SHARED) {
    m.counts.sharedReuses++
    m.tables.ptes[index] = pte | dirtyFlags(vma)
    return
  }
  if (!m.frames.has(pfn, PG_ANON)) {
    copyFromOutside(m, mm, vma, vpn, pfn)
    return
  }
  const verdict = askToReuse(m, pfn)
  const unsafe = m.decided(SITE_WP, mm, vpn, 1, verdict)
  if (isCopy(verdict)) {
    wpPageCopy(m, mm, vma, vpn)
    return
  }
  if (unsafe) m.contested.add(pfn)
  wpPageReuse(m, mm, vma, vpn, verdict)
}

/**
 * FAULT_FLAG_UNSHARE: a r/o pin wants a page of the process's own, mapped read-only. It takes the page over where a
 * store would be allowed to, else it copies; the page cache and the zero page are always copied.
 */
export function unsharePage(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  m.spent += m.cost.unshare
  const index = mm.pteIndex(vpn)
  const pte = m.tables.ptes[index]!
  const pfn = pte >>> PFN_SHIFT
  const kept = pte & (PTE_UFFD_WP | PTE_SOFT_DIRTY)
  if (!m.frames.has(pfn, PG_ANON)) {
    anonVmaPrepare(m, mm, vma)
    const zero = m.frames.has(pfn, PG_ZERO)
    m.spent += zero ? m.cost.zeroFill4k : m.cost.copy4k
    if (zero) m.judge.separated(mm.id, vpn, 1)
    else m.decided(SITE_UNSHARE, mm, vpn, 1, COPY_NOT_ANON)
    replacePage(m, mm, vpn, PTE_PRESENT | kept)
    return
  }
  const verdict = askToReuse(m, pfn)
  const unsafe = m.decided(SITE_UNSHARE, mm, vpn, 1, verdict)
  if (isCopy(verdict)) {
    m.spent += m.cost.copy4k
    replacePage(m, mm, vpn, PTE_PRESENT | kept)
    return
  }
  if (unsafe) m.contested.add(pfn)
  takeOver(m, pfn)
  pageIsReused(m, pfn)
  m.tables.ptes[index] = pte & ~PTE_TOK
}

/** The page is the process's own from now on: no other page may be merged with it. */
export function takeOver({ frames, policy }: Machine, pfn: number): void {
  frames.clear(pfn, PG_KSM)
  if (policy.tracksExclusive) frames.set(pfn, PG_EXCLUSIVE)
}

/** May the anonymous page be written in place? The verdict, after whatever the policy's era tries first. */
export function askToReuse(m: Machine, pfn: number): number {
  const { frames, policy } = m
  if (frames.has(pfn, PG_KSM) && policy.reusesKsm) return reuseKsmPage(m, pfn)
  const verdict = ask(m, frames.has(pfn, PG_LARGE) ? policy.wpReuseLarge : policy.wpReuse, pfn)
  const tries = verdict === REUSE && policy.triesPageLock
  return tries && m.noise?.locked(m.judge.event, m.k.vpn) ? COPY_LOCKED : verdict
}

/**
 * Asks, and asks again after draining the batch or freeing the swapcache where the policy's era does that and its
 * answer says that nothing else is in the way.
 */
export function ask(m: Machine, question: Question, pfn: number): number {
  const { noise } = m
  if (noise === undefined) return askTwice(m, question, pfn)
  const references = hold(m, noise, pfn, m.k.vpn)
  const verdict = askTwice(m, question, pfn)
  letGo(m, pfn, references)
  return verdict
}

function askTwice(m: Machine, question: Question, pfn: number): number {
  const { policy, frames } = m
  let verdict = question(m.k, pfn)
  if (verdict === COPY_LRU_BATCH && policy.drainsLruBatch && frames.has(pfn, PG_LRU_BATCH)) {
    lruDrain(m)
    verdict = question(m.k, pfn)
  }
  if (verdict === COPY_SWAPCACHE && policy.freesSwapCache && tryToFreeSwap(m, pfn)) {
    verdict = question(m.k, pfn)
  }
  return verdict
}

/** reuse_ksm_page(), until 5.8: the last mapper takes the page over. */
function reuseKsmPage(m: Machine, pfn: number): number {
  const { frames } = m
  if (frames.has(pfn, PG_SWAPCACHE) || frames.pageCount(pfn) !== 1) return COPY_KSM
  return REUSE
}

/** Makes the entry writable (where the area is) and dirty. */
export function wpPageReuse(m: Machine, mm: Mm, vma: Vma, vpn: number, verdict: number): void {
  m.spent += m.cost.reuse
  const index = mm.pteIndex(vpn)
  const pte = m.tables.ptes[index]!
  const pfn = pte >>> PFN_SHIFT
  if (verdict === REUSE_FREE_SWAP) tryToFreeSwap(m, pfn)
  takeOver(m, pfn)
  pageIsReused(m, pfn)
  m.tables.ptes[index] = (pte & ~PTE_TOK) | dirtyFlags(vma)
}

/** The zero page, or a page of the page cache in a private mapping: never to be written. */
function copyFromOutside(m: Machine, mm: Mm, vma: Vma, vpn: number, pfn: number): void {
  anonVmaPrepare(m, mm, vma)
  if (m.frames.has(pfn, PG_ZERO)) {
    m.spent += m.cost.zeroFill4k
    replacePage(m, mm, vpn, dirtyFlags(vma))
    if (m.fromKernel) m.judge.separated(mm.id, vpn, 1)
    return
  }
  m.decided(SITE_WP, mm, vpn, 1, COPY_NOT_ANON)
  wpPageCopy(m, mm, vma, vpn)
}

function wpPageCopy(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  m.spent += m.cost.copy4k
  replacePage(m, mm, vpn, dirtyFlags(vma))
}

/** Puts a fresh page with the same bytes into the entry and drops the old one. */
function replacePage(m: Machine, mm: Mm, vpn: number, flags: number): void {
  const old = m.tables.ptes[mm.pteIndex(vpn)]! >>> PFN_SHIFT
  mapCopy(m, mm, vpn, copyOf(m, old), flags)
}

/** A fresh page with the same bytes, which nobody maps yet. */
export function copyOf(m: Machine, old: number): number {
  const pfn = allocAnonPage(m)
  m.frames.token[pfn] = m.frames.token[old]!
  return pfn
}

/** The fresh page `pfn` goes into the entry, and the old one is dropped. */
export function mapCopy(m: Machine, mm: Mm, vpn: number, pfn: number, flags: number): void {
  const { frames, tables } = m
  const index = mm.pteIndex(vpn)
  const old = tables.ptes[index]! >>> PFN_SHIFT
  mapPte(frames, mm, pfn)
  tables.ptes[index] = (pfn << PFN_SHIFT) | flags
  lruAdd(m, pfn)
  if (frames.has(old, PG_ZERO)) return
  unmapPte(frames, mm, old)
  pageIsUnmapped(m, old)
  // free_swap_cache(). Early kernels left the idle page in the swapcache for reclaim to find; no decision sees that.
  if (frames.mapcount(old) === 0) tryToFreeSwap(m, old)
  frames.freeIfUnused(old)
}
