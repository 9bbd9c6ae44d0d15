/**
 * plain-stores: a verdict about a page and the store that follows it, as one look at two identities, while nothing is in
 * sight that could make more of either. What is asked of every fault is looked up once for many of them.
 */
import { COPY } from '../policy/verdict.ts'
import { ALIASES } from './identities.ts'
import type { Ledger } from './ledger.ts'
import { MASK, SHIFT, TABLE } from './page-map.ts'
import type { Shadow } from './shadow.ts'

const NO_TABLES = new Int32Array(0)

export class PlainStores {
  readonly #shadow: Shadow
  readonly #ledger: Ledger
  #mm = -1
  /** Identities from here on are this process's alone. */
  #own = 0
  #arena: Int32Array = NO_TABLES
  /** Tables that only this process has. */
  #owned: Int32Array = NO_TABLES
  /** Of the relative that shared a page with it last. */
  #sharer: Int32Array = NO_TABLES

  constructor(shadow: Shadow, ledger: Ledger) {
    this.#shadow = shadow
    this.#ledger = ledger
  }

  /** Are there only plain pages, so that after() may be asked about the process until the oracle hears anything else? */
  open(mm: number): boolean {
    const shadow = this.#shadow
    if (!shadow.plain) return false
    const { family, pages } = shadow
    this.#mm = mm
    this.#own = family.ownTokens[mm]!
    this.#arena = pages.arena
    this.#owned = pages.owned(mm)
    const sharer = shadow.sharer(mm)
    this.#sharer = family.isAlive(sharer) ? pages.directory(sharer) : NO_TABLES
    return true
  }

  /** The token of the store; 0, having counted nothing, where it is not so simple. */
  after(vpn: number, verdict: number): number {
    const arena = this.#arena
    const index = vpn >>> SHIFT
    const owned = this.#owned
    const at = (index < owned.length ? owned[index]! : 0) + (vpn & MASK)
    if (at < TABLE) return this.#unshared(vpn) ? this.after(vpn, verdict) : 0
    const id = arena[at]!
    if (id <= 0 || id >= ALIASES) return 0
    const sole = id >= this.#own || (!this.#sharerHas(vpn, id) && this.#isSole(vpn, id))
    const { counts } = this.#ledger
    if (verdict >= COPY) {
      counts.copies++
      if (sole) {
        counts.spurious_copies++
        counts.missed_reuses++
      } else counts.needed_copies++
    } else {
      if (!sole) return 0
      counts.reuses++
    }
    const token = this.#shadow.tokens.store(this.#mm)
    arena[at] = token
    return token
  }

  /** The process gets the page's table to itself. Returns false if there is none. */
  #unshared(vpn: number): boolean {
    return this.#shadow.pages.unshare(this.#mm, vpn) && this.open(this.#mm)
  }

  #sharerHas(vpn: number, id: number): boolean {
    const sharer = this.#sharer
    const index = vpn >>> SHIFT
    return index < sharer.length && this.#arena[sharer[index]! + (vpn & MASK)] === id
  }

  #isSole(vpn: number, id: number): boolean {
    return this.#shadow.isSole(this.#mm, vpn, id)
  }
}
