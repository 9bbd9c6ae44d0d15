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

/** Up to where the range is mapped without a hole. */
export function mappedUntil(process: Process, start: number, end: number): number {
  let at = start
  while (at < end && areaAt(process, at) !== null) at++
  return at
}

/** Splits off what the range covers of the areas that are to change, and returns those pieces, in order. */
export function isolateChanging(
  process: Process,
  start: number,
  end: number,
  changes: (area: Area) => boolean,
): Area[] {
  const changing = process.areas.filter((a) => a.start < end && start < a.end && changes(a))
  return changing.flatMap((a) => {
    return isolateAreas(process, Math.max(start, a.start), Math.min(end, a.end))
  })
}

/**
 * vma_merge(): joins an area that has changed with neighbours of one mapping that differ from it in nothing; a huge fill
 * needs one area. An area with an anon_vma joins none without one, but on late kernels.
 */
export function mergeChanged(process: Process, area: Area, joinsUntouched: boolean): void {
  const at = process.areas.indexOf(area)
  const below = process.areas[at - 1]
  const above = process.areas[at + 1]
  const joins = (other: Area): boolean => {
    if (area.anonVmaOwn === other.anonVmaOwn) return true
    if (area.anonVmaOwn === 0) return !other.forked
    return other.anonVmaOwn === 0 && joinsUntouched && !area.forked
  }
  const down = below !== undefined && continues(below, area) && joins(below)
  const up = above !== undefined && continues(area, above) && joins(above)
  const owners = new Set([area, down && below, up && above].map((a) => (a ? a.anonVmaOwn : 0)))
  owners.delete(0)
  if (up && !(down && owners.size > 1)) absorb(process, area, above)
  if (down) absorb(process, below, area)
}

/** Two become the lower one. */
function absorb(process: Process, lower: Area, upper: Area): void {
  lower.end = upper.end
  lower.anonVma ||= upper.anonVma
  lower.anonVmaOwn ||= upper.anonVmaOwn
  lower.anonRoot ||= upper.anonRoot
  lower.forked ||= upper.forked
  lower.softDirtyTracked &&= upper.softDirtyTracked
  process.areas.splice(process.areas.indexOf(upper), 1)
}

function continues(a: Area, b: Area): boolean {
  return compatible(a, b) && a.read === b.read && a.write === b.write
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
