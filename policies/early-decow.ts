/**
 * early-decow: GUP marks every page it touches, and fork copies marked pages at once.
 *
 * Era     proposal, 2009 ("fork vs gup(-fast) fix")
 * Commit  never merged; Nick Piggin. Direct ancestor of copy_present_page() in 5.9 and of PageAnonExclusive.
 * Before  reuse-swap-page: pin, fork, the parent stores first and leaves its pin behind.
 * Costs   The mark stays until the page is freed: whatever was ever pinned is copied at every later fork. Never by
 *         chance, though: no passing reference is mistaken for a pin.
 * Omits   The lockless race with fork, which the series closed with a retry.
 */
import {
  COPY_SWAPCACHE,
  definePolicy,
  GUP_BREAK_COW,
  GUP_TAKE,
  type Kernel,
  pageDontCow,
  REUSE,
} from '../src/policy/api.ts'
import { reuseSwapPage } from './reuse-swap-page.ts'

/** 2009 knew no device that needs a page to stay as it is while it is written out. */
function reuseOf2009(k: Kernel, pfn: number): number {
  const verdict = reuseSwapPage(k, pfn)
  return verdict === COPY_SWAPCACHE ? REUSE : verdict
}

export default definePolicy({
  name: 'early-decow',
  summary: 'PG_dontcow: fork copies pages that GUP touched',
  era: 'proposal 2009',
  kernel: '5.6',
  lacks: ['thp'],
  hooks: () => ({
    copiesHuge: true,
    tagsGupPages: true,
    gupSlowBreaksCow: true,
    asksEveryFork: true,
    forkCopyProtects: true,
    wpReuse: reuseOf2009,
    forkCopies: pageDontCow,
    gupFastRefuses: (k, pfn) => !pageDontCow(k, pfn),
    // Without a lock a marked page is taken; the slow path, which marks pages, breaks COW for readers too.
    gupRead: (k, pfn) => (pageDontCow(k, pfn) ? GUP_TAKE : GUP_BREAK_COW),
    gupReadNotAnon: () => GUP_BREAK_COW,
  }),
})
