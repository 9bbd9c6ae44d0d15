/**
 * cow-pte-owner: shared page tables with an owner that keeps the accounting; GUP marks a table so that fork copies it.
 *
 * Era     RFC v1 and v2, May and September 2022, on 6.0
 * Commit  never merged; Chih-En Lin ("Introduce Copy-On-Write to Page Table")
 * Before  anon-exclusive: fork's cost grows with the page tables.
 * Costs   Pages below a shared table keep their exclusive bits and writable entries: gup_fast walks past the read-only
 *         PMD entry and pins a page that the relatives map; its mark then hides that the table is shared.
 * Omits   RSS ownership, which no decision reads.
 */
import { definePolicy } from '../src/policy/api.ts'
import { exclusiveHooks, exclusiveParams } from './anon-exclusive.ts'

export default definePolicy({
  name: 'cow-pte-owner',
  summary: 'shared tables with an owner; GUP marks tables exclusive',
  era: 'RFC v2, 2022',
  kernel: '5.19',
  params: {
    ...exclusiveParams,
    longtermUnsharesFile: { ...exclusiveParams.longtermUnsharesFile, default: false },
  },
  hooks: (p) => ({ ...exclusiveHooks(p), tables: 'owner' }),
})
