/**
 * gup-needs: what has to happen to a present entry before GUP may take its page.
 */
import { GUP_BREAK_COW, GUP_TAKE } from '../policy/api.ts'
import { PG_ANON } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PTE_WRITE } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import type { Machine } from './machine.ts'
import type { Want } from './want.ts'

/** GUP_* for the entry at `vpn`. */
export function entryNeeds(m: Machine, mm: Mm, vpn: number, entry: number, want: Want): number {
  if ((entry & PTE_WRITE) !== 0 && (mm.pmd(vpn) & PTE_WRITE) !== 0) return GUP_TAKE
  if (want.write) return GUP_BREAK_COW
  // gup_must_unshare(): of shared memory there is nothing to unshare.
  if (mm.find(vpn)?.kind === MAP_SHARED) return GUP_TAKE
  if (want.slow && m.policy.gupSlowBreaksCow) return GUP_BREAK_COW
  return readNeeds(m, entry >>> PFN_SHIFT, want.follPin)
}

/** The same for a reader of a read-only entry. `pfn` is the entry's: of a huge mapping, the folio's head. */
export function readNeeds(m: Machine, pfn: number, follPin: boolean): number {
  const { frames, policy } = m
  if (!frames.has(pfn, PG_ANON)) return policy.gupReadNotAnon(m.k, pfn, follPin)
  return policy.gupRead(m.k, pfn, follPin)
}
