/**
 * on-demand-fork: page tables shared at fork, their pages unaccounted, until a fault needs a table of its own.
 *
 * Era     EuroSys'21 prototype on 5.6.19
 * Commit  out of tree; Kaiyang Zhao, Sishuai Gong, Pedro Fonseca
 * Before  reuse-swap-page: fork's cost grows with the page tables.
 * Costs   A fault copies a whole table, also when nobody else uses it any more. Counts of pages below a shared table
 *         are wrong meanwhile: GUP below it hands out a page that the relatives map writable, swap entries are copied
 *         uncounted, a pin at fork is not seen.
 * Omits   The exception for the brk heap; that fork leaves the PMD entry of a read-only area writable, so that a store
 *         after mprotect() finds nothing to break, and an exit empties the table for everyone.
 */
import { definePolicy, GUP_BREAK_COW } from '../src/policy/api.ts'
import { ksmReuse, reuseSwapPage, sharedThp } from './reuse-swap-page.ts'

export default definePolicy({
  name: 'on-demand-fork',
  summary: 'PTE tables shared at fork, pages unaccounted',
  era: "EuroSys'21, 5.6",
  kernel: '5.6',
  params: { sharedThp, ksmReuse },
  hooks: (p) => ({
    tables: 'lazy',
    copiesHuge: p.sharedThp === 'copy2M',
    reusesKsm: p.ksmReuse,
    wpReuse: reuseSwapPage,
    gupRead: () => GUP_BREAK_COW,
    gupReadNotAnon: () => GUP_BREAK_COW,
  }),
})
