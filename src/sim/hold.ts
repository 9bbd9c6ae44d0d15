/**
 * Hold: what noise does to a page while a policy is asked about it. Without noise nobody comes here.
 */
import { BEFORE_SWAPCACHE } from '../policy/api.ts'
import {
  HUGE_ORDER,
  PG_ANON,
  PG_KSM,
  PG_LAZYFREE,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
} from '../state/frames.ts'
import type { Machine } from './machine.ts'
import type { Noise } from './noise.ts'
import { addToSwap } from './swap-cache.ts'

/**
 * Takes the references that others have on the folio of `pfn`, mapped at `vpn`, and puts it into the swapcache if it
 * happens to be there. Returns how many references letGo() has to drop.
 */
export function hold(m: Machine, noise: Noise, pfn: number, vpn: number): number {
  const { frames } = m
  const { event } = m.judge
  const head = frames.head(pfn)
  if (noise.swapcached(event, vpn) && mayEnterSwapcache(m, head)) addToSwap(m, head)
  const order = frames.order[head]!
  let references = noise.scanned(event, vpn, order) ? 1 : 0
  // Compaction finds folios on the LRU only.
  const onLru = !frames.has(head, PG_LRU_BATCH)
  if (onLru && noise.isolated(event, vpn, order)) references++
  for (let i = 0; i < references; i++) frames.hold(head)
  return references
}

export function letGo(m: Machine, pfn: number, references: number): void {
  const head = m.frames.head(pfn)
  for (let i = 0; i < references; i++) m.frames.unhold(head)
}

/** add_to_swap() by a reclaim that unmaps nothing in the end. */
function mayEnterSwapcache(m: Machine, head: number): boolean {
  const { frames, policy } = m
  if (!frames.has(head, PG_ANON) || frames.has(head, PG_SWAPCACHE | PG_KSM | PG_LAZYFREE))
    return false
  // Of a huge mapping there would be no mapping left, but 512 entries.
  if (frames.order[head] === HUGE_ORDER && frames.entire[head] !== 0) return false
  return !policy.reclaimRefuses(m.k, head, BEFORE_SWAPCACHE)
}
