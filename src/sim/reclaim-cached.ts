/**
 * Reclaim of the page cache: try_to_unmap() of pages that are a file's or a shared object's. The next access finds them
 * again, in the cache or on the swap device behind that, and with the same bytes, so that they stay known here. A pin
 * keeps them in the cache.
 */
import { PG_CACHE, PG_LARGE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { coversFolio } from './lazyfree.ts'
import type { Machine } from './machine.ts'
import { takenByPageout } from './pageout.ts'
import { onlyMapped, splitFolio, unmapCachedFolio, unmapCachedPage } from './split.ts'
import { presentFrame } from './walk.ts'

/** Unmaps the page cache's pages in [start, end) of an area; `soleOnly` as swapOut() takes it. */
export function unmapCached(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  soleOnly: boolean,
): void {
  const { frames } = m
  for (let vpn = start; vpn < end; ) {
    const pfn = presentFrame(m, mm, vpn)
    if (frames.has(pfn, PG_CACHE) && frames.has(pfn, PG_LARGE)) {
      vpn += soleOnly
        ? pageOutFolio(m, mm, vpn, pfn, end)
        : reclaimFolio(m, mm, vpn, pfn, start, end)
      continue
    }
    if (frames.has(pfn, PG_CACHE) && !(soleOnly && frames.mapcount(pfn) !== 1)) {
      unmapCachedPage(m, pfn, vpn)
      leaveMemory(m, pfn)
    }
    vpn++
  }
}

/** MADV_PAGEOUT of what `mm` maps of a huge folio at `vpn`. Returns how many pages it is done with. */
function pageOutFolio(m: Machine, mm: Mm, vpn: number, pfn: number, end: number): number {
  const pages = takenByPageout(m, mm, vpn, end)
  if (pages > 0) reclaimWhole(m, pfn, vpn)
  // 0: what was split is not mapped any more, and stays in memory.
  return Math.max(1, Math.abs(pages))
}

/** The same for reclaim: of a folio of which the range holds a part, the split leaves the part to be taken. */
function reclaimFolio(
  m: Machine,
  mm: Mm,
  vpn: number,
  pfn: number,
  start: number,
  end: number,
): number {
  const { frames } = m
  const last = Math.min(end, vpn + frames.pages(pfn) - (pfn - frames.head(pfn)))
  if (coversFolio(m, mm, vpn, pfn, start, end)) {
    reclaimWhole(m, pfn, vpn)
    return last - vpn
  }
  const part: number[] = []
  for (let at = vpn; at < last; at++) {
    if (presentFrame(m, mm, at) === pfn + at - vpn) part.push(pfn + at - vpn)
  }
  if (splitFolio(m, pfn, vpn)) for (const page of part) leaveMemory(m, page)
  else m.counts.refusedUnmaps++
  return last - vpn
}

/** shrink_folio_list() of a huge folio of shared memory, of which `mm` maps `pfn` at `vpn`. */
function reclaimWhole(m: Machine, pfn: number, vpn: number): void {
  const { frames } = m
  const head = frames.head(pfn)
  const end = head + frames.pages(head)
  if (m.era.splitsSharedFolios) {
    if (!splitFolio(m, pfn, vpn)) {
      m.counts.refusedUnmaps++
      return
    }
  } else {
    unmapCachedFolio(m, head, vpn - (pfn - head))
    // Written as one; but what comes back one by one might as well have been written so.
    if (!m.era.swapsInSharedFolios && onlyMapped(m, head)) frames.splitFolio(head)
  }
  for (let page = head; page < end; page += frames.pages(page)) leaveMemory(m, page)
}

/** is_page_cache_freeable(): the folio is paged out if nobody refers to it but the cache. */
function leaveMemory(m: Machine, head: number): void {
  const { frames } = m
  const pages = frames.pages(head)
  if (frames.pageCount(head) !== pages) return
  for (let pfn = head; pfn < head + pages; pfn++) m.pagedOut.add(pfn)
}
