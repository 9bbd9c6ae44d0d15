/**
 * Mapping counts of folios, and who owns the mappings (MM owner tracking, 6.15).
 *
 * Every era keeps all counts, whether its policy reads them or not.
 */
import { type Frames, HUGE_PAGES, PG_LARGE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'

/** One more page-table entry of `mm` maps `pfn`. */
export function mapPte(frames: Frames, mm: Mm, pfn: number): void {
  frames.word[pfn]!++
  if (frames.has(pfn, PG_LARGE)) addMappings(frames, frames.head(pfn), mm, 1)
}

/** One entry less; the caller frees the folio if that was the last reference. */
export function unmapPte(frames: Frames, mm: Mm, pfn: number): void {
  frames.word[pfn]!--
  if (frames.has(pfn, PG_LARGE)) removeMappings(frames, frames.head(pfn), mm, 1)
}

export function mapHuge(frames: Frames, mm: Mm, head: number): void {
  frames.entire[head]!++
  addMappings(frames, head, mm, 1)
}

export function unmapHuge(frames: Frames, mm: Mm, head: number): void {
  frames.entire[head]!--
  removeMappings(frames, head, mm, 1)
}

/** A PMD mapping becomes 512 PTE mappings. */
export function remapHugeAsPtes(frames: Frames, mm: Mm, head: number): void {
  for (let pfn = head; pfn < head + HUGE_PAGES; pfn++) frames.word[pfn]!++
  addMappings(frames, head, mm, HUGE_PAGES)
  unmapHuge(frames, mm, head)
}

/**
 * folio_add_return_large_mapcount(), `mappings` at once or one by one: the mapping mm takes a free slot if it has none; the folio counts as shared as
 * soon as someone else's mappings are, or may be, among the total.
 */
export function addMappings(frames: Frames, head: number, mm: Mm, mappings: number): void {
  const before = frames.largeMapcount[head]!
  frames.largeMapcount[head] = before + mappings
  const owner = mm.id + 1
  if (frames.mm0[head] === owner) {
    frames.mm0Maps[head]! += mappings
  } else if (frames.mm1[head] === owner) {
    frames.mm1Maps[head]! += mappings
  } else if (frames.mm0[head] === 0) {
    frames.mm0[head] = owner
    frames.mm0Maps[head] = mappings
    if (before !== 0) frames.mmShared[head] = 1
  } else if (frames.mm1[head] === 0) {
    frames.mm1[head] = owner
    frames.mm1Maps[head] = mappings
    frames.mmShared[head] = 1
  }
}

/** folio_sub_return_large_mapcount(): the folio stops being shared when one slot owns all mappings that are left. */
export function removeMappings(frames: Frames, head: number, mm: Mm, mappings: number): void {
  const total = frames.largeMapcount[head]! - mappings
  frames.largeMapcount[head] = total
  const owner = mm.id + 1
  if (frames.mm0[head] === owner) {
    frames.mm0Maps[head]! -= mappings
    if (frames.mm0Maps[head]! >= 1) return
    frames.mm0[head] = 0
    frames.mm0Maps[head] = 0
  } else if (frames.mm1[head] === owner) {
    frames.mm1Maps[head]! -= mappings
    if (frames.mm1Maps[head]! >= 1) return
    frames.mm1[head] = 0
    frames.mm1Maps[head] = 0
  }
  if (frames.mm0Maps[head] === total || frames.mm1Maps[head] === total) frames.mmShared[head] = 0
}
