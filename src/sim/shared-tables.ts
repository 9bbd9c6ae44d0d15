/**
 * Copy-on-write page tables: tables that fork shares, and what makes a process get its own.
 *
 * lazy      on-demand-fork (EuroSys'21): entries are not accounted and stay writable; only a fault breaks the sharing,
 *           always by a copy; nothing else in the kernel knows of it.
 * owner     COW PTE, RFC v2: the same with an owner who keeps the accounting; most walkers break the sharing first,
 *           and GUP marks a table EXCLUSIVE so that a later fork copies it.
 * accounted RFC v3 to v5 and Hildenbrand's relaxed form: entries are accounted and write-protected at fork as if each
 *           sharer had a table of its own; any modification breaks the sharing first, and needs no accounting then.
 */
import { COPY_MAPPED, REUSE, SITE_TABLE } from '../policy/api.ts'
import { PG_ANON, PG_EXCLUSIVE, PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PMD_TABLE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_SWP_EXCLUSIVE,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_PAGES,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED } from '../trace/ops.ts'
import { copyPteRange, mayCopyAtFork } from './copy-ptes.ts'
import { dropPte, zapPteRange } from './drop.ts'
import { mapPte } from './folio.ts'
import type { Machine } from './machine.ts'

/** COW_PTE_OWNER_EXCLUSIVE: GUP has touched the table. */
const EXCLUSIVE = -1

/** fork: lets the child use the parent's table at `vpn`. Returns false if it must be copied entry by entry. */
export function shareTable(m: Machine, parent: Mm, child: Mm, vma: Vma, vpn: number): boolean {
  const start = vpn & -TABLE_PAGES
  const offset = parent.tables[vpn >>> TABLE_SHIFT]!
  if (child.tables[vpn >>> TABLE_SHIFT] === offset) return true
  if (child.pmd(vpn) !== 0 || !shareable(m, parent, vma, start)) return false
  const table = offset >>> TABLE_SHIFT
  if (m.policy.tables === 'accounted') {
    if (anyMustBeCopied(m, parent, start)) return false
    accountEntries(m, child, offset)
  } else {
    hideFromHotPath(m, offset)
    if (m.policy.tables === 'owner' && m.tables.owner[table] === 0)
      m.tables.owner[table] = parent.id + 1
  }
  m.tables.shares[table]!++
  m.counts.tableShares++
  m.spent += m.cost.tableShare
  parent.setPmd(vpn, PMD_TABLE, offset)
  child.setPmd(vpn, PMD_TABLE, offset)
  m.judge.tableShared(parent.id, child.id, start)
  return true
}

/** May the table over [start, start + 512) be shared at all, whatever its entries hold? */
function shareable(m: Machine, parent: Mm, vma: Vma, start: number): boolean {
  const end = start + TABLE_PAGES
  if (m.policy.tables === 'lazy') {
    return vma.kind === MAP_PRIVATE_ANON && vma.start <= start && vma.end >= end
  }
  if (
    m.policy.tables === 'owner' &&
    m.tables.owner[parent.tables[start >>> TABLE_SHIFT]! >>> TABLE_SHIFT] === EXCLUSIVE
  ) {
    return false
  }
  return parent.vmas.every(
    (other) =>
      other.end <= start ||
      other.start >= end ||
      (!other.dontfork && !other.uffdWp && other.kind !== MAP_SHARED),
  )
}

function anyMustBeCopied(m: Machine, parent: Mm, start: number): boolean {
  if (!mayCopyAtFork(m, parent)) return false
  const first = parent.pteIndex(start)
  for (let i = 0; i < TABLE_PAGES; i++) {
    const pte = m.tables.ptes[first + i]!
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) === 0 || !m.frames.has(pfn, PG_ANON)) continue
    m.k.vpn = start + i
    if (m.policy.forkCopies(m.k, pfn)) return true
  }
  return false
}

/** Every entry counts once more, for the new sharer, and is write-protected for all. */
function accountEntries(m: Machine, sharer: Mm, offset: number): void {
  const { frames } = m
  const { ptes } = m.tables
  let accounted = 0
  for (let i = offset; i < offset + TABLE_PAGES; i++) {
    const pte = ptes[i]!
    if (pte === 0) continue
    accounted++
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_SWAP) !== 0) {
      m.k.swap.duplicate(pfn)
      ptes[i] = pte & ~PTE_SWP_EXCLUSIVE
    } else if ((pte & PTE_PRESENT) !== 0) {
      ptes[i] = pte & ~(PTE_WRITE | PTE_TOK)
      if (frames.has(pfn, PG_ZERO)) continue
      mapPte(frames, sharer, pfn)
      frames.clear(pfn, PG_EXCLUSIVE)
    }
  }
  m.spent += accounted * m.cost.ptePerFork
}

/** The entries stay writable, but no store may take them as checked: the PMD entry is read-only now. */
function hideFromHotPath(m: Machine, offset: number): void {
  const { ptes } = m.tables
  for (let i = offset; i < offset + TABLE_PAGES; i++) ptes[i]! &= ~PTE_TOK
}

function isShared(mm: Mm, vpn: number): boolean {
  const pmd = mm.pmd(vpn)
  return pmd !== 0 && (pmd & (PMD_HUGE | PTE_WRITE)) === 0
}

/** A fault met a read-only PMD entry: the process gets a table of its own. */
export function breakSharedTable(m: Machine, mm: Mm, vpn: number): void {
  if (!isShared(mm, vpn)) return
  const start = vpn & -TABLE_PAGES
  const offset = mm.tables[vpn >>> TABLE_SHIFT]!
  const table = offset >>> TABLE_SHIFT
  const { tables } = m
  // The mark overwrote the owner: the kernel no longer sees that the table is shared.
  const blind = m.policy.tables === 'owner' && tables.owner[table] === EXCLUSIVE
  if (blind) {
    mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, offset)
    return
  }
  if (tables.shares[table] === 1 && m.policy.tables !== 'lazy') {
    m.decided(SITE_TABLE, mm, start, TABLE_PAGES, REUSE)
    tables.owner[table] = 0
    mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, offset)
    m.judge.tableLeft(mm.id, start)
    return
  }
  m.decided(SITE_TABLE, mm, start, TABLE_PAGES, COPY_MAPPED)
  m.counts.tableCopies++
  m.spent += m.cost.tableAlloc
  copyTable(m, mm, start, offset)
  m.judge.tableLeft(mm.id, start)
}

/** Any other modification of the entries (mprotect, zap, reclaim, KSM...): the same, where the design knows of it. */
export function unshareForWalk(m: Machine, mm: Mm, vpn: number): void {
  if (m.policy.tables !== 'lazy') breakSharedTable(m, mm, vpn)
}

function copyTable(m: Machine, mm: Mm, start: number, old: number): void {
  const { tables } = m
  const fresh = tables.alloc()
  if (m.policy.tables === 'accounted') {
    tables.ptes.copyWithin(fresh, old, old + TABLE_PAGES)
    mm.setPmd(start, PMD_TABLE | PTE_WRITE, fresh)
    leaveTable(m, old)
    return
  }
  const lazy = m.policy.tables === 'lazy'
  mm.setPmd(start, PMD_TABLE | PTE_WRITE, fresh)
  if (lazy) copyLazily(m, mm, old, fresh)
  else copyOwned(m, mm, start, old, fresh)
  const table = old >>> TABLE_SHIFT
  if (tables.owner[table] === mm.id + 1) tables.owner[table] = 0
  leaveTable(m, old, mm)
}

/** on-demand-fork accounts at the break, write-protects only the new entries, and knows nothing of swap counts. */
function copyLazily(m: Machine, mm: Mm, old: number, fresh: number): void {
  const { ptes } = m.tables
  for (let i = 0; i < TABLE_PAGES; i++) {
    const pte = ptes[old + i]!
    if (pte === 0) continue
    m.spent += m.cost.ptePerFork
    ptes[fresh + i] = pte & ~(PTE_WRITE | PTE_TOK)
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) !== 0 && !m.frames.has(pfn, PG_ZERO)) mapPte(m.frames, mm, pfn)
  }
}

/** COW PTE v2 breaks with the ordinary copy_pte_range(), from the shared table into the new one. */
function copyOwned(m: Machine, mm: Mm, start: number, old: number, fresh: number): void {
  for (const vma of mm.vmas) {
    const from = Math.max(vma.start, start)
    const to = Math.min(vma.end, start + TABLE_PAGES)
    if (from < to) copyPteRange(m, mm, mm, vma, old + from - start, fresh + from - start, from, to)
  }
}

/** One sharer less; the last one takes the entries' references with it. */
function leaveTable(m: Machine, offset: number, mm?: Mm): void {
  const table = offset >>> TABLE_SHIFT
  m.tables.shares[table]!--
  if (m.tables.shares[table] !== 0) return
  if (mm !== undefined) zapPteRange(m, mm, offset, offset + TABLE_PAGES)
  m.tables.release(offset)
}

/**
 * zap of a whole shared table: the process lets go of it without copying. Returns false if it is the only one left and
 * the entries must be zapped as usual.
 */
export function zapSharedTable(m: Machine, mm: Mm, vpn: number): boolean {
  const offset = mm.tables[vpn >>> TABLE_SHIFT]!
  const table = offset >>> TABLE_SHIFT
  if (m.tables.shares[table]! <= 1) {
    mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, offset)
    m.tables.owner[table] = 0
    m.judge.tableLeft(mm.id, vpn & -TABLE_PAGES)
    return false
  }
  if (m.policy.tables === 'accounted') unaccountEntries(m, mm, offset)
  if (m.tables.owner[table] === mm.id + 1) m.tables.owner[table] = 0
  m.tables.shares[table]!--
  mm.setPmd(vpn, 0, 0)
  m.spent += m.cost.tableShare
  m.judge.tableLeft(mm.id, vpn & -TABLE_PAGES)
  return true
}

function unaccountEntries(m: Machine, mm: Mm, offset: number): void {
  const { ptes } = m.tables
  let entries = 0
  for (let i = offset; i < offset + TABLE_PAGES; i++) {
    const pte = ptes[i]!
    if (pte === 0) continue
    entries++
    dropPte(m, mm, pte)
  }
  m.spent += entries * m.cost.ptePerExit
}

/**
 * gup_fast() does not look at the PMD entry's write bit, so below a table that is shared but not write-protected entry
 * by entry it finds the relatives' page writable. `slow`: the caller walks with the page-table lock, which breaks the
 * sharing first where the design knows of it. Returns whether the page is taken as it is.
 */
export function gupBelowSharedTable(
  m: Machine,
  mm: Mm,
  vpn: number,
  write: boolean,
  slow: boolean,
): boolean {
  if (!isShared(mm, vpn) || m.policy.tables === 'accounted') return false
  if (slow && m.policy.tables === 'owner') {
    breakSharedTable(m, mm, vpn)
    return false
  }
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  const needed = write ? PTE_PRESENT | PTE_WRITE : PTE_PRESENT
  return (pte & needed) === needed && (pte & PTE_UFFD_WP) === 0
}

/** COW PTE v2: what GUP has walked is copied by later forks. Sticky until the table is freed. */
export function gupMarksTable(m: Machine, mm: Mm, vpn: number): void {
  if (m.policy.tables !== 'owner' || (mm.pmd(vpn) & PMD_HUGE) !== 0) return
  m.tables.owner[mm.tables[vpn >>> TABLE_SHIFT]! >>> TABLE_SHIFT] = EXCLUSIVE
}
