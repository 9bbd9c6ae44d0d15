/**
 * KSM: pages of mergeable areas that hold equal bytes become one page, mapped read-only.
 */
import { PG_DIRTY, PG_EXCLUSIVE, PG_KSM, PG_LARGE, PG_SWAPCACHE } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PTE_DIRTY, PTE_PRESENT, PTE_TOK, PTE_WRITE } from '../state/tables.ts'
import { freeUnmapped } from './drop.ts'
import { mapPte, unmapPte } from './folio.ts'
import { lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { pageIsMerged, pageIsUnmapped } from './own-bits.ts'
import { mappersOf } from './rmap.ts'
import { breakSharedTable, unshareForWalk } from './shared-tables.ts'
import { onlyMapped, splitFolio } from './split.ts'
import { slotIsMerged } from './swap-cache.ts'
import { anonFrame, presentFrame } from './walk.ts'
import { unsharePage, wpPage } from './wp.ts'

interface Candidate {
  readonly mm: Mm
  readonly vpn: number
  readonly pfn: number
}

/**
 * ksmd scans until nothing is left to merge. It drains every CPU's batches before a scan; what it copies in the last one
 * waits in a batch (no KPF_LRU in /proc/kpageflags of 6.18.44).
 */
export function ksmScan(m: Machine): void {
  lruDrainAll(m)
  for (const pages of candidates(m).values()) if (pages.length > 1) merge(m, pages)
  m.endCall()
}

/** Mapped anonymous pages of mergeable areas, by the bytes they hold. */
function candidates(m: Machine): Map<number, Candidate[]> {
  const byToken = new Map<number, Candidate[]>()
  for (const mm of m.k.mms) {
    for (const vma of mm?.vmas ?? []) {
      if (!vma.mergeable || mm === undefined) continue
      for (let vpn = vma.start; vpn < vma.end; vpn++) {
        const pfn = anonFrame(m, mm, vpn)
        if (pfn === 0) continue
        const token = m.frames.token[pfn]!
        const pages = byToken.get(token)
        if (pages === undefined) byToken.set(token, [{ mm, vpn, pfn }])
        else pages.push({ mm, vpn, pfn })
      }
    }
  }
  return byToken
}

/** ksm_max_page_sharing, as kernels come with it: so many places at most share one KSM page by merging. */
const MAX_PAGE_SHARING = 256

/** Pages of equal bytes: those that are one page already, by its frame, and those that are not. */
interface Equals {
  readonly stable: Map<number, Candidate[]>
  unmerged: Candidate[]
}

/** Scans pages of equal bytes until nothing is left to merge. */
function merge(m: Machine, pages: readonly Candidate[]): void {
  const isKsm = ({ pfn }: Candidate): boolean => m.frames.has(pfn, PG_KSM)
  const equals: Equals = { stable: new Map(), unmerged: pages.filter((page) => !isKsm(page)) }
  for (const page of pages.filter(isKsm)) share(equals, page, page.pfn)
  const merged = new Set<number>()
  while (scanOnce(m, equals, merged));
  for (const pfn of merged) {
    m.judge.merged((equals.stable.get(pfn) ?? []).flatMap(({ mm, vpn }) => [mm.id, vpn]))
  }
}

function share({ stable }: Equals, page: Candidate, pfn: number): void {
  const places = stable.get(pfn)
  if (places === undefined) stable.set(pfn, [page])
  else places.push(page)
}

/**
 * cmp_and_merge_page() of each page: it becomes the page of the stable tree that most places share of those with room, or
 * one with the page that waits in the unstable tree. Returns whether another scan may find more, and adds to `merged` the
 * frames that were merged with.
 */
function scanOnce(m: Machine, equals: Equals, merged: Set<number>): boolean {
  const left: Candidate[] = []
  let waiting: Candidate | undefined
  let again = false
  for (const page of equals.unmerged) {
    if (isGone(m, page)) {
      // It was merged in a relative's page table, which is this one's too.
      const now = presentFrame(m, page.mm, page.vpn)
      if (equals.stable.has(now)) share(equals, page, now)
      continue
    }
    // Fork shared it before it was merged.
    const target = m.frames.has(page.pfn, PG_KSM) ? page.pfn : roomiest(equals)
    if (target !== 0) {
      if (mayBecome(m, page, target)) {
        share(equals, page, target)
        merged.add(target)
      } else left.push(page)
    } else if (waiting === undefined) {
      waiting = page
      left.push(page)
    } else if (isGone(m, waiting)) {
      // get_mergeable_page() finds it no more, and the unstable tree is made anew by the next scan.
      left.push(page)
      again = true
    } else if (waiting.pfn === page.pfn) {
      // "Don't substitute a ksm page for a forked page": nothing is split for it either.
      left.push(page)
    } else if (inOneFolio(m, waiting, page)) {
      // Of two pages of one folio the first is held while the second is to be split off, so that this comes too late.
      again = splitFolio(m, page.pfn, page.vpn) || again
      left.push(page)
    } else if (mayMerge(m, page)) {
      if (mayMerge(m, waiting)) {
        becomeKsm(m, page)
        replace(m, waiting, page.pfn)
        share(equals, page, page.pfn)
        share(equals, waiting, page.pfn)
        merged.add(page.pfn)
        waiting = undefined
        again = true
      } else {
        mergeInVain(m, page)
        // Only the split of its folio kept it from being merged.
        if (isGone(m, waiting)) {
          left.push({ ...page, pfn: presentFrame(m, page.mm, page.vpn) })
          again = true
        }
      }
    } else left.push(page)
  }
  equals.unmerged = left
  return again
}

/** The page becomes the KSM page `target`, unless it is held; or it is that already. */
function mayBecome(m: Machine, page: Candidate, target: number): boolean {
  if (page.pfn === target) return true
  if (!mayMerge(m, page)) return false
  replace(m, page, target)
  return true
}

function inOneFolio({ frames }: Machine, a: Candidate, b: Candidate): boolean {
  return frames.has(b.pfn, PG_LARGE) && frames.head(a.pfn) === frames.head(b.pfn)
}

/** stable_node_dup(): the page that most places share of those that more may share; 0 if there is none. */
function roomiest({ stable }: Equals): number {
  let found = 0
  let most = 0
  for (const [pfn, { length }] of stable) {
    if (length >= MAX_PAGE_SHARING || length <= most) continue
    found = pfn
    most = length
  }
  return found
}

/**
 * The page that waits in the unstable tree is held by somebody, which shows only when the later one has become a KSM page
 * already: break_cow() copies that one, and so it goes with each (watched on 6.18.44).
 */
function mergeInVain(m: Machine, later: Candidate): void {
  becomeKsm(m, later)
  breakKsm(m, later.mm, later.vpn)
}

/**
 * write_protect_page(): a reference besides the mappings keeps the page from being merged. A large folio is split
 * first.
 */
function mayMerge(m: Machine, candidate: Candidate): boolean {
  const { vpn, pfn } = candidate
  if (m.frames.has(pfn, PG_LARGE) && !splitFolio(m, pfn, vpn)) return false
  return !isGone(m, candidate) && onlyMapped(m, pfn)
}

/** Is another page there by now? A split gives pages of zeroes up for the zero page. */
function isGone(m: Machine, { mm, vpn, pfn }: Candidate): boolean {
  return presentFrame(m, mm, vpn) !== pfn
}

/** write_protect_page(): the entry that is merged. Those of others are read-only, but where a policy went wrong. */
function becomeKsm(m: Machine, { mm, vpn, pfn }: Candidate): void {
  m.frames.clear(pfn, PG_EXCLUSIVE)
  pageIsMerged(m, pfn)
  for (const mapper of mappersOf(m, pfn, vpn)) {
    const own = mapper.mm === mm && mapper.vpn === vpn
    const entry = m.tables.ptes[mapper.mm.pteIndex(mapper.vpn)]!
    if (!own && (entry & PTE_WRITE) === 0) continue
    unshareForWalk(m, mapper.mm, mapper.vpn)
    m.tables.ptes[mapper.mm.pteIndex(mapper.vpn)]! &= ~(PTE_WRITE | PTE_DIRTY | PTE_TOK)
  }
  // "Page reclaim just frees a clean page with no dirty ptes: make sure that the ksm page would be swapped."
  m.frames.set(pfn, PG_KSM | PG_DIRTY)
  if (m.frames.has(pfn, PG_SWAPCACHE)) slotIsMerged(m, m.frames.slot[pfn]!)
}

/**
 * replace_page(): one mapping of a duplicate becomes a mapping of the KSM page, by an entry made anew from vm_page_prot:
 * userfaultfd's write protection and the soft-dirty bit are lost (watched on 6.18.44).
 */
function replace(m: Machine, { mm, vpn, pfn }: Candidate, ksm: number): void {
  const { frames } = m
  unshareForWalk(m, mm, vpn)
  const { ptes } = m.tables
  const index = mm.pteIndex(vpn)
  ptes[index] = (ksm << PFN_SHIFT) | PTE_PRESENT
  mapPte(frames, mm, ksm)
  unmapPte(frames, mm, pfn)
  pageIsMerged(m, ksm)
  pageIsUnmapped(m, pfn)
  freeUnmapped(m, pfn)
}

/** unmerge_ksm_pages(): each KSM page of the range becomes one of the process's own again. */
export function unmergeKsm(m: Machine, mm: Mm, start: number, end: number): void {
  for (let vpn = start; vpn < end; vpn++) {
    const pfn = presentFrame(m, mm, vpn)
    if (m.frames.has(pfn, PG_KSM)) breakKsm(m, mm, vpn)
  }
}

/** break_ksm(): the process gets a page of its own, as a read-only pin or, until 6.1, a store would get it. */
function breakKsm(m: Machine, mm: Mm, vpn: number): void {
  const vma = mm.find(vpn)
  if (vma === undefined) return
  m.k.mm = mm
  m.k.vpn = vpn
  m.beginFault()
  breakSharedTable(m, mm, vpn)
  if (m.era.breaksKsm === 'unshare') unsharePage(m, mm, vma, vpn)
  else {
    const pfn = presentFrame(m, mm, vpn)
    // Its own reference (follow_page()) keeps reuse_ksm_page() from taking the page over.
    m.frames.hold(pfn)
    m.fromKernel = true
    wpPage(m, mm, vma, vpn)
    m.fromKernel = false
    m.frames.unhold(pfn)
    m.frames.freeIfUnused(pfn)
  }
  m.endFault()
}

/**
 * ksm_might_need_to_copy(): is the page that a swap entry names mapped at another place by now? Read back it is no KSM
 * page any more: it becomes that of whoever comes first, and the rmap would not find it anywhere else (watched on
 * 6.18.44). Notes the place of the first.
 */
export function ksmMightNeedToCopy(
  m: Machine,
  vma: Vma,
  vpn: number,
  slot: number,
  pfn: number,
): boolean {
  const { merged } = m.k.swap
  if (merged.size === 0 || !merged.has(slot) || m.frames.has(pfn, PG_KSM)) return false
  const first = merged.get(slot)
  const index = vma.pgoff + vpn - vma.start
  if (first !== undefined) return first.root !== vma.anonRoot || first.index !== index
  merged.set(slot, { root: vma.anonRoot, index })
  return false
}
