/**
 * reuse-swap-page: write in place iff mappings and swap entries together are one.
 *
 * Era     v2.6.29 to v5.7 for order-0 pages, to v5.17 for huge pages and at swap-in
 * Commit  7b1fe59793e6 ("mm: reuse_swap_page replaces can_share_swap_page"), Hugh Dickins, January 2009
 * Before  The same test inside can_share_swap_page().
 * Costs   Next to no copies. References do not count, so a pipe or a device that holds the page without mapping it is
 *         not seen: it reads what the writer stores. After a fork whoever stores first leaves the page, with or without
 *         a pin on it.
 * Omits   The page lock.
 */
import {
  COPY_KSM,
  COPY_MAPPED,
  COPY_SWAPCACHE,
  choice,
  definePolicy,
  flag,
  type Kernel,
  mapAndSwapCount,
  otherPagesInSwap,
  pageKsm,
  pageSwapCache,
  pageUnderStableWriteback,
  REUSE,
  REUSE_FREE_SWAP,
} from '../src/policy/api.ts'

/** reuse_swap_page(): gives the swapcache up when nobody else can reach the page through it. */
export function reuseSwapPage(k: Kernel, pfn: number): number {
  if (pageKsm(k, pfn)) return COPY_KSM
  const count = mapAndSwapCount(k, pfn)
  if (count > 1) return COPY_MAPPED
  if (count === 0 || !pageSwapCache(k, pfn)) return REUSE
  // Where other pages of the folio are in swap still, nothing is given up, and nothing asked about the device.
  if (otherPagesInSwap(k, pfn)) return REUSE
  // The device would write out a mix of old and new bytes; any other device may, the swapcache stays until it is done.
  return pageUnderStableWriteback(k, pfn) ? COPY_SWAPCACHE : REUSE_FREE_SWAP
}

export const sharedThp = choice(
  'copy2M',
  ['copy2M', 'split'],
  'a shared huge page is copied whole (to 5.7) or split',
)
export const ksmReuse = flag(true, 'the last mapper of a KSM page writes in place')

export default definePolicy({
  name: 'reuse-swap-page',
  summary: 'mapcount + swapcount',
  era: 'v2.6.29-v5.7',
  kernel: '5.7',
  params: { sharedThp, ksmReuse },
  hooks: (p) => ({
    copiesHuge: p.sharedThp === 'copy2M',
    reusesKsm: p.ksmReuse,
    wpReuse: reuseSwapPage,
  }),
})
