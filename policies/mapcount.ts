/**
 * mapcount: write in place iff the page is mapped exactly once.
 *
 * Era     an abstraction; huge pages until 4.4
 * Commit  6d0a07edd17c ("mm: thp: calculate the mapcount correctly for THP pages during WP faults")
 * Before  -
 * Costs   No copies to speak of. But a reference is not a mapping: a child that vmspliced and unmapped sees what its
 *         parent stores (CVE-2020-29374). And a swap entry is not a mapping: a sharer that was swapped out is forgotten.
 * Omits   Swap counts, on purpose: reuse-swap-page is this policy with them.
 */
import {
  COPY_KSM,
  COPY_MAPPED,
  definePolicy,
  mapCountOfMostShared,
  pageKsm,
  pageMapcount,
  REUSE,
} from '../src/policy/api.ts'

export default definePolicy({
  name: 'mapcount',
  summary: 'reuse iff mapcount is 1',
  era: 'abstraction; THP until v4.4',
  kernel: '6.18',
  hooks: () => ({
    copiesHuge: true,
    wpReuse: (k, pfn) => (pageKsm(k, pfn) ? COPY_KSM : mappedOnce(pageMapcount(k, pfn))),
    pmdReuse: (k, head) => mappedOnce(mapCountOfMostShared(k, head)),
    // Not mapped yet by the caller. Other swap entries cannot be seen from here.
    swapinReuse: (k, pfn) => (pageKsm(k, pfn) ? COPY_KSM : mappedOnce(pageMapcount(k, pfn) + 1)),
  }),
})

function mappedOnce(mapcount: number): number {
  return mapcount === 1 ? REUSE : COPY_MAPPED
}
