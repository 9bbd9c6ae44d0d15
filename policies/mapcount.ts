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
  REUSE,
} from '../src/policy/api.ts'

export default definePolicy({
  name: 'mapcount',
  summary: 'reuse iff mapcount is 1',
  era: 'abstraction; THP until v4.4',
  kernel: '6.18',
  hooks: () => ({
    wpReuse(k, pfn) {
      if (pageKsm(k, pfn)) return COPY_KSM
      // At swap-in the page is not mapped yet: 0 is the caller alone, as far as mappings can tell.
      return mapCountOfMostShared(k, pfn) <= 1 ? REUSE : COPY_MAPPED
    },
  }),
})
