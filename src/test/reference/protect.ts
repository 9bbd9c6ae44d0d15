/** protect: mprotect, userfaultfd write protection and soft-dirty clearing: who loses the write bit, and who gets it back. */
import { maybeDmaPinned } from './frames.ts'
import { splitPmd } from './huge.ts'
import { markHoles } from './markers.ts'
import type { Area, Page, Pmd, Process, Pte } from './nouns.ts'
import { isCow, isolateChanging, mappedUntil, mergeChanged, pmdRanges, ptesIn } from './space.ts'
import { privateTable } from './tables.ts'
import type { World } from './world.ts'

export interface Protection {
  readonly read: boolean
  readonly write: boolean
}

/** Up to the first hole; pieces of the range that have the protection already are left alone. */
export function mprotect(
  w: World,
  process: Process,
  start: number,
  end: number,
  to: Protection,
): 'ok' | 'error' {
  const stop = mappedUntil(process, start, end)
  const differs = (area: Area): boolean => area.read !== to.read || area.write !== to.write
  for (const area of isolateChanging(process, start, stop, differs)) {
    area.read = to.read
    area.write = to.write
    if (to.write) area.accounted = true
    else if (w.era.unchargesUntouched && area.kind === 'anon' && !area.anonVma)
      area.accounted = false
    changeProtection(w, process, area, area.start, area.end, {
      upgrade: w.rules.mprotectUpgrade !== 'none',
    })
    mergeChanged(process, area, w.era.mergesUntouched)
  }
  return stop === end ? 'ok' : 'error'
}

/**
 * Registers the area at its first use; protects, or resolves and gives write back where the kernel does. Returns whether
 * all of the range was found registered.
 */
export function uffdWriteProtect(
  w: World,
  process: Process,
  start: number,
  end: number,
  on: boolean,
): boolean {
  if (!w.era.uffdWp) return false
  const other = process.areas.some((a) => a.kind !== 'anon' && a.start < end && start < a.end)
  if (other && !w.era.protectsFiles) return false
  const mappings = process.areas.filter((a) => a.start < end && start < a.end).map((a) => a.mapping)
  for (const area of [...process.areas]) {
    if (!on || area.uffdWp || !mappings.includes(area.mapping)) continue
    area.uffdWp = true
    mergeChanged(process, area, w.era.mergesUntouched)
  }
  const areas = process.areas.filter((area) => area.start < end && start < area.end)
  const covered = areas.some((area) => area.start <= start && end <= area.end)
  if (areas.length === 0 || (!covered && !w.era.protectsSeveralAreas)) return false
  for (const area of areas) {
    if (!area.uffdWp) return false
    const [first, last] = [Math.max(start, area.start), Math.min(end, area.end)]
    changeProtection(w, process, area, first, last, {
      uffdWp: on,
      upgrade: !on && w.rules.wpResolveWritable,
    })
    if (area.kind !== 'anon') markHoles(w, process, first, last, on)
  }
  return true
}

/** The modelled manager answers a write event: that one page is unprotected, and the store tried again. */
export function resolveWp(w: World, process: Process, vpn: number): void {
  uffdWriteProtect(w, process, vpn, vpn + 1, false)
}

interface Change {
  readonly uffdWp?: boolean
  readonly upgrade: boolean
}

/** change_protection(): a huge mapping is split unless all of it changes. */
function changeProtection(
  w: World,
  process: Process,
  area: Area,
  start: number,
  end: number,
  change: Change,
): void {
  for (const { pmd, first, last, whole } of [...pmdRanges(process, start, end)]) {
    if (pmd.folio !== null && !whole) splitPmd(w, pmd)
    if (pmd.folio !== null) {
      changePmd(w, area, pmd, change)
      continue
    }
    privateTable(w, pmd, 'protect')
    if (pmd.table === null) continue
    for (const pte of ptesIn(pmd.table, first, last)) changePte(w, area, pte, change)
  }
}

function changePmd(w: World, area: Area, pmd: Pmd, change: Change): void {
  pmd.write = false
  if (change.uffdWp !== undefined) pmd.uffdWp = change.uffdWp
  const head = pmd.folio?.pages[0] ?? null
  const upgrades = change.upgrade && w.rules.mprotectUpgrade === 'any'
  if (upgrades && canChangeWritable(w, area, pmd, head)) pmd.write = true
}

function changePte(w: World, area: Area, pte: Pte, change: Change): void {
  if (change.uffdWp !== undefined) pte.uffdWp = change.uffdWp
  if (pte.page === null) return
  if (area.kind === 'shared') {
    if (change.uffdWp === undefined) pte.write = mapsWritable(w, area)
    else pte.write = !change.uffdWp && area.write && w.era.resolvesByFlags
    return
  }
  pte.write = change.upgrade && canChangeWritable(w, area, pte, pte.page)
}

/** Is shared memory mapped writable by default? Not where the first store is to be noticed. */
export function mapsWritable(w: World, area: Area): boolean {
  const noticed = (area.uffdWp && w.era.uffdWritenotify) || area.softDirtyTracked
  return area.kind === 'shared' && area.write && !noticed
}

/** can_change_pte_writable(): may the entry be writable at once, without a fault that nobody needs to see? */
function canChangeWritable(w: World, area: Area, entry: Pte | Pmd, page: Page | null): boolean {
  if (!area.write || page === null || !page.exclusive) return false
  if (area.softDirtyTracked && !entry.softDirty) return false
  if (area.uffdWp && entry.uffdWp) return false
  return w.rules.mprotectUpgrade !== 'dirty' || entry.dirty
}

/** Writes 4 to /proc/PID/clear_refs: stores have to fault again. */
export function clearSoftDirty(w: World, process: Process): void {
  if (!w.era.softDirty) return
  for (const area of process.areas) {
    area.softDirtyTracked = true
    for (const { pmd, first, last } of [...pmdRanges(process, area.start, area.end)]) {
      if (pmd.folio !== null) {
        pmd.write = false
        pmd.softDirty = false
        continue
      }
      privateTable(w, pmd, 'protect')
      if (pmd.table === null) continue
      for (const pte of ptesIn(pmd.table, first, last)) {
        if (sparesPinned(w, process, area, pte)) continue
        pte.write = false
        pte.softDirty = false
      }
    }
  }
}

/** From 5.11: pte_is_pinned(). Huge mappings have no such test. */
function sparesPinned(w: World, process: Process, area: Area, pte: Pte): boolean {
  return (
    w.rules.clearRefsPin &&
    pte.page !== null &&
    pte.write &&
    isCow(area) &&
    process.hasPinned &&
    maybeDmaPinned(pte.page.folio)
  )
}
