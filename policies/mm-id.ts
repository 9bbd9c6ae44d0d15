/**
 * mm-id: anon-exclusive, and a page of a large folio is taken back when all of its mappings belong to one mm.
 *
 * Era     v6.15 on
 * Commit  6af8cb80d3a9 (MM owner tracking), 1da190f4d0a6 (COW reuse), David Hildenbrand, March 2025
 * Before  order0-copy: every page of a PTE-mapped large folio was copied after fork and exit.
 * Costs   Two owners are remembered. A third mm that is the last one left is not recognised and copies. Any reference
 *         anywhere in the folio makes a copy.
 * Omits   The bit lock, and the second look under it.
 */
import {
  COPY_LARGE,
  COPY_REFERENCED,
  COPY_SHARED_MM,
  COPY_SWAPCACHE,
  definePolicy,
  folioLargeMapcount,
  folioMmIdsShared,
  type Kernel,
  pageAnonExclusive,
  pageCount,
  pageSwapCache,
  REUSE_EXCLUSIVE,
  REUSE_LARGE,
} from '../src/policy/api.ts'
import { exclusiveHooks, exclusiveParams, later } from './anon-exclusive.ts'

/** __wp_can_reuse_large_anon_folio() */
export function soleOwnerOfLarge(k: Kernel, pfn: number): number {
  if (pageAnonExclusive(k, pfn)) return REUSE_EXCLUSIVE
  // With one mapping left, copying it frees the whole folio.
  if (folioLargeMapcount(k, pfn) <= 1) return COPY_LARGE
  if (folioMmIdsShared(k, pfn)) return COPY_SHARED_MM
  if (pageSwapCache(k, pfn)) return COPY_SWAPCACHE
  return folioLargeMapcount(k, pfn) === pageCount(k, pfn) ? REUSE_LARGE : COPY_REFERENCED
}

export default definePolicy({
  name: 'mm-id',
  summary: 'anon-exclusive + large-folio reuse by MM owner tracking',
  era: 'v6.15-',
  kernel: '6.18',
  params: later(exclusiveParams),
  hooks: (p) => ({ ...exclusiveHooks(p), wpReuseLarge: soleOwnerOfLarge }),
})
