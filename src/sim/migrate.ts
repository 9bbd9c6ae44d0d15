/**
 * Migration: a page moves to another frame; any reference besides its mappings stops that.
 */
import { PG_ANON, PG_KSM, PG_LARGE, PG_SWAPCACHE } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_FLAGS, PTE_PRESENT } from '../state/tables.ts'
import { mapPte, unmapPte } from './folio.ts'
import { lruAdd, lruDrainAll } from './lru.ts'
import type { Machine } from './machine.ts'
import { bitsToFrame } from './own-bits.ts'
import { mappersOf } from './rmap.ts'
import { unshareForWalk } from './shared-tables.ts'
import { onlyMapped } from './split.ts'

/** migrate_pages() over the order-0 anonymous pages of [start, end). */
export function migrate(m: Machine, mm: Mm, start: number, end: number): void {
  lruDrainAll(m)
  for (let vpn = start; vpn < end; vpn++) {
    if ((mm.pmd(vpn) & PMD_HUGE) !== 0) continue
    const pte = m.tables.ptes[mm.pteIndex(vpn)]!
    if ((pte & PTE_PRESENT) !== 0) migratePage(m, pte >>> PFN_SHIFT, vpn)
  }
  m.endCall()
}

function migratePage(m: Machine, old: number, vpn: number): void {
  const { frames } = m
  const movable = frames.has(old, PG_ANON) && !frames.has(old, PG_LARGE | PG_KSM | PG_SWAPCACHE)
  if (!movable || !onlyMapped(m, old)) return
  m.spent += m.cost.copy4k
  const pfn = frames.alloc()
  frames.token[pfn] = frames.token[old]!
  // The entry's kind (writable, readable, readable-exclusive) carries the exclusivity over.
  const mappers = mappersOf(m, old, vpn)
  frames.set(pfn, frames.word[old]! & ~frames.mapcount(old))
  bitsToFrame(m, old, pfn)
  for (const mapper of mappers) {
    unshareForWalk(m, mapper.mm, mapper.vpn)
    const index = mapper.mm.pteIndex(mapper.vpn)
    m.tables.ptes[index] = (pfn << PFN_SHIFT) | (m.tables.ptes[index]! & PTE_FLAGS)
    mapPte(frames, mapper.mm, pfn)
    unmapPte(frames, mapper.mm, old)
  }
  lruAdd(m, pfn)
  frames.freeIfUnused(old)
}
