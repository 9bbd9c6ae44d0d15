/**
 * always-copy: never write in place to a page that was once read-only: the upper bound on copies.
 *
 * Era     none: a bound, so that every chart carries its own scale
 * Commit  -
 * Before  -
 * Costs   Every page that fork touched is copied by whoever writes first, and again by whoever writes second. A pin
 *         taken before stays on the old page: coherence is lost.
 * Omits   Any look at the page. Nothing is copied at fork.
 */
import { COPY, definePolicy, GUP_TAKE, GUP_UNSHARE } from '../src/policy/api.ts'

export default definePolicy({
  name: 'always-copy',
  summary: 'never reuse: the upper bound on copies',
  era: '-',
  kernel: '6.18',
  hooks: () => ({
    wpReuse: () => COPY,
    gupRead: (_k, _pfn, follPin) => (follPin ? GUP_UNSHARE : GUP_TAKE),
    gupReadNotAnon: (_k, _pfn, follPin) => (follPin ? GUP_UNSHARE : GUP_TAKE),
  }),
})
