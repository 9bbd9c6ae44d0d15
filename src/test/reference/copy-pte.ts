/** copy-pte: what happens to one entry when an address space is copied: shared, or copied at once for a pin. */
import { PIN_DMAPIN, PIN_IOURING, PIN_ODIRECT, PIN_ROPIN } from '../../trace/ops.ts'
import { maybeDmaPinned } from './frames.ts'
import { type Page, type Process, type Pte, TABLE_PAGES, type Table } from './nouns.ts'
import { countCopies } from './reuse.ts'
import { areaAt, vpnOf } from './space.ts'
import { firstPage, type Pin, type World } from './world.ts'

/** Is a reliability promise held on this pin now? FOLL_GET promises only until the owner's next fork. */
export function isPromised(pin: Pin): boolean {
  switch (pin.kind) {
    case PIN_IOURING:
    case PIN_DMAPIN:
    case PIN_ROPIN:
      return true
    case PIN_ODIRECT:
      return pin.pinned || !pin.forked
    default:
      return false
  }
}

function hasPromisedPin(w: World, owner: Process, holds: (pin: Pin) => boolean): boolean {
  return [...w.pins.values()].some((pin) => {
    return pin.owner === owner && pin.pinned && isPromised(pin) && holds(pin)
  })
}

/** Does fork copy this page for the child at once? */
export function forkCopies(w: World, parent: Process, page: Page): boolean {
  const { folio } = page
  if (folio.kind !== 'anon' && (folio.kind !== 'file' || !w.era.forkCopiesFile)) return false
  switch (w.rules.forkCopies) {
    case 'never':
      return false
    case 'dontCow':
      return folio.dontCow
    case 'maybePinned':
      return parent.hasPinned && maybeDmaPinned(folio)
    case 'exclusiveMaybePinned':
      return page.exclusive && parent.hasPinned && maybeDmaPinned(folio)
    case 'promisedPin':
      return hasPromisedPin(w, parent, (pin) => pin.pages.includes(page))
  }
}

/**
 * copy_present_pte(): the child shares the page and both entries lose write, or the child gets a copy of its own. From
 * 5.9 the parent's entry of a copied page stays as it is; "early decow" had write-protected it before.
 */
export function copyPresentPte(
  w: World,
  parent: Process,
  child: Process,
  pte: Pte,
  table: Table,
): void {
  const page = pte.page
  if (page === null) return
  if (forkCopies(w, parent, page)) {
    copyForChild(w, parent, child, pte, table, page)
    if (w.rules.forkCopies === 'dontCow') pte.write = false
    return
  }
  pte.write = false
  page.exclusive = false
  copyMarks(w.mapPage(child, table, pte.index, page), pte)
}

function copyForChild(
  w: World,
  parent: Process,
  child: Process,
  pte: Pte,
  table: Table,
  page: Page,
): void {
  const copy = firstPage(w.newAnon(0))
  copy.token = page.token
  copy.exclusive = w.rules.tracksExclusive
  const entry = w.mapPage(child, table, pte.index, copy)
  entry.write = childMayWrite(child, table, pte.index)
  entry.dirty = true
  entry.softDirty = true
  w.tally.fork_copies++
  // A pin promises something of the addresses that it was taken of; KSM may have put its page elsewhere, too.
  const vpn = vpnOf(parent, pte)
  countCopies(w, 1, !hasPromisedPin(w, parent, (pin) => holdsAt(pin, vpn, page)))
}

function holdsAt(pin: Pin, vpn: number, page: Page): boolean {
  return !pin.detached.has(vpn) && pin.vpns.some((at, i) => at === vpn && pin.pages[i] === page)
}

function childMayWrite(child: Process, table: Table, index: number): boolean {
  for (const pmd of child.pmds.values()) {
    if (pmd.table === table) return areaAt(child, pmd.number * TABLE_PAGES + index)?.write ?? false
  }
  return true
}

/** copy_nonpresent_pte(): the slot counts once more, and neither side is the only one any longer. */
export function copySwapPte(w: World, pte: Pte, table: Table): void {
  if (pte.slot === null) return
  pte.swapExclusive = false
  copyMarks(w.mapSlot(table, pte.index, pte.slot), pte)
}

/** The bits that travel with an entry; write never does. */
export function copyMarks(copy: Pte, pte: Pte): void {
  copy.dirty = pte.dirty
  copy.softDirty = pte.softDirty
  copy.uffdWp = pte.uffdWp
}
