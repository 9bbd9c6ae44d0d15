/**
 * Dropping entries: what an entry that goes away referred to loses a reference, and is freed with the last one.
 */
import { type Frames, HELD, MAPCOUNT, PG_LARGE, PG_SWAPCACHE, PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PTE_PRESENT, PTE_SWAP, PTE_UFFD_WP } from '../state/tables.ts'
import { removeMappings, unmapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { pageIsUnmapped } from './own-bits.ts'
import { FOURS, unmapFours } from './plain-fork.ts'
import { tryToFreeSwap } from './swap-cache.ts'

/** Dropping a page with one of these takes more than counting down. */
export const SPECIAL_AT_ZAP = PG_SWAPCACHE | PG_ZERO

/** Entries that are emptied before the pages that nobody needs any more are freed. */
const AT_ONCE = 128
const unused = new Int32Array(AT_ONCE)

/** Empties the entries [from, to) of `ptes`, which belong to `mm` alone. */
export function zapPteRange(m: Machine, mm: Mm, from: number, to: number): void {
  const { frames, plain } = m
  const { word } = frames
  const { ptes } = m.tables
  /** Is a page free as soon as nobody maps it? */
  const free = frames.held === 0
  let zapped = 0
  /** The large folio at hand, and its mappings that are gone but still counted there. */
  let head = 0
  let pages = 0
  let unmapped = 0
  for (let i = from; i < to; i++) {
    const pte = ptes[i]!
    if (pte === 0) continue
    const pfn = pte >>> PFN_SHIFT
    const w = word[pfn]!
    if (plain && mapsPlainPage(pte, w)) {
      let next = i
      if (to - i >= FOURS && (w & MAPCOUNT) > 1) next = unmapFours(frames, ptes, i, to)
      if (next === i && free) next = unmapPlain(frames, ptes, i, Math.min(to, i + AT_ONCE))
      if (next > i) {
        zapped += next - i
        i = next - 1
        continue
      }
    }
    ptes[i] = 0
    zapped++
    if (!plain || (pte & PTE_PRESENT) === 0 || (w & SPECIAL_AT_ZAP) !== 0) {
      if (unmapped !== 0) dropMappings(m, mm, head, unmapped)
      unmapped = 0
      dropPte(m, mm, pte)
      continue
    }
    word[pfn] = w - 1
    if ((w & PG_LARGE) !== 0) {
      if (pfn < head || pfn >= head + pages) {
        if (unmapped !== 0) dropMappings(m, mm, head, unmapped)
        head = frames.head(pfn)
        pages = frames.pages(pfn)
        unmapped = 0
      }
      unmapped++
    } else if ((w & MAPCOUNT) === 1) frames.freeIfUnused(pfn)
  }
  if (unmapped !== 0) dropMappings(m, mm, head, unmapped)
  m.spent += zapped * m.cost.ptePerExit
}

/** The entry maps an order-0 page, of which nothing but a count changes when it is dropped, unless that is the last. */
function mapsPlainPage(pte: number, word: number): boolean {
  return (pte & PTE_PRESENT) !== 0 && (word & (SPECIAL_AT_ZAP | PG_LARGE)) === 0
}

/**
 * Empties the entries from `from` on, up to the first that does not map a plain page, where pages have no references but
 * those that their flags show. Returns that one. There is no branch for the last mapping of a page, which after a fork
 * is as likely as not.
 */
function unmapPlain(frames: Frames, ptes: Int32Array, from: number, to: number): number {
  const { word } = frames
  let gone = 0
  let i = from
  for (; i < to; i++) {
    const pte = ptes[i]!
    const pfn = pte >>> PFN_SHIFT
    const w = word[pfn]!
    if (!mapsPlainPage(pte, w)) break
    ptes[i] = 0
    const keeping = (w - 1) & (MAPCOUNT | HELD)
    // All bits, or none if nothing keeps the page.
    const kept = (keeping | -keeping) >> 31
    word[pfn] = (w - 1) & kept
    unused[gone] = pfn
    gone += 1 + kept
  }
  frames.releaseAll(unused, gone)
  return i
}

/** So many entries of `mm` that mapped the large folio are gone. */
function dropMappings(m: Machine, mm: Mm, head: number, mappings: number): void {
  removeMappings(m.frames, head, mm, mappings)
  freeUnmapped(m, head)
}

/** What the entry referred to loses one reference. */
export function dropPte(m: Machine, mm: Mm, pte: number): void {
  const { frames } = m
  const pfn = pte >>> PFN_SHIFT
  if ((pte & PTE_PRESENT) !== 0) {
    if (frames.has(pfn, PG_ZERO)) return
    unmapPte(frames, mm, pfn)
    pageIsUnmapped(m, pfn)
    freeUnmapped(m, pfn)
  } else if ((pte & PTE_SWAP) !== 0) {
    const cached = m.k.swap.cached[pfn]!
    m.k.swap.put(pfn)
    // free_swap_and_cache(): with the last entry gone, a cached page that nobody maps goes too.
    if (cached !== 0) freeUnmapped(m, cached)
  }
}

/** free_page_and_swap_cache(): a page that nobody maps leaves the swapcache, and memory if nothing else holds it. */
export function freeUnmapped(m: Machine, pfn: number): void {
  const { frames } = m
  const head = frames.head(pfn)
  const mapped = frames.order[head] === 0 ? frames.mapcount(head) : frames.largeMapcount[head]!
  if (mapped === 0 && frames.has(head, PG_SWAPCACHE)) tryToFreeSwap(m, head)
  frames.freeIfUnused(head)
}

/** try_to_unmap() of a page-cache page: of a write-protected entry a marker stays. */
export function unmapCachedPte(m: Machine, mm: Mm, vma: Vma | undefined, vpn: number): void {
  const index = mm.pteIndex(vpn)
  const pte = m.tables.ptes[index]!
  m.tables.ptes[index] = vma?.uffdWp === true ? pte & PTE_UFFD_WP : 0
  unmapPte(m.frames, mm, pte >>> PFN_SHIFT)
}
