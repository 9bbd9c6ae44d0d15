/** page-state: what the kernel knows of one page at one moment, part by part, for a reader. */

import type { Machine } from '../sim/machine.ts'
import { mappersOf } from '../sim/rmap.ts'
import { hugeMappers } from '../sim/split.ts'
import { entryAt, presentFrame } from '../sim/walk.ts'
import {
  HUGE_ZERO_PFN,
  PG_ANON,
  PG_CACHE,
  PG_DIRTY,
  PG_DONTCOW,
  PG_EXCLUSIVE,
  PG_KSM,
  PG_LAZYFREE,
  PG_LAZYFREE_BATCH,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_WRITEBACK,
  PG_ZERO,
} from '../state/frames.ts'
import {
  PFN_SHIFT,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'

/** An entry that shows the page. */
export interface Mapping {
  readonly mm: number
  readonly vpn: number
  /** `rw` or `ro`, and what else is set. */
  readonly entry: string
  /** By a PMD entry. */
  readonly huge: boolean
}

/** A reference that outlives mappings. */
export interface Holder {
  readonly pin: number
  readonly mm: number
  readonly kind: 'FOLL_GET' | 'FOLL_PIN'
  readonly write: boolean
}

export interface PageState {
  /** `nothing`, `swapped`, `zero page`, `huge zero page`, `page cache`, `anonymous` or `KSM page`. */
  readonly what: string
  /** Frame number; of a folio of more pages also its order and the page's number in it. Absent where there is none. */
  readonly frame?: number
  readonly order?: number
  readonly index?: number
  /** page_count() of the folio, and what it is made of, by source; sources of none are left out. */
  readonly count?: number
  readonly references?: Readonly<Record<string, number>>
  /** Of this very page. */
  readonly mapcount?: number
  readonly mappings?: readonly Mapping[]
  readonly holders?: readonly Holder[]
  /** PG_anon_exclusive and the like, in words. */
  readonly flags?: readonly string[]
  /** Swap entries that name the page's slot. */
  readonly swapEntries?: number
  /** The policy's own bits, where it declares any. */
  readonly own?: number
}

/** The page that `mm` has at `vpn`. */
export function pageAt(m: Machine, mm: number, vpn: number): PageState {
  const process = m.k.mms[mm]
  if (process === undefined) return { what: 'nothing' }
  const pfn = presentFrame(m, process, vpn)
  if (pfn !== 0) return frameState(m, pfn, vpn)
  const entry = entryAt(m, process, vpn)
  if ((entry & PTE_SWAP) === 0) return { what: 'nothing' }
  const slot = entry >>> PFN_SHIFT
  const cached = m.k.swap.cached[slot]!
  const marks = (entry & PTE_SWP_EXCLUSIVE) !== 0 ? ['exclusive marker'] : []
  if (cached !== 0) {
    const state = frameState(m, cached, vpn)
    return { ...state, what: 'swapped, still cached', flags: [...(state.flags ?? []), ...marks] }
  }
  const own = m.policy.pageBits === null ? {} : { own: m.k.own.slot[slot] ?? 0 }
  return { what: 'swapped', swapEntries: m.k.swap.count[slot]!, flags: marks, ...own }
}

/** The page in frame `pfn`; one of its mappings is at `vpn`. */
export function frameState(m: Machine, pfn: number, vpn: number): PageState {
  const { frames } = m
  if (frames.has(pfn, PG_ZERO)) {
    return { what: pfn >= HUGE_ZERO_PFN ? 'huge zero page' : 'zero page' }
  }
  const head = frames.head(pfn)
  const order = frames.order[pfn]!
  const cached = frames.has(head, PG_SWAPCACHE)
  const swapEntries = cached ? m.k.swap.count[frames.slot[pfn]!]! : 0
  return {
    what: frames.has(pfn, PG_KSM)
      ? 'KSM page'
      : frames.has(pfn, PG_ANON)
        ? 'anonymous'
        : 'page cache',
    frame: pfn,
    ...(order === 0 ? {} : { order, index: pfn - head }),
    count: frames.pageCount(pfn),
    references: references(m, head),
    mapcount: frames.mapcount(pfn) + frames.entire[head]!,
    mappings: mappings(m, pfn, vpn),
    holders: m.k.holders.of(pfn).map(({ id, mm, follPin, write }) => ({
      ...{ pin: id, mm, kind: follPin ? ('FOLL_PIN' as const) : ('FOLL_GET' as const), write },
    })),
    flags: flagsOf(m, pfn, head),
    ...(swapEntries === 0 ? {} : { swapEntries }),
    ...(m.policy.pageBits === null ? {} : { own: m.k.own.page[pfn] ?? 0 }),
  }
}

/** What page_count() adds up. */
function references(m: Machine, head: number): Record<string, number> {
  const { frames } = m
  const small = frames.order[head] === 0
  const all = {
    mappings: small ? frames.mapcount(head) : frames.largeMapcount[head]!,
    swapcache: frames.has(head, PG_SWAPCACHE) ? frames.pages(head) : 0,
    'LRU batch': frames.has(head, PG_LRU_BATCH) ? 1 : 0,
    'lazyfree batch': frames.has(head, PG_LAZYFREE_BATCH) ? 1 : 0,
    'page cache': frames.has(head, PG_CACHE) ? 1 : 0,
    FOLL_GET: frames.refs[head]!,
    // 1,024 references each on a small folio, one on a large one.
    FOLL_PIN: frames.pins[head]!,
  }
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0))
}

function mappings(m: Machine, pfn: number, vpn: number): Mapping[] {
  const { frames } = m
  const head = frames.head(pfn)
  const small = mappersOf(m, pfn, vpn).map((mapper) => ({ ...mapper, huge: false }))
  const huge =
    frames.entire[head] === 0
      ? []
      : hugeMappers(m, head).map(({ mm, vpn: start }) => ({
          ...{ mm, vpn: start + pfn - head, huge: true },
        }))
  return [...huge, ...small]
    .map(({ mm, vpn: at, huge: byPmd }) => ({
      ...{ mm: mm.id, vpn: at, entry: entryText(entryAt(m, mm, at)), huge: byPmd },
    }))
    .sort((a, b) => a.mm - b.mm || a.vpn - b.vpn)
}

function entryText(entry: number): string {
  const bits: readonly (readonly [number, string])[] = [
    [PTE_DIRTY, 'dirty'],
    [PTE_SOFT_DIRTY, 'soft-dirty'],
    [PTE_UFFD_WP, 'uffd-wp'],
  ]
  const set = bits.filter(([bit]) => (entry & bit) !== 0).map(([, name]) => name)
  return [(entry & PTE_WRITE) !== 0 ? 'rw' : 'ro', ...set].join(' ')
}

function flagsOf(m: Machine, pfn: number, head: number): string[] {
  const { frames } = m
  const flags: readonly (readonly [boolean, string])[] = [
    [frames.has(pfn, PG_EXCLUSIVE), 'exclusive'],
    [frames.has(head, PG_DIRTY), 'dirty'],
    [frames.has(head, PG_DONTCOW), 'dontcow'],
    [frames.has(head, PG_LAZYFREE), 'lazyfree'],
    [frames.has(head, PG_WRITEBACK), 'under writeback'],
    [frames.order[head] !== 0 && frames.mmShared[head] !== 0, 'MM ids shared'],
  ]
  return flags.filter(([set]) => set).map(([, name]) => name)
}
