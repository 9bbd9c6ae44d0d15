/** world: the whole state of the reference model, and the few steps that everything else is made of: put a page in, take it out, batch it. */
import { swapcount } from './frames.ts'
import { MmIds } from './mm-ids.ts'
import {
  type Area,
  type Folio,
  type FolioKind,
  type Page,
  type Pmd,
  type Process,
  type Pte,
  type Slot,
  TABLE_PAGES,
  type Table,
} from './nouns.ts'
import type { Era, Rules } from './rules.ts'
import { areaAt, isCow, mappedPage, pteAt } from './space.ts'
import { Tally } from './tally.ts'
import { fileToken, Truth } from './truth.ts'

export interface Pin {
  readonly id: number
  readonly kind: number
  readonly owner: Process
  readonly vpns: number[]
  readonly pages: Page[]
  /** Pages that the owner unmapped or dropped since: the reference holds a page of nobody's. */
  readonly detached: Set<number>
  readonly pinned: boolean
  readonly write: boolean
  /** Do the pages become dirty when they are given back? */
  readonly dirties: boolean
  /** Forked since it was taken: FOLL_GET promises nothing any more. */
  forked: boolean
}

export interface Setting {
  readonly rules: Rules
  readonly era: Era
  /** A swap device that is not SWP_SYNCHRONOUS_IO: every swap-in goes through the swapcache. */
  readonly diskSwap?: boolean
}

export class World {
  readonly rules: Rules
  readonly era: Era
  readonly diskSwap: boolean
  readonly processes = new Map<number, Process>()
  readonly pins = new Map<number, Pin>()
  /** Tokens that a device stored through a pin which promised its owner to see them. */
  readonly promisedStores = new Set<number>()
  readonly truth = new Truth()
  readonly tally = new Tally()
  /** Pages of files and shared objects, by cacheKey(). */
  readonly pageCache = new Map<string, Folio>()
  /** Those of its pages that reclaim has taken since. */
  readonly pagedOut = new Set<Folio>()
  readonly zeroPage: Page
  readonly hugeZero: Folio
  #lruAdd: Folio[] = []
  #lazyFree: Folio[] = []
  #folios = 0
  #mms = 0
  #mappings = 0

  constructor(setting: Setting) {
    this.rules = setting.rules
    this.era = setting.era
    this.diskSwap = setting.diskSwap ?? false
    this.zeroPage = firstPage(this.#folio('zero', 0))
    this.hugeZero = this.#folio('zero', 9)
  }

  process(id: number): Process {
    const process = this.processes.get(id)
    if (process === undefined) throw new RangeError(`unknown process: ${id}`)
    return process
  }

  newMm(): number {
    return ++this.#mms
  }

  newMapping(): number {
    return ++this.#mappings
  }

  /** A fresh folio of anonymous memory. It enters the lru_add batch; a large one empties the batch at once. */
  newAnon(order: number): Folio {
    const folio = this.allocAnon(order)
    this.#addToLru(folio)
    return folio
  }

  /** The same, in no batch yet. */
  allocAnon(order: number): Folio {
    const folio = this.#folio('anon', order)
    this.tally.allocations++
    const tracked = this.rules.large === 'mmId' || this.era.mappedShared === 'mmIds'
    if (order > 0 && tracked) folio.mmIds = new MmIds()
    return folio
  }

  #folio(kind: FolioKind, order: number): Folio {
    const folio: Folio = {
      id: ++this.#folios,
      kind,
      order,
      pages: [],
      pmdMappers: new Set(),
      ksm: false,
      swapcache: false,
      lru: false,
      batches: 0,
      swapBacked: true,
      dirty: false,
      dontCow: false,
      references: [],
      speculative: 0,
      mmIds: null,
    }
    for (let index = 0; index < 2 ** order; index++) {
      folio.pages.push({
        ...{ folio, index, mappers: new Set(), exclusive: false, token: 0 },
        ...{ slot: null, place: null },
      })
    }
    return folio
  }

  /** A page that leaves its large folio: the same memory, now a folio of its own. */
  detachPage(page: Page): void {
    const old = page.folio
    const folio = this.#folio('anon', 0)
    folio.lru = old.lru
    folio.dirty = old.dirty
    folio.swapBacked = old.swapBacked
    folio.dontCow = old.dontCow
    folio.pages = [page]
    page.folio = folio
    page.index = 0
  }

  /** The page that a fault finds in the cache, or brings there. */
  cachedPage(area: Area, vpn: number): Page {
    const key = cacheKey(area, vpn)
    let folio = this.pageCache.get(key)
    if (folio === undefined) {
      folio = this.#folio('file', 0)
      firstPage(folio).token = fileToken(area.object, pgoffOf(area, vpn))
      folio.lru = true
      // The page cache's own reference.
      folio.speculative = 1
      this.pageCache.set(key, folio)
    }
    this.pagedOut.delete(folio)
    return firstPage(folio)
  }

  /** The page if it is in the cache now. */
  inCache(area: Area, vpn: number): Page | null {
    const folio = this.pageCache.get(cacheKey(area, vpn))
    return folio === undefined || this.pagedOut.has(folio) ? null : firstPage(folio)
  }

  newTable(): Table {
    this.tally.allocations++
    return {
      entries: new Map(),
      markers: new Set(),
      users: new Set(),
      accounted: this.rules.tables === 'accounted',
      owner: null,
      gupExclusive: false,
    }
  }

  newPmd(process: Process, vpn: number): Pmd {
    const number = Math.floor(vpn / TABLE_PAGES)
    // The table above, once.
    if (!process.touched) this.tally.allocations++
    process.touched = true
    const pmd: Pmd = {
      process,
      number,
      table: null,
      folio: null,
      write: true,
      dirty: false,
      softDirty: false,
      uffdWp: false,
    }
    process.pmds.set(number, pmd)
    return pmd
  }

  setTable(pmd: Pmd, table: Table): void {
    pmd.table?.users.delete(pmd)
    pmd.folio = null
    pmd.table = table
    pmd.write = true
    table.users.add(pmd)
  }

  mapPage(process: Process, table: Table, vpn: number, page: Page): Pte {
    const pte = emptyPte(table, vpn % TABLE_PAGES)
    pte.page = page
    table.entries.set(pte.index, pte)
    table.markers.delete(pte.index)
    if (page.folio.kind !== 'zero') page.mappers.add(pte)
    page.folio.mmIds?.map(process.mm, 1)
    return pte
  }

  mapSlot(table: Table, index: number, slot: Slot): Pte {
    const pte = emptyPte(table, index)
    pte.slot = slot
    table.entries.set(index, pte)
    slot.entries.add(pte)
    return pte
  }

  /** Takes an entry out, whatever it holds. Dropping the last swap entry of an unmapped cached page frees that page. */
  clearPte(process: Process, pte: Pte): void {
    if (pte.table.entries.get(pte.index) === pte) pte.table.entries.delete(pte.index)
    const { page, slot } = pte
    if (page !== null) {
      page.mappers.delete(pte)
      page.folio.mmIds?.unmap(process.mm, 1)
      this.#freeIdleSwapcache(page.folio)
    }
    if (slot !== null) {
      slot.entries.delete(pte)
      if (slot.cache !== null) this.#freeIdleSwapcache(slot.cache.folio)
    }
  }

  /** free_swap_cache(): a cached page that nothing maps is dropped with its last swap entry. */
  #freeIdleSwapcache(folio: Folio): void {
    const mapped = folio.pmdMappers.size > 0 || folio.pages.some((page) => page.mappers.size > 0)
    if (folio.swapcache && !mapped) this.freeSwapcache(folio)
  }

  /** try_to_free_swap(): fails while any swap entry still points at a slot of the folio. */
  freeSwapcache(folio: Folio): boolean {
    if (!folio.swapcache || folio.pages.some((page) => swapcount(page.slot) > 0)) return false
    this.dropSwapcache(folio)
    folio.dirty = true
    return true
  }

  dropSwapcache(folio: Folio): void {
    for (const page of folio.pages) {
      if (page.slot === null) continue
      page.slot.token = page.token
      page.slot.cache = null
      page.slot = null
    }
    folio.swapcache = false
  }

  mapHuge(pmd: Pmd, folio: Folio): void {
    pmd.table = null
    pmd.folio = folio
    if (folio.kind === 'zero') return
    folio.pmdMappers.add(pmd)
    folio.mmIds?.map(pmd.process.mm, 1)
  }

  unmapHuge(pmd: Pmd): void {
    const { folio } = pmd
    pmd.folio = null
    if (folio === null || folio.kind === 'zero') return
    folio.pmdMappers.delete(pmd)
    folio.mmIds?.unmap(pmd.process.mm, 1)
    this.#freeIdleSwapcache(folio)
  }

  #addToLru(folio: Folio): void {
    folio.batches++
    this.#lruAdd.push(folio)
    if (folio.order > 0 || this.#lruAdd.length >= this.era.lruBatch) this.#drainLruAdd()
  }

  /** A page read from swap, or copied: like a fresh one. */
  addToLru(folio: Folio): void {
    if (!folio.lru && folio.batches === 0) this.#addToLru(folio)
  }

  /** A page that reclaim took off the LRU and could not free. */
  putBack(folio: Folio): void {
    if (folio.order > 0) return
    folio.lru = false
    this.addToLru(folio)
  }

  addToLazyFree(folio: Folio): void {
    if (!folio.lru || !folio.swapBacked || folio.swapcache) return
    folio.batches++
    this.#lazyFree.push(folio)
    if (folio.order > 0 || this.#lazyFree.length >= this.era.lruBatch) this.#drainLazyFree()
  }

  /** lru_add_drain(). */
  drain(): void {
    this.#drainLruAdd()
    this.#drainLazyFree()
  }

  #drainLruAdd(): void {
    for (const folio of this.#lruAdd) {
      folio.batches--
      folio.lru = true
    }
    this.#lruAdd = []
  }

  #drainLazyFree(): void {
    for (const folio of this.#lazyFree) {
      folio.batches--
      if (!folio.swapcache) folio.swapBacked = false
    }
    this.#lazyFree = []
  }

  /** What a load at `vpn` would find now, without faulting anything in. */
  peek(process: Process, vpn: number): number {
    const page = this.find(process, vpn)
    if (page) return page.token
    const slot = pteAt(process, vpn)?.slot
    if (slot) return slot.token
    const area = areaAt(process, vpn)
    if (area === null || area.kind === 'anon') return 0
    const cached = this.pageCache.get(cacheKey(area, vpn))
    return cached ? firstPage(cached).token : fileToken(area.object, pgoffOf(area, vpn))
  }

  /** The page that is mapped at `vpn`, or that waits in the swapcache for its next fault. */
  find(process: Process, vpn: number): Page | null {
    return mappedPage(process, vpn) ?? pteAt(process, vpn)?.slot?.cache ?? null
  }

  /** The owner gave a page up: its content is gone, and a pin on it holds a page of nobody's. */
  forget(process: Process, vpn: number): void {
    this.truth.forget(process, vpn)
    for (const pin of this.pins.values()) {
      if (pin.owner === process && pin.vpns.includes(vpn)) pin.detached.add(vpn)
    }
  }

  /** What a load at `vpn` should find. */
  expected(process: Process, vpn: number): number {
    const area = areaAt(process, vpn)
    if (area === null) return 0
    const own = isCow(area) ? this.truth.expected(process, vpn) : null
    if (own !== null) return own
    if (area.kind === 'anon') return 0
    const stored = this.truth.expectedFile(cacheKey(area, vpn))
    return stored ?? fileToken(area.object, pgoffOf(area, vpn))
  }
}

/** What the page cache calls the page at `vpn`. */
export function cacheKey(area: Area, vpn: number): string {
  return `${area.object}:${pgoffOf(area, vpn)}`
}

function pgoffOf(area: Area, vpn: number): number {
  return area.pgoff + vpn - area.start
}

export function firstPage(folio: Folio): Page {
  const page = folio.pages[0]
  if (page === undefined) throw new RangeError('a folio has pages')
  return page
}

function emptyPte(table: Table, index: number): Pte {
  return {
    table,
    index,
    page: null,
    slot: null,
    write: false,
    dirty: false,
    softDirty: false,
    uffdWp: false,
    swapExclusive: false,
  }
}
