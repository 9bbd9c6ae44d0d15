/**
 * Plain pages, shared by fork and let go by exit four at a time: nearly all entries that either meets map an anonymous
 * page of which nothing but a count changes. V8 finds its columns anew in every turn of a loop, here once for four.
 */
import {
  type Frames,
  MAPCOUNT,
  PG_ANON,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_LARGE,
  PG_MARKED,
  PG_SWAPCACHE,
  PG_ZERO,
} from '../state/frames.ts'
import { PFN_SHIFT, PTE_PRESENT, PTE_TOK, PTE_UFFD_WP, PTE_WRITE } from '../state/tables.ts'
import type { Machine } from './machine.ts'

/** Fewer entries are not worth looking at four at a time. */
export const FOURS = 8

/** More references, or more pins, are not marked. */
const MAX_HELD = 64
const MAX_PINS = 16

/** So often mapped, a page without references might count for one FOLL_PIN: half of UNPINNED_MAPS, as bits to test. */
const MANY_MAPS = MAPCOUNT & ~511
/** Shared in another way than by counting. A process may have a KSM page twice, and then twice among four. */
const NOT_COUNTED = PG_ZERO | PG_LARGE | PG_KSM | PG_MARKED | MANY_MAPS
const NOT_COUNTED_DOWN = PG_ZERO | PG_LARGE | PG_KSM | PG_SWAPCACHE

/** Bit of MAPCOUNT that pages have which two or three processes map. */
const TWICE = 2

const PROTECTED = ~(PTE_WRITE | PTE_TOK)

/**
 * Marks all pages that anybody holds a reference to, so that fork need not look at two more columns for each page.
 * Returns false, with nothing marked, if there are too many, or some that no pin knows of, or parts of large folios.
 */
export function marksHeld(m: Machine): boolean {
  const { frames } = m
  const { held, refs, pins } = frames
  if (held === 0) return true
  if (held > MAX_HELD || m.k.pins.size > MAX_PINS) return false
  let found = 0
  m.k.pins.forEach((pin) => {
    for (let i = 0; i < pin.frames.length; i++) {
      const pfn = pin.frames[i]!
      if (frames.has(pfn, PG_MARKED | PG_LARGE)) continue
      frames.set(pfn, PG_MARKED)
      found += refs[pfn]! + pins[pfn]!
    }
  })
  if (found === held) return true
  unmarkHeld(m)
  return false
}

export function unmarkHeld({ k, frames }: Machine): void {
  if (frames.held === 0) return
  k.pins.forEach((pin) => {
    for (let i = 0; i < pin.frames.length; i++) frames.clear(pin.frames[i]!, PG_MARKED)
  })
}

/**
 * Shares the `pages` entries from index `from` on, up to the first four of which one takes more than counting. Returns
 * how many it has shared. Indices are computed with | 0, so that V8 does not look each time whether they are too large.
 */
export function shareFours(
  { word }: Frames,
  ptes: Int32Array,
  from: number,
  to: number,
  pages: number,
): number {
  const end = (from + (pages & -4)) | 0
  let at = from | 0
  for (; at < end; at = (at + 4) | 0) {
    const a = ptes[at]!
    const b = ptes[(at + 1) | 0]!
    const c = ptes[(at + 2) | 0]!
    const d = ptes[(at + 3) | 0]!
    const any = a | b | c | d
    if ((a & b & c & d & PTE_PRESENT) === 0 || (any & PTE_UFFD_WP) !== 0) break
    const wordA = word[a >>> PFN_SHIFT]!
    const wordB = word[b >>> PFN_SHIFT]!
    const wordC = word[c >>> PFN_SHIFT]!
    const wordD = word[d >>> PFN_SHIFT]!
    if ((wordA & wordB & wordC & wordD & PG_ANON) === 0) break
    if (((wordA | wordB | wordC | wordD) & NOT_COUNTED) !== 0) break
    word[a >>> PFN_SHIFT] = (wordA + 1) & ~PG_EXCLUSIVE
    word[b >>> PFN_SHIFT] = (wordB + 1) & ~PG_EXCLUSIVE
    word[c >>> PFN_SHIFT] = (wordC + 1) & ~PG_EXCLUSIVE
    word[d >>> PFN_SHIFT] = (wordD + 1) & ~PG_EXCLUSIVE
    if ((any & ~PROTECTED) !== 0) protectFour(ptes, at)
  }
  if (at > from) ptes.copyWithin(to, from, at)
  return at - from
}

/** Of most fours nobody has stored to a page since they were protected last. */
function protectFour(ptes: Int32Array, from: number): void {
  for (let i = from; i < from + 4; i++) ptes[i]! &= PROTECTED
}

/**
 * Empties the entries [from, to), up to the first four of which one maps a page that nobody else maps, or takes more
 * than counting down. Returns where it stopped.
 */
export function unmapFours({ word }: Frames, ptes: Int32Array, from: number, to: number): number {
  const end = (from + ((to - from) & -4)) | 0
  let at = from | 0
  for (; at < end; at = (at + 4) | 0) {
    const a = ptes[at]!
    const b = ptes[(at + 1) | 0]!
    const c = ptes[(at + 2) | 0]!
    const d = ptes[(at + 3) | 0]!
    if ((a & b & c & d & PTE_PRESENT) === 0) break
    const wordA = word[a >>> PFN_SHIFT]!
    const wordB = word[b >>> PFN_SHIFT]!
    const wordC = word[c >>> PFN_SHIFT]!
    const wordD = word[d >>> PFN_SHIFT]!
    const all = wordA & wordB & wordC & wordD
    if ((all & PG_ANON) === 0) break
    if (((wordA | wordB | wordC | wordD) & NOT_COUNTED_DOWN) !== 0) break
    if ((all & TWICE) === 0 && !areShared(wordA, wordB, wordC, wordD)) break
    word[a >>> PFN_SHIFT] = wordA - 1
    word[b >>> PFN_SHIFT] = wordB - 1
    word[c >>> PFN_SHIFT] = wordC - 1
    word[d >>> PFN_SHIFT] = wordD - 1
  }
  if (at > from) ptes.fill(0, from, at)
  return at
}

/** Is each of the pages mapped more than once? */
function areShared(a: number, b: number, c: number, d: number): boolean {
  return isShared(a) && isShared(b) && isShared(c) && isShared(d)
}

function isShared(word: number): boolean {
  return (word & MAPCOUNT) > 1
}
