/**
 * no-unmap-gup: mappings, swap entries and references must add up to two; reclaim leaves alone what others refer to.
 *
 * Era     proposal, April 2009 ("Don't unmap gup()ed page"), on 2.6.30-rc
 * Commit  never merged; KOSAKI Motohiro
 * Before  reuse-swap-page: a parent in O_DIRECT, its child storing in place to the very page that is being written out.
 * Costs   Any passing reference (LRU batch, reclaim, a fault next door) makes a copy. And reclaim's test races with
 *         gup_fast: a reference taken between the test and the unmap is lost at the next store.
 * Omits   The rest of the series: callers holding mmap_sem over O_DIRECT so that fork has to wait.
 */
import {
  AFTER_CLEAR,
  BEFORE_UNMAP,
  COPY_KSM,
  COPY_MAPPED,
  COPY_REFERENCED,
  definePolicy,
  flag,
  mapAndSwapCount,
  pageCount,
  pageKsm,
  pageMapcount,
  pageSwapCache,
  pageWriteback,
  REUSE,
  REUSE_FREE_SWAP,
} from '../src/policy/api.ts'

export default definePolicy({
  name: 'no-unmap-gup',
  summary: 'count + page_count == 2; reclaim refuses pinned swapcache pages',
  era: 'proposal 2009',
  kernel: '5.6',
  lacks: ['thp'],
  params: {
    recheckAfterClear: flag(
      false,
      'test again after the entry was cleared, and put it back if that fails',
    ),
  },
  hooks: (p) => ({
    copiesHuge: true,
    reusesKsm: false,
    wpReuse(k, pfn) {
      if (pageKsm(k, pfn)) return COPY_KSM
      // 1 for the caller's swap entry, also where the swapcache was bypassed, which 2009 knew nothing of.
      const count = Math.max(1, mapAndSwapCount(k, pfn))
      if (count !== 1) return COPY_MAPPED
      // reuse_swap_page() gives the swapcache up before it looks at the references that are left, unless it is being written.
      const cached = pageSwapCache(k, pfn) && !pageWriteback(k, pfn)
      const unmapped = pageMapcount(k, pfn) === 0 ? 1 : 0
      const references = pageCount(k, pfn) - (cached ? 1 : 0) + unmapped
      if (count + references !== 2) return COPY_REFERENCED
      return cached ? REUSE_FREE_SWAP : REUSE
    },
    reclaimRefuses(k, pfn, stage) {
      // One reference is the swapcache's, one the reclaimer's own.
      const asks = stage === BEFORE_UNMAP || (stage === AFTER_CLEAR && p.recheckAfterClear)
      return asks && pageCount(k, pfn) !== pageMapcount(k, pfn) + 2
    },
  }),
})
