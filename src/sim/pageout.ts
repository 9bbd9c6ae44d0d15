/**
 * MADV_PAGEOUT: which pages of the range it takes. It leaves alone what others map.
 */
import { pageMapcount } from '../policy/api.ts'
import { PG_ANON, PG_CACHE, PG_LARGE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PMD_HUGE, TABLE_PAGES } from '../state/tables.ts'
import { mappedShared, mapsWhole } from './lazyfree.ts'
import type { Machine } from './machine.ts'
import { onlyMapped, splitFolio } from './split.ts'
import { presentFrame } from './walk.ts'

/**
 * madvise_cold_or_pageout_pte_range(): how many pages from `vpn` on go together; negative: how many are left alone. What
 * others map too is. A large folio that is not covered as a whole is split at once.
 */
export function takenByPageout(m: Machine, mm: Mm, vpn: number, end: number): number {
  const pfn = presentFrame(m, mm, vpn)
  if (!m.frames.has(pfn, PG_ANON | PG_CACHE)) return -1
  const { frames, era } = m
  const stop = Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0) {
    if (mappedShared(m, frames.head(pfn))) return vpn - stop
    if (stop - vpn === TABLE_PAGES) return TABLE_PAGES
    return splitsForPageout(m, vpn, pfn, stop - vpn)
  }
  if (!frames.has(pfn, PG_LARGE)) return pageMapcount(m.k, pfn) === 1 ? 1 : -1
  const head = frames.head(pfn)
  if (!era.takesFoliosWhole) {
    // Until 6.9 one that others map too, or that cannot be split, ends the walk over its page table.
    if (pageMapcount(m.k, pfn) !== 1 || !onlyMapped(m, head)) return vpn - stop
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
