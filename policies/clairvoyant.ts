/**
 * clairvoyant: write in place exactly when that is safe: the fewest copies among policies that violate nothing.
 *
 * Era     none: a bound, so that every table carries its own scale
 * Commit  -
 * Before  -
 * Costs   It reads who holds each reference, which no kernel can. It does not know the future: a page copied now might
 *         have had no other user a moment later.
 * Omits   -
 */
import {
  COPY_REFERENCED,
  definePolicy,
  folioPages,
  GUP_TAKE,
  GUP_UNSHARE,
  pageKsm,
  pageSwapCache,
  pinnedByAnyone,
  promisedPin,
  REUSE,
  REUSE_FREE_SWAP,
  soleUser,
} from '../src/policy/api.ts'

export default definePolicy({
  name: 'clairvoyant',
  summary: 'reuse exactly when safe: least copies among policies that violate nothing',
  era: '-',
  kernel: '6.18',
  hooks: () => ({
    writeProtectSeq: true,
    wpReuse(k, pfn) {
      if (!soleUser(k, pfn)) return COPY_REFERENCED
      return pageSwapCache(k, pfn) ? REUSE_FREE_SWAP : REUSE
    },
    // The page by the pin it is under, never by a count; a huge mapping is split where one of its pages is.
    forkCopies: promisedPin,
    forkSplitsHuge(k, head) {
      for (let i = 0; i < folioPages(k, head); i++) if (promisedPin(k, head + i)) return true
      return false
    },
    // A page that left under its pin could not be told from any other when it comes back.
    reclaimRefuses: pinnedByAnyone,
    // Of a KSM page the sole user of this moment need not stay that: KSM goes on merging pages with it.
    gupRead: (k, pfn, follPin) =>
      follPin && (pageKsm(k, pfn) || !soleUser(k, pfn)) ? GUP_UNSHARE : GUP_TAKE,
    gupReadNotAnon: (_k, _pfn, follPin) => (follPin ? GUP_UNSHARE : GUP_TAKE),
  }),
})
