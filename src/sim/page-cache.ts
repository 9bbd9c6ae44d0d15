/**
 * The page cache: the pages of files and of shared memory, in memory or (of the latter) paged out to the swap device.
 * What is paged out keeps its frame here, for its bytes; nobody maps it until a fault has brought it back.
 */
import { PG_CACHE, PG_LARGE } from '../state/frames.ts'
import type { Machine } from './machine.ts'
import { pageIsNotAnon } from './own-bits.ts'

/** The page cache's frame for a page of a file or shared object, 0 if it is not there. */
export function cachedFrame(m: Machine, object: number, pgoff: number): number {
  return m.pageCache.get(object)?.get(pgoff) ?? 0
}

/**
 * The page cache's frame for a page of a file or shared object, read in or back from swap if need be: `single` as
 * bringBack() takes it.
 */
export function pageCacheFrame(m: Machine, object: number, pgoff: number, single = false): number {
  let pages = m.pageCache.get(object)
  if (pages === undefined) {
    pages = new Map()
    m.pageCache.set(object, pages)
  }
  const known = pages.get(pgoff)
  if (known !== undefined) {
    bringBack(m, known, single)
    return known
  }
  const pfn = m.frames.alloc()
  m.frames.set(pfn, PG_CACHE)
  pageIsNotAnon(m, pfn)
  m.frames.token[pfn] = m.judge.objectPage(object, pgoff)
  pages.set(pgoff, pfn)
  m.pageCacheFrames++
  return pfn
}

/**
 * Has the folio of `pfn` in memory. One that went to swap whole and is whole there comes back whole, unless userfaultfd
 * watches the area of the fault: then the page comes alone, `single` (shmem_swap_alloc_folio()).
 * (A kernel leaves the rest in pieces of up to 64 pages, shmem_split_large_entry(); here each is alone.)
 */
export function bringBack(m: Machine, pfn: number, single: boolean): void {
  const { frames, pagedOut } = m
  if (!pagedOut.has(pfn)) return
  if (single && frames.has(pfn, PG_LARGE)) frames.splitFolio(frames.head(pfn))
  const head = frames.head(pfn)
  for (let i = head; i < head + frames.pages(head); i++) pagedOut.delete(i)
}
