/** unmap: what takes pages away: munmap, MADV_DONTNEED, MADV_FREE, exit, exec, and mremap, which puts them elsewhere. */
import { dropPin } from './gup.ts'
import { splitPmd } from './huge.ts'
import { leavesMarker, markersIn } from './markers.ts'
import { breakKsm } from './merge.ts'
import { type Pmd, type Process, type Pte, TABLE_PAGES } from './nouns.ts'
import { areaAt, isolateAreas, pmdRanges, ptesIn } from './space.ts'
import { leaveTable, privateTable, tableAt } from './tables.ts'
import type { World } from './world.ts'

export function munmap(w: World, process: Process, start: number, end: number): void {
  if (w.era.zapDrains) w.drain()
  const gone = new Set(isolateAreas(process, start, end))
  zap(w, process, start, end, 'munmap')
  process.areas = process.areas.filter((area) => !gone.has(area))
  freeTables(w, process, start, end)
}

export function dontNeed(w: World, process: Process, start: number, end: number): void {
  if (w.era.zapDrains) w.drain()
  zap(w, process, start, end, 'dontneed')
  if (!w.era.dontNeedFreesTables) return
  for (const { pmd, whole } of [...pmdRanges(process, start, end)]) {
    if (!whole || pmd.table === null || pmd.table.markers.size > 0) continue
    leaveTable(w, pmd)
    process.pmds.delete(pmd.number)
  }
}

/** Page tables that no area needs any more go; one that stays keeps a huge folio from coming back. */
function freeTables(w: World, process: Process, start: number, end: number): void {
  for (const { pmd } of [...pmdRanges(process, start, end)]) {
    const first = pmd.number * TABLE_PAGES
    const used = process.areas.some((a) => a.start < first + TABLE_PAGES && first < a.end)
    if (used) continue
    leaveTable(w, pmd)
    process.pmds.delete(pmd.number)
  }
}

function zap(
  w: World,
  process: Process,
  start: number,
  end: number,
  why: 'munmap' | 'dontneed',
): void {
  for (let vpn = start; vpn < end; vpn++) w.forget(process, vpn)
  for (const { pmd, first, last, whole } of [...pmdRanges(process, start, end)]) {
    if (pmd.folio !== null) {
      if (whole) {
        w.unmapHuge(pmd)
        process.pmds.delete(pmd.number)
        continue
      }
      splitPmd(w, pmd)
    }
    if (zapsByTable(w, process, pmd, { start, end, whole, why })) continue
    if (pmd.table === null) continue
    const { markers } = pmd.table
    if (why === 'munmap') for (const at of markersIn(pmd.table, first, last)) markers.delete(at)
    for (const pte of ptesIn(pmd.table, first, last)) {
      w.clearPte(process, pte)
      const area = areaAt(process, pmd.number * TABLE_PAGES + pte.index)
      if (why === 'dontneed' && leavesMarker(area, pte)) markers.add(pte.index)
    }
  }
}

interface Zapped {
  readonly start: number
  readonly end: number
  /** All 2 MiB of a table. */
  readonly whole: boolean
  readonly why: 'munmap' | 'dontneed'
}

/** Is all that the process has under this table in the range? */
function coversAreas(process: Process, pmd: Pmd, { start, end }: Zapped): boolean {
  const first = pmd.number * TABLE_PAGES
  const last = first + TABLE_PAGES
  return process.areas.every(
    (area) =>
      area.end <= first ||
      area.start >= last ||
      (Math.max(area.start, first) >= start && Math.min(area.end, last) <= end),
  )
}

/**
 * Where tables are shared. The 2021 prototype drops its reference to a whole table, unshares part of one for munmap, and
 * forgets MADV_DONTNEED of a part. COW PTE v2 gives up a shared table entirely, whatever part was asked for; the
 * accounted one is let go where nothing else of the process lies in it, and taken back for nothing by its last sharer.
 */
function zapsByTable(w: World, process: Process, pmd: Pmd, zapped: Zapped): boolean {
  const { whole, why } = zapped
  switch (w.rules.tables) {
    case 'copied':
      return false
    case 'accounted':
      if (pmd.write) return false
      if (pmd.table?.users.size === 1) {
        pmd.write = true
        return false
      }
      if (!coversAreas(process, pmd, zapped)) {
        privateTable(w, pmd, 'unmapPart')
        return false
      }
      break
    case 'unaccounted':
      if (pmd.write && why === 'munmap') return false
      if (!whole && why === 'dontneed') return true
      if (!whole) {
        privateTable(w, pmd, 'unmapPart')
        return false
      }
      break
    case 'owner':
      if (pmd.write || pmd.table?.gupExclusive) return false
      if (pmd.table?.users.size === 1) {
        pmd.write = true
        return false
      }
  }
  leaveTable(w, pmd)
  process.pmds.delete(pmd.number)
  return true
}

/** A pin is on memory: its owner now finds that memory elsewhere. */
function movePins(w: World, process: Process, start: number, end: number, shift: number): void {
  for (const pin of w.pins.values()) {
    if (pin.owner !== process) continue
    for (const [index, vpn] of pin.vpns.entries()) {
      const follows = start <= vpn && vpn < end && !pin.detached.has(vpn)
      if (follows) pin.vpns[index] = vpn + shift
    }
  }
}

export function exit(w: World, process: Process): void {
  if (w.era.zapDrains) w.drain()
  emptySpace(w, process)
  w.processes.delete(process.id)
}

/** A new, empty address space; what was pinned through the old one is let go. */
export function exec(w: World, process: Process): void {
  if (w.era.zapDrains) w.drain()
  emptySpace(w, process)
  process.mm = w.newMm()
  process.hasPinned = false
  process.touched = false
}

function emptySpace(w: World, process: Process): void {
  for (const pmd of process.pmds.values()) {
    w.unmapHuge(pmd)
    leaveTable(w, pmd)
  }
  process.pmds.clear()
  process.areas = []
  w.truth.forgetAll(process)
  for (const pin of [...w.pins.values()]) if (pin.owner === process) dropPin(w, pin)
}

/**
 * Moves entries as they are, marked soft-dirty; write protection by userfaultfd does not follow. A range over several
 * areas is refused, but for late kernels.
 */
export function mremap(
  w: World,
  process: Process,
  start: number,
  end: number,
  to: number,
): 'ok' | 'error' {
  const shift = to - start
  const mapping = w.newMapping()
  const touched = process.areas.filter((a) => a.start < end && start < a.end)
  const several = w.era.movesSeveralAreas && !touched.some((area) => area.uffdWp)
  // What one area holds, or from 6.17 on whatever begins in an area.
  if (!touched.some((area) => area.start <= start && (several || end <= area.end))) return 'error'
  const moved = isolateAreas(process, start, end)
  for (const area of moved) if (area.mergeable) breakKsm(w, process, area.start, area.end)
  for (const area of moved) {
    process.areas.push({
      ...area,
      start: area.start + shift,
      end: area.end + shift,
      mapping,
      uffdWp: false,
    })
  }
  for (const { pmd, first, last, whole } of [...pmdRanges(process, start, end)]) {
    if (pmd.folio !== null && whole && shift % TABLE_PAGES === 0) {
      moveHuge(w, process, pmd, first + shift)
      continue
    }
    if (pmd.folio !== null) splitPmd(w, pmd)
    privateTable(w, pmd, 'remap')
    if (pmd.table === null) continue
    // The tables are made before anything is found that could be moved.
    tableAt(w, process, first + shift)
    tableAt(w, process, last - 1 + shift)
    const byTable = whole && shift % TABLE_PAGES === 0 && !movesEntries(w, process, first)
    const { table } = pmd
    for (const at of markersIn(table, first, last)) {
      const to = pmd.number * TABLE_PAGES + at + shift
      table.markers.delete(at)
      if (!w.era.remapClearsUffdWp) tableAt(w, process, to)?.markers.add(to % TABLE_PAGES)
    }
    for (const pte of ptesIn(table, first, last)) {
      movePte(w, process, pte, pmd.number * TABLE_PAGES + pte.index + shift, byTable)
    }
  }
  for (let vpn = start; vpn < end; vpn++) {
    w.truth.move(process, vpn, vpn + shift)
  }
  movePins(w, process, start, end, shift)
  // The old range is unmapped as munmap does it.
  if (w.era.zapDrains) w.drain()
  process.areas = process.areas.filter((area) => !moved.includes(area))
  process.areas.sort((a, b) => a.start - b.start)
  freeTables(w, process, start, end)
  return 'ok'
}

function moveHuge(w: World, process: Process, pmd: Pmd, to: number): void {
  const { folio } = pmd
  if (folio === null) return
  const target = w.newPmd(process, to)
  const uffdWp = pmd.uffdWp && !w.era.remapClearsUffdWp
  Object.assign(target, { folio, write: pmd.write, dirty: pmd.dirty, softDirty: true, uffdWp })
  if (folio.pmdMappers.delete(pmd)) folio.pmdMappers.add(target)
  pmd.folio = null
  process.pmds.delete(pmd.number)
}

/** Is a table that could move as it is taken apart, so that userfaultfd's bits can be left out? */
function movesEntries(w: World, process: Process, vpn: number): boolean {
  const area = process.areas.find(({ start, end }) => start <= vpn && vpn < end)
  return w.era.remapClearsUffdWp && area?.uffdWp === true
}

function movePte(w: World, process: Process, pte: Pte, to: number, byTable: boolean): void {
  const table = tableAt(w, process, to)
  if (table === null) return
  pte.table.entries.delete(pte.index)
  const moved: Pte = {
    ...pte,
    table,
    index: to % TABLE_PAGES,
    softDirty: pte.softDirty || !byTable,
  }
  if (w.era.remapClearsUffdWp) moved.uffdWp = false
  table.entries.set(moved.index, moved)
  if (pte.page?.mappers.delete(pte)) pte.page.mappers.add(moved)
  if (pte.slot?.entries.delete(pte)) pte.slot.entries.add(moved)
}
