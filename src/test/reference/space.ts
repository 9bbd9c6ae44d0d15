/** space: what the reference model knows of a process: areas (VMAs), PMD entries, page tables and their entries. */
import type { Folio, Page, Slot } from './frames.ts'

export const TABLE_PAGES = 512

/** A page-table entry: maps a page, or stands for a swap slot. An absent entry is pte_none. */
export interface Pte {
  readonly table: Table
  readonly index: number
  page: Page | null
  slot: Slot | null
  write: boolean
  dirty: boolean
  softDirty: boolean
  uffdWp: boolean
  /** The exclusive marker of a swap entry (5.19 on). */
  swapExclusive: boolean
}

export interface Table {
  readonly entries: Map<number, Pte>
  /** PMD entries that point at it: more than one while it is shared. */
  readonly users: Set<Pmd>
  /** Does each sharer count for the pages in it? (COW page tables, v3 and later) */
  readonly accounted: boolean
  /** COW PTE v2: the PMD entry that owns a shared table. */
  owner: Pmd | null
  /** COW PTE v2: GUP went through this table. Sticky. */
  gupExclusive: boolean
}

/** What covers 2 MiB: a page table, or a huge folio. `write` without effect on a private table unless it is shared. */
export interface Pmd {
  readonly process: Process
  readonly number: number
  table: Table | null
  folio: Folio | null
  write: boolean
  dirty: boolean
  softDirty: boolean
  uffdWp: boolean
}

export type AreaKind = 'anon' | 'file' | 'shared'
export type HugeAdvice = 'huge' | 'never' | 'none'

/** A VMA: pages [start, end). */
export interface Area {
  start: number
  end: number
  /** Which mmap or mremap call made it: pieces of one mapping may merge again. */
  readonly mapping: number
  readonly kind: AreaKind
  readonly object: number
  /** Page of the object at `start`. */
  pgoff: number
  /** Largest folio that a first store may fill. */
  readonly folioOrder: number
  read: boolean
  write: boolean
  advice: HugeAdvice
  mergeable: boolean
  dontFork: boolean
  uffdWp: boolean
  /** Cleared VM_SOFTDIRTY: stores have to be tracked. */
  softDirtyTracked: boolean
  /** Had an anonymous page (or a huge zero page) ever been put in? fork skips private areas that had not. */
  anonVma: boolean
}

export interface Process {
  readonly id: number
  readonly parent: Process | null
  /** New at exec: large folios track address spaces, not processes. */
  mm: number
  hasPinned: boolean
  /** Has any page table: the first fault also makes the tables above. */
  touched: boolean
  areas: Area[]
  readonly pmds: Map<number, Pmd>
}

export function areaAt(process: Process, vpn: number): Area | null {
  return process.areas.find((area) => area.start <= vpn && vpn < area.end) ?? null
}

export function pmdAt(process: Process, vpn: number): Pmd | null {
  return process.pmds.get(Math.floor(vpn / TABLE_PAGES)) ?? null
}

export function pteAt(process: Process, vpn: number): Pte | null {
  return pmdAt(process, vpn)?.table?.entries.get(vpn % TABLE_PAGES) ?? null
}

/** The page that the process reaches at `vpn` without a fault. */
export function mappedPage(process: Process, vpn: number): Page | null {
  const pmd = pmdAt(process, vpn)
  if (pmd === null) return null
  if (pmd.folio !== null) return pmd.folio.pages[vpn % TABLE_PAGES] ?? null
  return pteAt(process, vpn)?.page ?? null
}

/** Private memory that fork has to keep apart: is_cow_mapping(). */
export function isCow(area: Area): boolean {
  return area.kind !== 'shared'
}

/** Splits areas so that [start, end) is covered by whole ones, and returns those, in order. */
export function isolateAreas(process: Process, start: number, end: number): Area[] {
  for (const boundary of [start, end]) {
    const area = process.areas.find((a) => a.start < boundary && boundary < a.end)
    if (area === undefined) continue
    process.areas.push({ ...area, start: boundary, pgoff: area.pgoff + boundary - area.start })
    area.end = boundary
  }
  process.areas.sort((a, b) => a.start - b.start)
  return process.areas.filter((area) => start <= area.start && area.end <= end)
}

/** Joins neighbours of one mapping that differ in nothing, as vma_merge() does; a huge fill needs one area. */
export function mergeAreas(process: Process): void {
  const merged: Area[] = []
  for (const area of process.areas) {
    const last = merged.at(-1)
    if (last !== undefined && mergeable(last, area)) {
      last.end = area.end
      last.anonVma ||= area.anonVma
    } else {
      merged.push(area)
    }
  }
  process.areas = merged
}

function mergeable(a: Area, b: Area): boolean {
  return (
    a.mapping === b.mapping &&
    a.end === b.start &&
    a.pgoff + a.end - a.start === b.pgoff &&
    a.read === b.read &&
    a.write === b.write &&
    a.advice === b.advice &&
    a.mergeable === b.mergeable &&
    a.dontFork === b.dontFork &&
    a.uffdWp === b.uffdWp &&
    a.softDirtyTracked === b.softDirtyTracked
  )
}

/** The PMD entries of [start, end), with the part of the range that each covers. */
export function* pmdRanges(
  process: Process,
  start: number,
  end: number,
): Generator<{ pmd: Pmd; first: number; last: number; whole: boolean }> {
  for (let base = start - (start % TABLE_PAGES); base < end; base += TABLE_PAGES) {
    const pmd = pmdAt(process, base)
    if (pmd === null) continue
    const first = Math.max(start, base)
    const last = Math.min(end, base + TABLE_PAGES)
    yield { pmd, first, last, whole: last - first === TABLE_PAGES }
  }
}

/** The entries of a table that cover [first, last), in order. */
export function ptesIn(table: Table, first: number, last: number): Pte[] {
  const found: Pte[] = []
  for (let vpn = first; vpn < last; vpn++) {
    const pte = table.entries.get(vpn % TABLE_PAGES)
    if (pte !== undefined) found.push(pte)
  }
  return found
}
