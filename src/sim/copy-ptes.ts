/**
 * copy_pte_range(): what fork does with each page-table entry.
 */
import { COPY, SITE_FORK } from '../policy/api.ts'
import { type Frames, MAPCOUNT, PG_ANON, PG_EXCLUSIVE, PG_LARGE, PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { allocAnonPage, dirtyFlags, protectedIf } from './alloc.ts'
import { addMappings, mapPte } from './folio.ts'
import { lruAdd } from './lru.ts'
import type { Machine } from './machine.ts'
import { pageIsShared, slotIsShared } from './own-bits.ts'
import { FOURS, marksHeld, shareFours } from './plain-fork.ts'

/** Mapping one of these once more takes more than counting. */
export const SPECIAL_AT_FORK = PG_ZERO | PG_LARGE

/** So often mapped, a page without references counts for less than one FOLL_PIN, in whatever caches it is. */
export const UNPINNED_MAPS = 1000

/** Only a process that ever used FOLL_PIN is asked about, unless the policy wants to be asked about any. */
export function mayCopyAtFork(m: Machine, parent: Mm): boolean {
  return parent.hasPinned || m.policy.asksEveryFork
}

/** The bits of an entry that its copy in the child has: userfaultfd does not follow a fork. */
export function bitsAfterFork(m: Machine): number {
  return m.era.forkKeepsUffdWp ? -1 : ~PTE_UFFD_WP
}

/** Is the copy for the process itself, which stays registered? COW PTE v2 breaks tables so. */
function staysRegistered(parent: Mm, child: Mm, vma: Vma): boolean {
  return parent === child && vma.uffdWp
}

/** Which pages the policy is asked about: none, all that may be pinned, or those too, which are marked (marksHeld()). */
export const ASK_NONE = 0
export const ASK = 1
export const ASK_MARKED = 2

/** ASK_*. After ASK_MARKED the caller has to take the marks off (unmarkHeld()). */
export function whomForkAsks(m: Machine, parent: Mm): number {
  if (!mayCopyAtFork(m, parent)) return ASK_NONE
  return m.plain && m.forkAsksPinned && marksHeld(m) ? ASK_MARKED : ASK
}

/** Must the child get its own copy of the parent's page at once? */
export function mustCopy(m: Machine, vpn: number, pfn: number): boolean {
  m.k.vpn = vpn
  return m.policy.forkCopies(m.k, pfn)
}

/**
 * copy_pte_range(): the entries for [start, end), which lie in one page table, from index `from` on to `to` on. `whom`:
 * ASK_*. Pages that nobody is asked about are shared.
 */
export function copyPteRange(
  m: Machine,
  parent: Mm,
  child: Mm,
  vma: Vma,
  from: number,
  to: number,
  start: number,
  end: number,
  whom: number,
): void {
  const { k, frames, policy } = m
  const { ptes } = m.tables
  const asks = whom !== ASK_NONE
  const keepsBits = policy.pageBits !== null
  const asksAll = asks && !m.forkAsksPinned
  const asksFile = asks && m.era.forkCopiesFile && vma.kind !== MAP_SHARED
  const kept = staysRegistered(parent, child, vma) ? -1 : bitsAfterFork(m)
  const pages = end - start
  const fours = m.plain && pages >= FOURS && whom !== ASK
  let { word } = frames
  let copied = 0
  /** The large folio at hand, and its mappings that are not counted there yet. */
  let head = 0
  let folioPages = 0
  let mapped = 0
  for (let i = 0; i < pages; i++) {
    const pte = ptes[from + i]!
    if (pte === 0) continue
    copied++
    if ((pte & PTE_PRESENT) === 0) {
      copyNonpresentPte(m, pte, from + i, to + i, kept)
      continue
    }
    const pfn = pte >>> PFN_SHIFT
    const w = word[pfn]!
    if (!asksAll && (w & SPECIAL_AT_FORK) === 0) {
      let next = i
      if (fours && pages - i >= FOURS) next += shareFours(frames, ptes, from + i, to + i, pages - i)
      if (next === i) {
        const end = fours ? Math.min(pages, i + FOURS) : pages
        next = sharePlain(frames, ptes, from, to, i, end, asks, kept)
      }
      if (next > i) {
        copied += next - i - 1
        i = next - 1
        continue
      }
    }
    if (asks && ((w & PG_ANON) !== 0 || (asksFile && (w & PG_ZERO) === 0))) {
      k.vpn = start + i
      if (policy.forkCopies(k, pfn)) {
        copyPresentPage(m, parent, child, vma, start + i, from + i, to + i)
        // The copy may have made the columns grow.
        word = frames.word
        continue
      }
      if (keepsBits) pageIsShared(m, pfn)
    }
    if ((w & PG_ZERO) === 0) word[pfn] = (w + 1) & ~PG_EXCLUSIVE
    if ((w & PG_LARGE) !== 0) {
      if (pfn < head || pfn >= head + folioPages) {
        if (mapped !== 0) addMappings(frames, head, child, mapped)
        head = frames.head(pfn)
        folioPages = frames.pages(pfn)
        mapped = 0
      }
      // Whoever is asked about the next page may look at the count.
      if (asks) addMappings(frames, head, child, 1)
      else mapped++
    }
    const shared = pte & ~(PTE_WRITE | PTE_TOK)
    ptes[from + i] = shared
    ptes[to + i] = shared & kept
  }
  if (mapped !== 0) addMappings(frames, head, child, mapped)
  m.spent += copied * m.cost.ptePerFork
}

/**
 * The entries from `i` on, up to the first that does not map a plain page, or one that may be pinned if the policy
 * `asks`. `kept`: bits that the copies keep. Returns that one. By far the most entries are copied here: whatever else
 * fork does would slow the loop down.
 */
function sharePlain(
  { word, refs, pins }: Frames,
  ptes: Int32Array,
  from: number,
  to: number,
  i: number,
  pages: number,
  asks: boolean,
  kept: number,
): number {
  for (; i < pages; i++) {
    const pte = ptes[from + i]!
    if ((pte & PTE_PRESENT) === 0) break
    const pfn = pte >>> PFN_SHIFT
    const w = word[pfn]!
    if ((w & SPECIAL_AT_FORK) !== 0) break
    if (asks && ((refs[pfn]! | pins[pfn]!) !== 0 || (w & MAPCOUNT) > UNPINNED_MAPS)) break
    word[pfn] = (w + 1) & ~PG_EXCLUSIVE
    const shared = pte & ~(PTE_WRITE | PTE_TOK)
    ptes[from + i] = shared
    ptes[to + i] = shared & kept
  }
  return i
}

/** copy_nonpresent_pte(): one more swap entry, or a marker; exclusivity is lost on both sides. */
function copyNonpresentPte(m: Machine, pte: number, from: number, to: number, kept: number): void {
  const { ptes } = m.tables
  if ((pte & PTE_SWAP) === 0) {
    if (m.era.forkCopiesMarkers) ptes[to] = pte
    return
  }
  m.k.swap.duplicate(pte >>> PFN_SHIFT)
  slotIsShared(m, pte >>> PFN_SHIFT)
  const shared = pte & ~PTE_SWP_EXCLUSIVE
  ptes[from] = shared
  ptes[to] = shared & kept
}

/** copy_present_page(): the child gets its own copy at once; the parent's entry stays as it is. */
export function copyPresentPage(
  m: Machine,
  parent: Mm,
  child: Mm,
  vma: Vma,
  vpn: number,
  from: number,
  to: number,
): void {
  const { frames } = m
  const { ptes } = m.tables
  m.decided(SITE_FORK, parent, vpn, 1, COPY, child.id)
  m.spent += m.cost.copy4k
  const old = ptes[from]! >>> PFN_SHIFT
  const pfn = allocAnonPage(m)
  frames.token[pfn] = frames.token[old]!
  mapPte(frames, child, pfn)
  ptes[from]! &= m.policy.forkCopyProtects ? ~(PTE_TOK | PTE_WRITE) : ~PTE_TOK
  const armed = staysRegistered(parent, child, vma) && (ptes[from]! & PTE_UFFD_WP) !== 0
  ptes[to] = (pfn << PFN_SHIFT) | protectedIf(armed, dirtyFlags(vma))
  lruAdd(m, pfn)
}
