/** space: finding one's way in a process of the reference model: areas, PMD entries and page-table entries by page number. */
import {
  type Area,
  type Page,
  type Pmd,
  type Process,
  type Pte,
  TABLE_PAGES,
  type Table,
} from './nouns.ts'

export function areaAt(process: Process, vpn: number): Area | null {
  return process.areas.find((area) => area.start <= vpn && vpn < area.end) ?? null
}

export function pmdAt(process: Process, vpn: number): Pmd | null {
  return process.pmds.get(Math.floor(vpn / TABLE_PAGES)) ?? null
}

export function pteAt(process: Process, vpn: number): Pte | null {
  return pmdAt(process, vpn)?.table?.entries.get(vpn % TABLE_PAGES) ?? null
}

/** Where the process has the entry. */
export function vpnOf(process: Process, pte: Pte): number {
  for (const pmd of pte.table.users) {
    if (pmd.process === process) return pmd.number * TABLE_PAGES + pte.index
  }
  throw new RangeError('the table belongs to the process')
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
      last.anonVmaOwn ||= area.anonVmaOwn
      last.anonRoot ||= area.anonRoot
      last.forked ||= area.forked
      last.softDirtyTracked &&= area.softDirtyTracked
    } else {
      merged.push(area)
    }
  }
  process.areas = merged
}

/** is_mergeable_anon_vma() */
function mergeable(a: Area, b: Area): boolean {
  if (!compatible(a, b) || a.read !== b.read || a.write !== b.write) return false
  if (a.anonVmaOwn === b.anonVmaOwn) return true
  return (a.anonVmaOwn === 0 || b.anonVmaOwn === 0) && !a.forked && !b.forked
}

/** anon_vma_compatible(): neighbours that differ in protection at most; VM_SOFTDIRTY is never looked at. */
function compatible(a: Area, b: Area): boolean {
  return (
    a.mapping === b.mapping &&
    a.end === b.start &&
    a.pgoff + a.end - a.start === b.pgoff &&
    a.advice === b.advice &&
    a.mergeable === b.mergeable &&
    a.dontFork === b.dontFork &&
    a.uffdWp === b.uffdWp &&
    a.accounted === b.accounted
  )
}

/** anon_vma_prepare(): a compatible neighbour's anon_vma, the upper one's first, or a new one. */
export function prepareAnonVma(process: Process, area: Area, fresh: () => number): void {
  if (area.anonVma) return
  const at = process.areas.indexOf(area)
  const lower = process.areas[at - 1]
  const upper = process.areas[at + 1]
  const above = upper && !upper.forked && compatible(area, upper) ? upper.anonVmaOwn : 0
  const below = lower && !lower.forked && compatible(lower, area) ? lower.anonVmaOwn : 0
  area.anonVma = true
  area.anonVmaOwn = above || below || fresh()
  area.anonRoot = area.anonVmaOwn
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
