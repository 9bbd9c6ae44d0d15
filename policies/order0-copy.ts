/**
 * order0-copy: anon-exclusive that never takes back a page of a large folio that is mapped by page-table entries.
 *
 * Era     v6.7 to v6.14; argued for in January 2022 (Matthew Wilcox)
 * Commit  the early return for large folios in wp_can_reuse_anon_folio()
 * Before  anon-exclusive took the last mapping of a large folio back; everything else was copied anyway.
 * Costs   After fork and exit each page of a PTE-mapped large folio is copied at its first store, and the folio stays
 *         in memory until its last mapping goes.
 * Omits   -
 */
import { COPY_LARGE, definePolicy, pageAnonExclusive, REUSE_EXCLUSIVE } from '../src/policy/api.ts'
import { exclusiveHooks, exclusiveParams, later } from './anon-exclusive.ts'

export default definePolicy({
  name: 'order0-copy',
  summary: 'anon-exclusive that never reuses a PTE-mapped THP part',
  era: 'v6.7-v6.14',
  kernel: '6.12',
  params: later(exclusiveParams),
  hooks: (p) => ({
    ...exclusiveHooks(p),
    wpReuseLarge: (k, pfn) => (pageAnonExclusive(k, pfn) ? REUSE_EXCLUSIVE : COPY_LARGE),
  }),
})
