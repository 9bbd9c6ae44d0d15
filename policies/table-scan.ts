/**
 * table-scan: anon-exclusive that takes a page of a large folio back when the entries of this page table explain all
 * references to the folio.
 *
 * Era     idea, January 2022 (David Hildenbrand, "reuse the unshared swapcache page")
 * Commit  never merged; mm-id replaced the scan by counters
 * Before  anon-exclusive: a PTE-mapped large folio has many references even when one process has it all to itself.
 * Costs   Up to 512 entries read per fault. A folio that mremap laid across two tables is never recognised.
 * Omits   The race with other tables: the count is read while nothing else runs.
 */
import {
  COPY_LARGE,
  COPY_SWAPCACHE,
  definePolicy,
  pageAnonExclusive,
  pageCount,
  pageSwapCache,
  REUSE_EXCLUSIVE,
  REUSE_LARGE,
  tableMappingsOfFolio,
} from '../src/policy/api.ts'
import { exclusiveHooks, exclusiveParams, later } from './anon-exclusive.ts'

export default definePolicy({
  name: 'table-scan',
  summary: 'anon-exclusive that counts PTEs of the locked table against page_count',
  era: 'idea 2022',
  kernel: '6.12',
  params: later(exclusiveParams),
  hooks: (p) => ({
    ...exclusiveHooks(p),
    wpReuseLarge(k, pfn) {
      if (pageAnonExclusive(k, pfn)) return REUSE_EXCLUSIVE
      if (pageSwapCache(k, pfn)) return COPY_SWAPCACHE
      return pageCount(k, pfn) === tableMappingsOfFolio(k, pfn) ? REUSE_LARGE : COPY_LARGE
    },
  }),
})
