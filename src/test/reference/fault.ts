/** fault: handle_mm_fault(), from the hole or the read-only entry to the page that a load or store needs. */
import { hugeFill, hugeSuits, hugeWp } from './huge.ts'
import {
  type Area,
  type Page,
  type Pmd,
  type Process,
  type Pte,
  TABLE_PAGES,
  type Table,
} from './nouns.ts'
import { mapsWritable, resolveWp } from './protect.ts'
import { countCopies, judge, wpReuse } from './reuse.ts'
import { areaAt, isCow, pmdAt, prepareAnonVma } from './space.ts'
import { swapIn } from './swap.ts'
import { privateTable } from './tables.ts'
import { firstPage, type World } from './world.ts'

export interface Fault {
  readonly write: boolean
  /** FAULT_FLAG_UNSHARE: give the process a page of its own, without making it writable. */
  readonly unshare?: boolean
  /** A GUP fault for FOLL_LONGTERM: pages of files and the zero page are to be unshared too. */
  readonly anyPage?: boolean
  /** The kernel's own accesses raise userfaultfd events that nobody answers in time. */
  readonly fromKernel?: boolean
}

/** What a fault did: VM_FAULT_WRITE matters to FOLL_FORCE, an unanswered event fails a GUP. */
export type FaultEnd = 'done' | 'brokeCow' | 'event'

export function handleFault(w: World, process: Process, vpn: number, fault: Fault): FaultEnd {
  const area = areaAt(process, vpn)
  if (area === null) throw new RangeError('a fault lies in an area')
  let pmd = pmdAt(process, vpn)
  if (pmd === null && hugeSuits(area, vpn)) {
    hugeFill(w, process, area, vpn, fault.write)
    return 'done'
  }
  if (pmd !== null && pmd.folio !== null) {
    const end = hugeFault(w, process, area, pmd, vpn, fault)
    if (end !== 'split') return end
  }
  if (pmd === null) {
    pmd = w.newPmd(process, vpn)
    w.setTable(pmd, w.newTable())
  }
  if (!pmd.write && breaksTable(w, area)) privateTable(w, pmd, 'fault')
  return pteFault(w, process, area, pmd, vpn, fault)
}

/** The 2021 prototype copies its table for any fault in a writable area; the others before any change. */
function breaksTable(w: World, area: Area): boolean {
  return w.rules.tables !== 'unaccounted' || area.write
}

function hugeFault(
  w: World,
  process: Process,
  area: Area,
  pmd: Pmd,
  vpn: number,
  fault: Fault,
): FaultEnd | 'split' {
  const asks = (fault.write && !pmd.write) || fault.unshare === true
  if (!asks) return 'done'
  if (fault.write && pmd.uffdWp && area.uffdWp) {
    if (fault.fromKernel) return 'event'
    resolveWp(w, process, vpn)
    return 'done'
  }
  const end = hugeWp(w, process, area, pmd, fault.unshare === true)
  return end === 'done' ? 'brokeCow' : 'split'
}

function pteFault(
  w: World,
  process: Process,
  area: Area,
  pmd: Pmd,
  vpn: number,
  fault: Fault,
): FaultEnd {
  const pte = pmd.table?.entries.get(vpn % TABLE_PAGES)
  if (pte === undefined) {
    fillHole(w, process, area, pmd, vpn, fault.write)
    return 'done'
  }
  if (pte.slot !== null) {
    const unfinished = swapIn(w, process, pte, fault.write)
    if (!unfinished) return fault.write ? 'brokeCow' : 'done'
    return wpFault(w, process, area, pte, vpn, fault)
  }
  if ((fault.write && !pte.write) || fault.unshare)
    return wpFault(w, process, area, pte, vpn, fault)
  return 'done'
}

function fillHole(
  w: World,
  process: Process,
  area: Area,
  pmd: Pmd,
  vpn: number,
  write: boolean,
): void {
  const table = pmd.table
  if (table === null) return
  if (area.kind !== 'anon') {
    fillFromCache(w, process, area, pmd, vpn, write)
    return
  }
  if (!write) {
    w.mapPage(process, table, vpn, w.zeroPage)
    return
  }
  prepareAnonVma(process, area, () => w.newMapping())
  const order = fillOrder(area, pmd, vpn)
  const folio = w.newAnon(order)
  const start = vpn - (vpn % 2 ** order)
  for (const page of folio.pages) {
    page.exclusive = w.rules.tracksExclusive
    const pte = w.mapPage(process, table, start + page.index, page)
    pte.write = area.write
    pte.dirty = area.write
    // pte_mkdirty() sets both; a FOLL_FORCE store that fills a page of a read-only area comes back for them.
    pte.softDirty = area.write
  }
}

/** alloc_anon_folio(): the area's folio order where the whole aligned range is empty, else one page. */
function fillOrder(area: Area, pmd: Pmd, vpn: number): number {
  const order = area.folioOrder
  // userfaultfd wants faults page by page (userfaultfd_armed).
  if (order === 0 || order === 9 || area.advice !== 'huge' || area.uffdWp) return 0
  const pages = 2 ** order
  const start = vpn - (vpn % pages)
  if (start < area.start || start + pages > area.end) return 0
  for (let at = start; at < start + pages; at++) {
    if (pmd.table?.entries.has(at % TABLE_PAGES)) return 0
  }
  return order
}

/** Pages of a file or a shared object: a private store gets a copy, everything else the cached page. */
function fillFromCache(
  w: World,
  process: Process,
  area: Area,
  pmd: Pmd,
  vpn: number,
  write: boolean,
): void {
  const cached = w.cachedPage(area, vpn)
  const table = pmd.table
  if (table === null) return
  // The marker's protection passes to the page: a store faults again.
  const marked = area.uffdWp && table.markers.has(vpn % TABLE_PAGES)
  if (write && isCow(area)) {
    prepareAnonVma(process, area, () => w.newMapping())
    const page = firstPage(w.newAnon(0))
    page.token = cached.token
    page.exclusive = w.rules.tracksExclusive
    countCopies(w, 1, false)
    const pte = w.mapPage(process, table, vpn, page)
    pte.write = area.write && !marked
    pte.uffdWp = marked
    pte.dirty = true
    pte.softDirty = true
    return
  }
  if (!write && !area.uffdWp) mapAround(w, process, area, table, vpn)
  const pte = mapCached(w, process, area, table, vpn, cached)
  pte.write = !marked && (write ? area.write : pte.write)
  pte.uffdWp = marked
  pte.dirty = write
  pte.softDirty = write
}

function mapCached(
  w: World,
  process: Process,
  area: Area,
  table: Table,
  vpn: number,
  page: Page,
): Pte {
  const pte = w.mapPage(process, table, vpn, page)
  pte.write = mapsWritable(w, area)
  return pte
}

/** fault_around_bytes */
const AROUND = 16

/** do_fault_around(): a load's fault maps what is cached of the aligned 16 pages, or of 16 from where the area begins. */
function mapAround(w: World, process: Process, area: Area, table: Table, vpn: number): void {
  const first = Math.max(vpn - (vpn % AROUND), area.start)
  const pages = Math.min(AROUND, area.end - first, TABLE_PAGES - (first % TABLE_PAGES))
  for (let at = first; at < first + pages; at++) {
    const page = w.inCache(area, at)
    const index = at % TABLE_PAGES
    if (at === vpn || page === null || table.entries.has(index) || table.markers.has(index))
      continue
    mapCached(w, process, area, table, at, page)
  }
}

/** do_wp_page(). */
function wpFault(
  w: World,
  process: Process,
  area: Area,
  pte: Pte,
  vpn: number,
  fault: Fault,
): FaultEnd {
  const page = pte.page
  if (page === null) return 'done'
  const unshare = fault.unshare === true
  if (!unshare && pte.uffdWp && area.uffdWp) {
    if (fault.fromKernel) return 'event'
    resolveWp(w, process, vpn)
    return 'done'
  }
  if (area.kind === 'shared') {
    pte.write = area.write
    pte.dirty = true
    return 'brokeCow'
  }
  if (page.folio.kind !== 'anon') {
    if (unshare && !fault.anyPage) return 'done'
    if (page.folio.kind === 'file') {
      countCopies(w, 1, false)
      if (unshare) w.tally.unshare_copies++
    }
    replacePage(w, process, area, pte, page, unshare)
    return 'brokeCow'
  }
  const reuse = wpReuse(w, pte, process)
  const sole = judge(w, process, [page], reuse)
  if (reuse) {
    if (!unshare) makeWritable(area, pte)
    return 'brokeCow'
  }
  countCopies(w, 1, sole)
  if (unshare) w.tally.unshare_copies++
  replacePage(w, process, area, pte, page, unshare)
  return 'brokeCow'
}

function makeWritable(area: Area, pte: Pte): void {
  pte.write = area.write
  pte.dirty = true
  pte.softDirty = true
}

/** wp_page_copy(): a copy in the place of the old page; for UNSHARE mapped as the old one was. */
function replacePage(
  w: World,
  process: Process,
  area: Area,
  pte: Pte,
  page: Page,
  unshare: boolean,
): void {
  prepareAnonVma(process, area, () => w.newMapping())
  const copy = firstPage(w.newAnon(0))
  copy.token = page.token
  copy.exclusive = w.rules.tracksExclusive
  const { table, index, softDirty, uffdWp } = pte
  w.clearPte(process, pte)
  const entry = w.mapPage(process, table, index, copy)
  if (unshare) {
    entry.softDirty = softDirty
    entry.uffdWp = uffdWp
  } else {
    makeWritable(area, entry)
  }
}
