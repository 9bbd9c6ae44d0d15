/** fork: copies an address space: areas, huge mappings, tables and entries. */
import { copyPresentPte, copySwapPte, forkCopies } from './copy-pte.ts'
import { splitPmd } from './huge.ts'
import { markersIn } from './markers.ts'
import type { Area, Pmd, Process } from './nouns.ts'
import { areaAt, pmdAt, pmdRanges, ptesIn } from './space.ts'
import { sharesTable, shareTable } from './tables.ts'
import type { World } from './world.ts'

export function fork(w: World, parent: Process, childId: number): void {
  const child: Process = {
    id: childId,
    parent,
    mm: w.newMm(),
    hasPinned: false,
    touched: false,
    areas: [],
    pmds: new Map(),
  }
  w.processes.set(childId, child)
  for (const area of parent.areas) {
    // userfaultfd does not follow a fork, unless its manager asked for that.
    if (area.dontFork) continue
    // anon_vma_fork() gives each area one of its own, so that pieces never merge again.
    const anonVmaOwn = area.anonVma ? w.newMapping() : 0
    child.areas.push({ ...area, uffdWp: false, anonVmaOwn, forked: area.anonVma })
  }
  for (const area of parent.areas) if (needsCopy(area)) copyArea(w, parent, child, area)
  w.truth.fork(parent, child, (vpn) => areaAt(parent, vpn)?.dontFork !== false)
  for (const pin of w.pins.values()) if (pin.owner === parent) pin.forked = true
  // Both processes fault in their own stacks at once and turn the batch over.
  w.drain()
}

/** vma_needs_copy(): the child can fault in again what has no anonymous pages. */
function needsCopy(area: Area): boolean {
  return !area.dontFork && area.kind !== 'shared' && area.anonVma
}

function copyArea(w: World, parent: Process, child: Process, area: Area): void {
  for (const { pmd, first, last } of [...pmdRanges(parent, area.start, area.end)]) {
    if (pmd.folio !== null && copyHugePmd(w, parent, child, pmd)) continue
    if (pmd.table === null) continue
    const shared = pmdAt(child, first)
    if (shared?.table === pmd.table) continue
    if (shared === null && sharesTable(w, parent, pmd)) {
      shareTable(w, pmd, w.newPmd(child, first))
      continue
    }
    copyTable(w, parent, child, pmd, first, last)
  }
}

function copyTable(
  w: World,
  parent: Process,
  child: Process,
  pmd: Pmd,
  first: number,
  last: number,
): void {
  if (pmd.table === null) return
  let copy = pmdAt(child, first)
  if (copy === null) {
    copy = w.newPmd(child, first)
    w.setTable(copy, w.newTable())
  }
  const table = copy.table
  if (table === null) return
  if (w.era.forkCopiesMarkers) {
    for (const at of markersIn(pmd.table, first, last)) table.markers.add(at)
  }
  for (const pte of ptesIn(pmd.table, first, last)) {
    if (pte.page !== null) copyPresentPte(w, parent, child, pte, table)
    else copySwapPte(w, pte, table)
    const made = table.entries.get(pte.index)
    if (made !== undefined && !w.era.forkKeepsUffdWp) made.uffdWp = false
  }
}

/** copy_huge_pmd(): shares the huge folio, or splits the parent's mapping where a pin needs pages of its own. */
function copyHugePmd(w: World, parent: Process, child: Process, pmd: Pmd): boolean {
  const { folio } = pmd
  if (folio === null) return false
  const head = folio.pages[0]
  const pages = w.rules.forkCopies === 'exclusiveMaybePinned' && head ? [head] : folio.pages
  if (pages.some((page) => forkCopies(w, parent, page))) {
    splitPmd(w, pmd)
    return false
  }
  pmd.write = false
  if (head && folio.kind === 'anon') head.exclusive = false
  const copy = w.newPmd(child, pmd.number * 512)
  w.tally.allocations++
  w.mapHuge(copy, folio)
  copy.write = false
  copy.dirty = pmd.dirty
  copy.softDirty = pmd.softDirty
  copy.uffdWp = pmd.uffdWp && w.era.forkKeepsUffdWp
  return true
}
