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
import { COPY_MAPPED, GUP_TAKE, REUSE, SITE_TABLE } from '../policy/api.ts'
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
import { MAP_PRIVATE_ANON, MAP_SHARED, PROT_WRITE } from '../trace/ops.ts'
import { ASK, ASK_NONE, copyPteRange, mayCopyAtFork, mustCopy } from './copy-ptes.ts'
import { dropPte, zapPteRange } from './drop.ts'
import { mapPte } from './folio.ts'
import { readNeeds } from './gup-needs.ts'
import type { Machine } from './machine.ts'
import { pageIsShared, slotIsShared } from './own-bits.ts'
import type { Want } from './want.ts'

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
      (!other.dontfork &&
        (!other.uffdWp || m.policy.tables === 'owner') &&
        other.kind !== MAP_SHARED),
  )
}

function anyMustBeCopied(m: Machine, parent: Mm, start: number): boolean {
  if (!mayCopyAtFork(m, parent)) return false
  const first = parent.pteIndex(start)
  for (let i = 0; i < TABLE_PAGES; i++) {
    const pte = m.tables.ptes[first + i]!
    const pfn = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) === 0 || !m.frames.has(pfn, PG_ANON)) continue
    if (mustCopy(m, start + i, pfn)) return true
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
      slotIsShared(m, pfn)
      ptes[i] = pte & ~PTE_SWP_EXCLUSIVE
    } else if ((pte & PTE_PRESENT) !== 0) {
      ptes[i] = pte & ~(PTE_WRITE | PTE_TOK)
      if (frames.has(pfn, PG_ZERO)) continue
      mapPte(frames, sharer, pfn)
      frames.clear(pfn, PG_EXCLUSIVE)
      if (frames.has(pfn, PG_ANON)) pageIsShared(m, pfn)
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

/** A fault met a read-only PMD entry, which the 2021 prototype looks at where the area may be written to. */
export function breakTableAtFault(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  if (m.policy.tables !== 'lazy' || (vma.prot & PROT_WRITE) !== 0) breakSharedTable(m, mm, vpn)
}

/** The process gets a table of its own. */
export function breakSharedTable(m: Machine, mm: Mm, vpn: number): void {
  if (!isShared(mm, vpn)) return
  const start = vpn & -TABLE_PAGES
  const offset = mm.tables[vpn >>> TABLE_SHIFT]!
  const table = offset >>> TABLE_SHIFT
  const { tables } = m
  // A table that GUP has marked is copied even by the last one to use it (recorded).
  const takes = m.policy.tables !== 'lazy' && tables.owner[table] !== EXCLUSIVE
  if (tables.shares[table] === 1 && takes) {
    m.decided(SITE_TABLE, mm, start, TABLE_PAGES, REUSE)
    takeBack(m, mm, vpn)
    return
  }
  m.decided(SITE_TABLE, mm, start, TABLE_PAGES, COPY_MAPPED)
  m.counts.tableCopies++
  m.spent += m.cost.tableAlloc
  copyTable(m, mm, start, offset)
  m.judge.tableLeft(mm.id, start)
}

/** The last one to use a table has it to itself again. */
function takeBack(m: Machine, mm: Mm, vpn: number): void {
  const offset = mm.tables[vpn >>> TABLE_SHIFT]!
  m.tables.owner[offset >>> TABLE_SHIFT] = 0
  mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, offset)
  m.judge.tableLeft(mm.id, vpn & -TABLE_PAGES)
}

/** Any other modification of the entries (mprotect, KSM, madvise...): the same, where the design knows of it. */
export function unshareForWalk(m: Machine, mm: Mm, vpn: number): void {
  if (m.policy.tables !== 'lazy') breakSharedTable(m, mm, vpn)
}

/**
 * Reclaim's walk over the mappings. COW PTE v2 gives the table up for all sharers but the last, and what it held is
 * lost to them (recorded). Returns whether the process still maps the range.
 */
export function unshareForReclaim(m: Machine, mm: Mm, vpn: number): boolean {
  const table = mm.tables[vpn >>> TABLE_SHIFT]! >>> TABLE_SHIFT
  if (m.policy.tables === 'owner' && isShared(mm, vpn) && m.tables.shares[table]! > 1) {
    letGo(m, mm, vpn)
    // What it lost it cannot reach any more: the others are alone with it.
    m.judge.separated(mm.id, vpn & -TABLE_PAGES, TABLE_PAGES)
    return false
  }
  unshareForWalk(m, mm, vpn)
  return true
}

/** Who loses what is taken out of the table at `vpn`: the process alone, unless on-demand-fork left the table shared. */
export function tableUsers({ k, policy }: Machine, mm: Mm, vpn: number): Mm[] {
  if (policy.tables !== 'lazy') return [mm]
  const range = vpn >>> TABLE_SHIFT
  return k.mms.filter((user): user is Mm => user?.tables[range] === mm.tables[range])
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

/** on-demand-fork accounts at the break, write-protects only the new entries, and loses swap entries. */
function copyLazily(m: Machine, mm: Mm, old: number, fresh: number): void {
  const { ptes } = m.tables
  for (let i = 0; i < TABLE_PAGES; i++) {
    const pte = ptes[old + i]!
    if ((pte & PTE_PRESENT) === 0) continue
    m.spent += m.cost.ptePerFork
    ptes[fresh + i] = pte & ~(PTE_WRITE | PTE_TOK)
    const pfn = pte >>> PFN_SHIFT
    if (!m.frames.has(pfn, PG_ZERO)) mapPte(m.frames, mm, pfn)
  }
}

/** COW PTE v2 breaks with the ordinary copy_pte_range(), from the shared table into the new one. */
function copyOwned(m: Machine, mm: Mm, start: number, old: number, fresh: number): void {
  const whom = mayCopyAtFork(m, mm) ? ASK : ASK_NONE
  for (const vma of mm.vmas) {
    const from = Math.max(vma.start, start)
    const to = Math.min(vma.end, start + TABLE_PAGES)
    if (from < to)
      copyPteRange(m, mm, mm, vma, old + from - start, fresh + from - start, from, to, whom)
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
 * A zap of the range around `vpn`: does it act on the table rather than on its entries? `whole`: nothing else of the
 * process lies in the table. Returns true if nothing is left to do there.
 */
export function zapsByTable(
  m: Machine,
  mm: Mm,
  vpn: number,
  whole: boolean,
  unmaps: boolean,
): boolean {
  const { tables } = m.policy
  // The prototype forgets MADV_DONTNEED of a part of any table (recorded).
  if (tables === 'lazy' && !whole && !unmaps) return true
  if (!isShared(mm, vpn)) return false
  const table = mm.tables[vpn >>> TABLE_SHIFT]! >>> TABLE_SHIFT
  if (tables === 'owner' && m.tables.owner[table] === EXCLUSIVE) return false
  // on-demand-fork copies for a part, as for a fault, also where nobody else uses the table any more.
  if (m.tables.shares[table]! === 1 && (whole || tables !== 'lazy')) {
    takeBack(m, mm, vpn)
    return false
  }
  // COW PTE v2 gives a shared table up entirely, whatever part was asked for (recorded).
  if (whole || tables === 'owner') {
    letGo(m, mm, vpn)
    // What it lost besides it cannot reach any more.
    if (!whole) m.judge.separated(mm.id, vpn & -TABLE_PAGES, TABLE_PAGES)
    return true
  }
  breakSharedTable(m, mm, vpn)
  return false
}

/** The process does without its shared table; the others keep it. */
function letGo(m: Machine, mm: Mm, vpn: number): void {
  const offset = mm.tables[vpn >>> TABLE_SHIFT]!
  const table = offset >>> TABLE_SHIFT
  if (m.policy.tables === 'accounted') unaccountEntries(m, mm, offset)
  if (m.tables.owner[table] === mm.id + 1) m.tables.owner[table] = 0
  m.tables.shares[table]!--
  mm.setPmd(vpn, 0, 0)
  m.spent += m.cost.tableShare
  m.judge.tableLeft(mm.id, vpn & -TABLE_PAGES)
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
 * by entry it finds the relatives' page writable. A walk with the page-table lock breaks the sharing first where the
 * design knows of it. Returns whether the page is taken as it is.
 */
export function gupBelowSharedTable(m: Machine, mm: Mm, vpn: number, want: Want): boolean {
  if (!isShared(mm, vpn) || m.policy.tables === 'accounted') return false
  if (want.slow && m.policy.tables === 'owner') {
    breakSharedTable(m, mm, vpn)
    return false
  }
  if (findsBelowSharedTable(m, mm, vpn, want)) return true
  // What the lockless walk cannot take goes the slow way.
  if (m.policy.tables === 'owner') breakSharedTable(m, mm, vpn)
  return false
}

/** The lockless walk's own view: does the entry below a table that is shared unaccounted permit the access? */
export function findsBelowSharedTable(m: Machine, mm: Mm, vpn: number, want: Want): boolean {
  if (!isShared(mm, vpn) || m.policy.tables === 'accounted') return false
  const pte = m.tables.ptes[mm.pteIndex(vpn)]!
  if ((pte & (PTE_PRESENT | PTE_UFFD_WP)) !== PTE_PRESENT) return false
  if ((pte & PTE_WRITE) !== 0) return true
  return !want.write && readNeeds(m, pte >>> PFN_SHIFT, want.follPin) === GUP_TAKE
}

/** COW PTE v2: what GUP has walked is copied by later forks. Sticky until the table is freed. */
export function gupMarksTable(m: Machine, mm: Mm, vpn: number): void {
  if (m.policy.tables !== 'owner' || (mm.pmd(vpn) & PMD_HUGE) !== 0) return
  m.tables.owner[mm.tables[vpn >>> TABLE_SHIFT]! >>> TABLE_SHIFT] = EXCLUSIVE
}
