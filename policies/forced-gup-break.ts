/**
 * forced-gup-break: reuse-swap-page, and every reference breaks COW first, also a reader's.
 *
 * Era     v5.8; stable 5.7.3, 5.4.x and older
 * Commit  17839856fd58 ("gup: document and work around "COW can break either way" issue"), Linus Torvalds, June 2020
 * Before  reuse-swap-page: CVE-2020-29374, a child reading its parent's later stores from a pipe.
 * Costs   A read-only reference to a shared page costs a copy, and write-protection events that nobody caused. A pin
 *         taken before the fork is as open as it was.
 * Omits   gup_fast callers that ask for FAST_ONLY, which may still see a shared page.
 */
import { definePolicy, GUP_BREAK_COW } from '../src/policy/api.ts'
import { ksmReuse, reuseSwapPage, sharedThp } from './reuse-swap-page.ts'

export default definePolicy({
  name: 'forced-gup-break',
  summary: 'reuse-swap-page, and every GUP breaks COW first',
  era: 'v5.8',
  kernel: '5.8',
  params: { sharedThp: { ...sharedThp, default: 'split' }, ksmReuse },
  hooks: (p) => ({
    copiesHuge: p.sharedThp === 'copy2M',
    reusesKsm: p.ksmReuse,
    wpReuse: reuseSwapPage,
    gupRead: () => GUP_BREAK_COW,
    gupReadNotAnon: () => GUP_BREAK_COW,
  }),
})
