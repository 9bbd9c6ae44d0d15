/** gup: get_user_pages() for the five kinds of pin and for FOLL_FORCE stores: which page a reference is taken on. */
import { PIN_DMAPIN, PIN_IOURING, PIN_ODIRECT, PIN_ROPIN, PIN_VMSPLICE } from '../../trace/ops.ts'
import { handleFault } from './fault.ts'
import { type Area, type Page, type Pmd, type Process, type Pte, TABLE_PAGES } from './nouns.ts'
import { isSoleUser } from './reuse.ts'
import { areaAt, isCow, mappedPage, pmdAt } from './space.ts'
import { privateTable } from './tables.ts'
import type { Pin, World } from './world.ts'

interface Request {
  readonly write: boolean
  /** FOLL_PIN instead of FOLL_GET. */
  readonly pinned: boolean
  readonly longterm: boolean
  /** Does the caller try the lockless walk first? */
  readonly fast: boolean
  readonly force: boolean
}

/** More rounds than any sequence of event-free faults needs. */
const ROUNDS = 8

function requestOf(w: World, kind: number): Request {
  const plain = { write: true, pinned: true, longterm: false, fast: true, force: false }
  switch (kind) {
    case PIN_VMSPLICE:
      return { ...plain, write: false, pinned: false }
    case PIN_IOURING:
      return { ...plain, longterm: true, fast: false }
    case PIN_ODIRECT:
      return { ...plain, pinned: w.era.odirect === 'pin' }
    case PIN_DMAPIN:
      return plain
    case PIN_ROPIN:
      return { ...plain, write: false, longterm: true, fast: false }
    default:
      throw new RangeError(`unknown pin kind: ${kind}`)
  }
}

/** Takes a pin on a range: all of it, or nothing where one page cannot be had. */
export function takePin(
  w: World,
  process: Process,
  id: number,
  range: { start: number; pages: number },
  kind: number,
): 'ok' | 'moved' | 'error' {
  const request = requestOf(w, kind)
  const before = mappedPage(process, range.start)
  const pin: Pin = {
    id,
    kind,
    owner: process,
    vpns: [],
    pages: [],
    detached: new Set(),
    pinned: request.pinned,
    write: request.write,
    dirties: kind === PIN_ODIRECT || kind === PIN_DMAPIN,
    forked: false,
  }
  for (let vpn = range.start; vpn < range.start + range.pages; vpn++) {
    const page = getPage(w, process, vpn, request)
    if (page === null) {
      releasePages(pin)
      return 'error'
    }
    page.folio.references.push({ page, pinned: request.pinned, owner: process.id })
    pin.vpns.push(vpn)
    pin.pages.push(page)
  }
  if (kind === PIN_IOURING && !w.era.ioUringTakesFiles) {
    if (pin.vpns.some((vpn) => areaAt(process, vpn)?.kind !== 'anon')) {
      releasePages(pin)
      return 'error'
    }
  }
  w.pins.set(id, pin)
  return before !== null && before !== mappedPage(process, range.start) ? 'moved' : 'ok'
}

export function dropPin(w: World, pin: Pin): void {
  if (pin.dirties) for (const page of pin.pages) page.folio.dirty = true
  releasePages(pin)
  w.pins.delete(pin.id)
}

function releasePages(pin: Pin): void {
  for (const page of pin.pages) {
    const { references } = page.folio
    const at = references.findIndex(
      (r) => r.page === page && r.pinned === pin.pinned && r.owner === pin.owner.id,
    )
    references.splice(at, 1)
  }
}

/** ptrace: a store through FOLL_FORCE, into read-only private memory as well. */
export function forcedStorePage(w: World, process: Process, vpn: number): Page | null {
  return getPage(w, process, vpn, {
    write: true,
    pinned: false,
    longterm: false,
    fast: false,
    force: true,
  })
}

/** One page of __get_user_pages(): follows the entry, or takes the fault that it lacks, until it can be followed. */
function getPage(w: World, process: Process, vpn: number, request: Request): Page | null {
  // Noted before anything is looked at.
  if (request.pinned) process.hasPinned = true
  const area = areaAt(process, vpn)
  if (area === null || !area.read) return null
  if (request.write && !area.write && !(request.force && isCow(area))) return null
  // "COW can break either way": the reference is taken as if for writing.
  const breaks = w.rules.gupBreaksCow && isCow(area)
  let brokeCow = false
  let unshared = false
  for (let round = 0; round < ROUNDS; round++) {
    const pmd = pmdAt(process, vpn)
    // 2009: gup_fast() takes a page that is marked already.
    const fast = w.rules.gupMarksDontCow && request.fast
    const marked = fast && mappedPage(process, vpn)?.folio.dontCow === true
    const want = { ...request, write: request.write || (breaks && !marked) }
    if (pmd !== null) prepareTable(w, pmd, want, vpn)
    const entry = entryOf(pmd, vpn)
    const page = mappedPage(process, vpn)
    const unshare = !unshared && page !== null && mustUnshare(w, process, area, entry, page, want)
    const follows =
      page !== null &&
      !unshare &&
      (!want.write || canFollowWrite(w, area, entry, page, { force: request.force, brokeCow }))
    if (follows) {
      if (w.rules.tables === 'owner' && pmd?.table) pmd.table.gupExclusive = true
      if (w.rules.gupMarksDontCow && page.folio.kind === 'anon') page.folio.dontCow = true
      if (w.era.pinTouches && !request.fast && (request.write || breaks)) touch(entry, page)
      return page
    }
    const end = handleFault(w, process, vpn, {
      write: want.write,
      unshare,
      anyPage: unshare && w.rules.unshare !== 'anon',
      fromKernel: true,
    })
    if (end === 'event') return null
    if (end === 'brokeCow' && !area.write) brokeCow = true
    if (unshare) unshared = true
  }
  throw new RangeError(`a page that cannot be followed: ${vpn}`)
}

/** FOLL_TOUCH: what is taken for writing is dirty. */
function touch(entry: Pmd | Pte | null, page: Page): void {
  if (entry === null || entry.dirty) return
  if ('folio' in entry) entry.dirty = true
  else page.folio.dirty = true
}

/** COW PTE v2: the slow walk breaks a shared table before reading it; the lockless walk does not look. */
function prepareTable(w: World, pmd: Pmd, want: Request, vpn: number): void {
  if (w.rules.tables !== 'owner' || pmd.write || pmd.table === null) return
  const pte = pmd.table.entries.get(vpn % TABLE_PAGES)
  const fastTakes = want.fast && pte?.page != null && (pte.write || !want.write)
  if (!fastTakes) privateTable(w, pmd, 'gup')
}

function entryOf(pmd: Pmd | null, vpn: number): Pmd | Pte | null {
  if (pmd === null) return null
  return pmd.folio !== null ? pmd : (pmd.table?.entries.get(vpn % TABLE_PAGES) ?? null)
}

/** can_follow_write_pte(). */
function canFollowWrite(
  w: World,
  area: Area,
  entry: Pmd | Pte | null,
  page: Page,
  how: { force: boolean; brokeCow: boolean },
): boolean {
  if (entry === null) return false
  if (entry.write) return true
  if (area.write) return false
  const brokeCow = how.brokeCow && entry.dirty
  if (w.era.forceFollows === 'cowFault') return brokeCow
  if (area.softDirtyTracked && !entry.softDirty) return false
  if (area.uffdWp && entry.uffdWp) return false
  return w.rules.tracksExclusive ? how.force && isExclusive(entry, page) : brokeCow
}

/** For a huge mapping only the head's bit means anything. */
function isExclusive(entry: Pmd | Pte, page: Page): boolean {
  const huge = 'folio' in entry ? entry.folio : null
  return huge !== null ? huge.pages[0]?.exclusive === true : page.exclusive
}

/** What the entry maps: a huge one is asked about as a whole. */
function entryPages(entry: Pmd | Pte, page: Page): readonly Page[] {
  return 'folio' in entry ? page.folio.pages : [page]
}

/** gup_must_unshare(): is a r/o FOLL_PIN about to take a page that the owner may lose at its next store? */
function mustUnshare(
  w: World,
  process: Process,
  area: Area,
  entry: Pmd | Pte | null,
  page: Page,
  want: Request,
): boolean {
  if (!want.pinned || want.write || entry === null || entry.write) return false
  const anon = page.folio.kind === 'anon'
  const otherCow = !anon && want.longterm && isCow(area)
  const isSole = (one: Page): boolean => isSoleUser(process, one)
  switch (w.rules.unshare) {
    case 'never':
      return false
    case 'anon':
      return anon && !isExclusive(entry, page)
    case 'anyCow':
      return anon ? !isExclusive(entry, page) : otherCow
    case 'always':
      return anon || otherCow
    case 'notSole':
      return anon ? page.folio.ksm || !entryPages(entry, page).every(isSole) : otherCow
  }
}
