/**
 * Reclaim of what MADV_FREE gave up: it is dropped unwritten, unless it was stored to since, or somebody holds it.
 */
import { HUGE_PAGES, PG_DIRTY, PG_LAZYFREE } from '../state/frames.ts'
import { PFN_SHIFT, PTE_DIRTY, TABLE_PAGES } from '../state/tables.ts'
import { unmapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { pageIsUnmapped } from './own-bits.ts'
import { type Mapper, mappersOf } from './rmap.ts'
import { tableUsers, unshareForReclaim } from './shared-tables.ts'
import { onlyMapped } from './split.ts'
import { presentFrame } from './walk.ts'
import { zapHugePmd } from './zap.ts'

/** unmap_huge_pmd_locked() of a folio that MADV_FREE gave up. Returns false where it has to be split, and looked at. */
export function dropsHugeMapping(m: Machine, head: number, { mm, vpn }: Mapper): boolean {
  if (!m.era.dropsHugeLazyfree || !m.frames.has(head, PG_LAZYFREE)) return false
  if (m.frames.has(head, PG_DIRTY) || (mm.pmd(vpn) & PTE_DIRTY) !== 0) return false
  if (!onlyMapped(m, head)) return false
  for (let i = 0; i < HUGE_PAGES; i++) m.judge.dropped(mm.id, vpn + i)
  zapHugePmd(m, mm, vpn)
  return true
}

/**
 * try_to_unmap() of a folio that MADV_FREE gave up: drops its entries one by one, until one shows that it has been stored
 * to, or a reference that it is held. May the folio be swapped out after all? A first pass only notes that it may (watched
 * on 6.18.44): it stays, if `again` is there to list such.
 */
export function isSwapBacked(m: Machine, head: number, vpn: number, again?: number[]): boolean {
  const { frames, era } = m
  /** Up to where the entries have been looked at, and of whom. */
  const seen = { mm: m.k.mm, stop: 0 }
  for (const mapper of inRmapOrder(m, head, vpn)) {
    // The table may have gone with an entry before.
    if (frames.head(presentFrame(m, mapper.mm, mapper.vpn)) !== head) continue
    if (!unshareForReclaim(m, mapper.mm, mapper.vpn)) continue
    if (seen.mm !== mapper.mm || seen.stop <= mapper.vpn) {
      seen.mm = mapper.mm
      seen.stop = noteStores(m, head, mapper)
    }
    const stored = frames.has(head, PG_DIRTY)
    if (!stored && (era.heldLazyfree === 'unmaps' || onlyMapped(m, head))) {
      discard(m, mapper)
      continue
    }
    const stays = !stored && era.heldLazyfree === 'keeps'
    if (stays || again !== undefined) {
      if (!stays) again?.push(head)
      m.counts.refusedUnmaps++
      return false
    }
    frames.clear(head, PG_LAZYFREE)
    return true
  }
  return false
}

/** Is an entry dirty, of the one and those that are taken with it? Then the folio is. Returns where they end. */
function noteStores(m: Machine, head: number, { mm, vpn }: Mapper): number {
  const { frames, era, tables } = m
  const end = mm.find(vpn)?.end ?? vpn + 1
  const stop = era.dropsInRuns ? Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES) : vpn + 1
  const pfn = presentFrame(m, mm, vpn)
  for (let at = vpn; at < stop; at++) {
    const next = pfn + at - vpn
    if (presentFrame(m, mm, at) !== next || frames.head(next) !== head) return at
    if ((tables.ptes[mm.pteIndex(at)]! & PTE_DIRTY) !== 0) frames.set(head, PG_DIRTY)
  }
  return stop
}

/**
 * All entries that map the folio, whose first page is mapped at `vpn`, in the order of the anon_vma's tree: by where the
 * area begins, parents' before their children's. (Where two begin alike, one that has been split since the fork, which
 * puts it last, is asked too early.)
 */
function inRmapOrder(m: Machine, head: number, vpn: number): Mapper[] {
  const mappers: Mapper[] = []
  for (let i = 0; i < m.frames.pages(head); i++) mappers.push(...mappersOf(m, head + i, vpn + i))
  const beginning = ({ mm, vpn: at }: Mapper): number => mm.find(at)?.pgoff ?? 0
  return mappers.sort((a, b) => beginning(a) - beginning(b) || a.mm.id - b.mm.id)
}

function discard(m: Machine, { mm, vpn }: Mapper): void {
  const index = mm.pteIndex(vpn)
  const pfn = m.tables.ptes[index]! >>> PFN_SHIFT
  m.tables.ptes[index] = 0
  for (const user of tableUsers(m, mm, vpn)) m.judge.dropped(user.id, vpn)
  unmapPte(m.frames, mm, pfn)
  pageIsUnmapped(m, pfn)
  m.frames.freeIfUnused(pfn)
}
