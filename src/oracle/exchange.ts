/**
 * exchange: what a device and the owner of its buffer do to pages in turn, as one look at one identity for each, while the
 * owner maps every page of the pin and nobody else has it. What is asked each time is looked up once.
 */
import { ALIASES } from './identities.ts'
import type { Counts } from './judge.ts'
import type { Ledger } from './ledger.ts'
import { MASK, NO_TABLES, TABLE } from './page-map.ts'
import type { Shadow } from './shadow.ts'
import { BLOCK, BLOCK_SHIFT } from './tokens.ts'

export class Exchange {
  readonly #shadow: Shadow
  readonly #counts: Counts
  #mm = -1
  /** Tokens from here on are the owner's alone: all of them if no relative is alive. */
  #own = 0
  #arena: Int32Array = NO_TABLES
  /** The first page of the pin, and where in the arena it is. */
  #vpn = 0
  #first = 0
  /** By process: the next token of a store, and of one through this pin. */
  #stores: Int32Array = NO_TABLES
  #devices: Int32Array = NO_TABLES
  #authors: Int32Array = NO_TABLES

  constructor(shadow: Shadow, ledger: Ledger) {
    this.#shadow = shadow
    this.#counts = ledger.counts
  }

  /** May the others be asked about pages of the pin and its owner, until the oracle hears of anything else? */
  open(id: number): boolean {
    const { family, pages, pins, tokens } = this.#shadow
    const pin = pins.find(id)
    const { mm, vpn } = pin
    if (!pin.whole || (vpn & MASK) + pin.pages > TABLE || !this.#shadow.plainButPins) return false
    let first = pages.ownPosition(mm, vpn)
    if (first < TABLE) {
      if (!pages.unshare(mm, vpn)) return false
      first = pages.ownPosition(mm, vpn)
    }
    this.#mm = mm
    this.#own = this.#shadow.ownFrom(mm)
    this.#arena = pages.arena
    this.#vpn = vpn
    this.#first = first
    this.#stores = tokens.stores
    this.#devices = pins.promised(pin, family.forks(mm)) ? tokens.devices : tokens.stores
    this.#authors = tokens.authors
    return true
  }

  /** Does the owner find what was stored to the page last? If not, its identity may still name the same content. */
  sees(index: number, token: number): boolean {
    return this.#arena[this.#first + index] === token
  }

  /** Does the device find what was stored to the page last, by the owner or for it? If not, Observer has to be asked. */
  reads(index: number, token: number): boolean {
    if (this.#arena[this.#first + index] !== token) return false
    return this.#authors[token >>> BLOCK_SHIFT]! >> 1 === this.#mm
  }

  /** The token of a store through the pin; 0, having done nothing, where Stores has to be asked. */
  writes(index: number): number {
    return this.#store(index, this.#devices)
  }

  /** The same of a store by the owner; `reuses` is 1 after a verdict to write in place, else 0. */
  stores(index: number, reuses: number): number {
    const token = this.#store(index, this.#stores)
    if (token !== 0 && reuses !== 0) this.#counts.reuses++
    return token
  }

  /** `next` holds the next token of whoever stores to the page. */
  #store(index: number, next: Int32Array): number {
    const arena = this.#arena
    const mm = this.#mm
    const at = this.#first + index
    const id = arena[at]!
    let token = next[mm]!
    if (id < this.#own || id >= ALIASES || (token & (BLOCK - 1)) === 0) {
      if (id <= 0 || id >= ALIASES || !this.#shadow.isSole(mm, this.#vpn + index, id)) return 0
      token = this.#token(next)
    }
    next[mm] = token + 1
    arena[at] = token
    return token
  }

  /** A token from a block that may have to begin. */
  #token(next: Int32Array): number {
    const { tokens } = this.#shadow
    const token = next === tokens.devices ? tokens.device(this.#mm) : tokens.store(this.#mm)
    this.#authors = tokens.authors
    return token
  }
}
