/**
 * cow-pte-accounted: page tables shared at fork after every entry was accounted and write-protected, as if copied.
 *
 * Era     RFC v3 to v5 (December 2022 to April 2023), and Hildenbrand's relaxed form of September 2022
 * Commit  never merged; Chih-En Lin
 * Before  cow-pte-owner: unaccounted pages, and marks that race with GUP.
 * Costs   fork still visits every entry, so it is hardly faster; it saves a 4 KiB table per 2 MiB and child until the
 *         first modification, which copies the table.
 * Omits   The recovery of half-processed tables: a table with a pinned page is copied from the start.
 */
import { definePolicy } from '../src/policy/api.ts'
import { exclusiveHooks, exclusiveParams, later } from './anon-exclusive.ts'
import { soleOwnerOfLarge } from './mm-id.ts'

export default definePolicy({
  name: 'cow-pte-accounted',
  summary: 'shared tables, pages accounted at fork, broken on any modification',
  era: 'RFC v3-v5, 2022-2023',
  kernel: '6.18',
  params: later(exclusiveParams),
  hooks: (p) => ({ ...exclusiveHooks(p), wpReuseLarge: soleOwnerOfLarge, tables: 'accounted' }),
})
