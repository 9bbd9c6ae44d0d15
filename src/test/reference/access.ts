/** access: loads, stores, FOLL_FORCE stores and device accesses, in the words that the litmus language has for them. */
import { isPromised } from './copy-pte.ts'
import { handleFault } from './fault.ts'
import { forcedStorePage } from './gup.ts'
import { hasMarker } from './markers.ts'
import { type Page, type Process, type Pte, TABLE_PAGES } from './nouns.ts'
import { areaAt, isCow, mappedPage, pmdAt } from './space.ts'
import { cacheKey, type Pin, type World } from './world.ts'

/** More faults than any access needs: swap-in, userfault, table copy and COW together are four. */
const FAULTS = 8
const HUGE_ORDER = 9

export interface Access {
  readonly word: string
  readonly faults: number
  /** Pages and page tables allocated. */
  readonly allocations: number
}

export interface Load extends Access {
  readonly mismatch: boolean
  readonly leak: boolean
}

/** A store of `token`; `segv` where the area does not permit it. */
export function store(w: World, process: Process, vpn: number, token: number): Access {
  const area = areaAt(process, vpn)
  if (area === null || !area.write) return { word: 'segv', faults: 0, allocations: 0 }
  const before = mappedPage(process, vpn)
  const wasHuge = before?.folio.order === HUGE_ORDER
  const wasKsm = before?.folio.ksm === true
  const wasMarker = hasMarker(process, vpn)
  const { allocations, swapins } = w.tally
  let faults = 0
  while (!isWritable(process, vpn)) {
    if (++faults > FAULTS) throw new RangeError(`a store that never completes: ${vpn}`)
    w.tally.store_faults++
    handleFault(w, process, vpn, { write: true })
  }
  const page = reached(process, vpn)
  page.token = token
  const pmd = pmdAt(process, vpn)
  if (pmd?.folio) pmd.dirty = true
  else if (pmd?.table) (pmd.table.entries.get(vpn % TABLE_PAGES) as Pte).dirty = true
  if (isCow(area)) w.truth.store(process, vpn, token)
  else w.truth.storeFile(process, cacheKey(area, vpn), token)
  const word = storeWord(w, before, page, {
    wasHuge,
    wasKsm,
    swapped: wasMarker || w.tally.swapins > swapins,
    faults,
  })
  return { word, faults, allocations: w.tally.allocations - allocations }
}

function storeWord(
  w: World,
  before: Page | null,
  after: Page,
  seen: { wasHuge: boolean; wasKsm: boolean; swapped: boolean; faults: number },
): string {
  const huge = after.folio.order === HUGE_ORDER
  if (before === null) {
    if (seen.swapped) return 'swapin_w'
    return huge ? 'thp_fill' : 'zerofill'
  }
  if (before === w.zeroPage || before.folio === w.hugeZero) {
    return huge ? 'zeropage_to_thp' : 'zeropage_to_anon'
  }
  if (before === after) {
    const word = seen.faults > 0 ? 'reuse' : 'nofault'
    return seen.wasHuge ? `thp_${word}` : word
  }
  if (seen.wasKsm) return 'ksm_copy'
  if (!seen.wasHuge) return 'copy'
  return huge ? 'thp_copy_huge' : 'thp_copy_order0'
}

function isWritable(process: Process, vpn: number): boolean {
  const pmd = pmdAt(process, vpn)
  if (pmd === null || !pmd.write) return false
  if (pmd.folio !== null) return true
  const pte = pmd.table?.entries.get(vpn % TABLE_PAGES)
  return pte?.page != null && pte.write
}

function reached(process: Process, vpn: number): Page {
  const page = mappedPage(process, vpn)
  if (page === null) throw new RangeError(`nothing mapped at ${vpn}`)
  return page
}

export function load(w: World, process: Process, vpn: number): Load {
  const nothing = { faults: 0, allocations: 0, mismatch: false, leak: false }
  if (areaAt(process, vpn)?.read !== true) return { word: 'segv', ...nothing }
  const { allocations, swapins } = w.tally
  const wasMarker = hasMarker(process, vpn)
  let faults = 0
  while (mappedPage(process, vpn) === null) {
    if (++faults > FAULTS) throw new RangeError(`a load that never completes: ${vpn}`)
    w.tally.load_faults++
    handleFault(w, process, vpn, { write: false })
  }
  const page = reached(process, vpn)
  const value = page.token
  const expected = w.expected(process, vpn)
  const mismatch = value !== expected
  const leak = !w.truth.maySee(process, value)
  countLoad(w, { mismatch, leak, expected })
  const word = loadWord(w, page, faults, wasMarker || w.tally.swapins > swapins)
  return { word, faults, allocations: w.tally.allocations - allocations, mismatch, leak }
}

function loadWord(w: World, page: Page, faults: number, swapped: boolean): string {
  if (faults === 0) return 'nofault'
  if (swapped) return 'swapin'
  if (page === w.zeroPage) return 'zeropage'
  return page.folio === w.hugeZero ? 'hugezeropage' : 'pagecache'
}

function countLoad(w: World, seen: { mismatch: boolean; leak: boolean; expected: number }): void {
  if (seen.leak) w.tally.leaks++
  else if (seen.mismatch && w.promisedStores.has(seen.expected)) w.tally.lost_coherence++
  else if (seen.mismatch) w.tally.lost_writes++
}

/** A FOLL_FORCE store: `error` where it needs a fault that nobody may answer. */
export function poke(w: World, process: Process, vpn: number, token: number): string {
  const before = mappedPage(process, vpn)
  const page = forcedStorePage(w, process, vpn)
  if (page === null) return 'error'
  page.token = token
  page.folio.dirty = true
  const area = areaAt(process, vpn)
  if (area !== null && !isCow(area)) {
    w.truth.storeFile(process, cacheKey(area, vpn), token)
  } else {
    w.truth.store(process, vpn, token)
  }
  if (before === null) return 'fill'
  return before === page ? 'inplace' : 'copy'
}

/**
 * What a device finds through a pin, against what the owner would load at the pinned address; or should load, where the
 * store of another process is there.
 */
export function deviceRead(w: World, pin: Pin, index: number): string {
  const page = pin.pages[index]
  const vpn = pin.vpns[index]
  if (page === undefined || vpn === undefined)
    throw new RangeError(`invalid page of a pin: ${index}`)
  if (!w.truth.maySee(pin.owner, page.token)) {
    w.tally.leaks++
    return 'leak'
  }
  if (pin.detached.has(vpn)) return 'noleak'
  const there = w.peek(pin.owner, vpn)
  const owners = w.truth.maySee(pin.owner, there) ? there : w.expected(pin.owner, vpn)
  if (page.token === owners) return 'coherent'
  if (isPromised(pin)) w.tally.lost_coherence++
  else w.tally.stale_reads_unpromised++
  return 'incoherent'
}

/**
 * A device store counts as one by the pin's owner, who should find it where the page is still its own, and where the pin
 * promises it that. What becomes of the promise later is no matter: the child of a fork inherits the content.
 */
export function deviceWrite(w: World, pin: Pin, index: number, token: number): void {
  const page = pin.pages[index]
  const vpn = pin.vpns[index]
  if (page === undefined || vpn === undefined)
    throw new RangeError(`invalid page of a pin: ${index}`)
  page.token = token
  for (const [key, folio] of w.pageCache) {
    if (folio !== page.folio) continue
    w.truth.storeFile(pin.owner, key, token)
    return
  }
  if (isPromised(pin)) w.promisedStores.add(token)
  const finds = isPromised(pin) || w.find(pin.owner, vpn) === page
  if (finds && !pin.detached.has(vpn)) w.truth.store(pin.owner, vpn, token)
  else w.truth.sign(pin.owner, token)
}
