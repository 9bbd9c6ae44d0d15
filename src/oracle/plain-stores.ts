/**
 * plain-stores: a verdict about a page and the store that follows it, as one look at two identities, while nothing is in
 * sight that could make more of either. What is asked of every fault is looked up once for many of them.
 */
import { COPY } from '../policy/verdict.ts'
import { ALIASES, BLANKS } from './identities.ts'
import type { Counts } from './judge.ts'
import type { Ledger } from './ledger.ts'
import { MASK, NO_TABLES, SHIFT } from './page-map.ts'
import type { Shadow } from './shadow.ts'
import { BLOCK } from './tokens.ts'

export class PlainStores {
  readonly #shadow: Shadow
  readonly #counts: Counts
  #mm = -1
  #stores: Int32Array = NO_TABLES
  /** Tokens from here on, and frames of zeroes, are this process's alone: all of them if no relative is alive. */
  #own = 0
  #ownBlanks = 0
  #arena: Int32Array = NO_TABLES
  /** Tables that only this process has. */
  #owned: Int32Array = NO_TABLES
  /** Of the relative that shared a page with it last. */
  #sharer: Int32Array = NO_TABLES
  /** Of the child that has every older page of the process where it has changed none of a table (Family.heir()). */
  #heir: Int32Array = NO_TABLES
  #changed: Int32Array = NO_TABLES

  constructor(shadow: Shadow, ledger: Ledger) {
    this.#shadow = shadow
    this.#counts = ledger.counts
  }

  /** Are there only plain pages, so that after() may be asked about the process until the oracle hears anything else? */
  open(mm: number): boolean {
    const shadow = this.#shadow
    if (!shadow.plain) return false
    const { family, pages, tokens } = shadow
    this.#mm = mm
    const alone = family.isLast(mm)
    this.#own = alone ? 1 : family.ownTokens[mm]!
    this.#ownBlanks = alone ? BLANKS : family.ownBlanks[mm]!
    this.#arena = pages.arena
    this.#stores = tokens.stores
    this.#owned = pages.owned(mm)
    const sharer = shadow.sharer(mm)
    this.#sharer = family.isAlive(sharer) ? pages.directory(sharer) : NO_TABLES
    const heir = shadow.heir(mm)
    this.#heir = heir >= 0 ? pages.directory(heir) : NO_TABLES
    this.#changed = heir >= 0 ? pages.owned(heir) : NO_TABLES
    return true
  }

  /**
   * The token of the store; 0, having counted nothing, where it is not so simple. In one piece, tokens.store() included:
   * this is asked of every fault, and what V8 puts into its caller is limited.
   */
  after(vpn: number, verdict: number): number {
    const arena = this.#arena
    const owned = this.#owned
    const index = vpn >>> SHIFT
    const table = index < owned.length ? owned[index]! : 0
    if (table === 0) return this.#unshared(vpn) ? this.after(vpn, verdict) : 0
    const at = table + (vpn & MASK)
    const id = arena[at]!
    if (id <= 0 || id >= ALIASES) return 0
    const sole = id >= this.#own || !this.#isShared(vpn, id)
    const counts = this.#counts
    if (verdict < COPY) {
      if (!sole) return 0
      counts.reuses++
    } else {
      counts.copies++
      if (sole) {
        counts.spurious_copies++
        counts.missed_reuses++
      } else counts.needed_copies++
    }
    const stores = this.#stores
    const mm = this.#mm
    let token = stores[mm]!
    if ((token & (BLOCK - 1)) === 0) token = this.#shadow.tokens.block(mm)
    stores[mm] = token + 1
    arena[at] = token
    return token
  }

  /**
   * The token of a store to a page that the process alone has; 0, having done nothing, where that is not clear. `reuses`
   * is 1 after a verdict to write in place, else 0. Calls nothing, so that whoever asks keeps its columns at hand: each
   * block of tokens begins with a store() of the long way.
   */
  own(vpn: number, reuses: number): number {
    const arena = this.#arena
    const owned = this.#owned
    const stores = this.#stores
    const index = vpn >>> SHIFT
    const at = (index < owned.length ? owned[index]! : 0) + (vpn & MASK)
    const id = arena[at]!
    const token = stores[this.#mm]!
    if (id < this.#own || (id >= ALIASES && id < this.#ownBlanks)) return 0
    if ((token & (BLOCK - 1)) === 0) return 0
    this.#counts.reuses += reuses
    stores[this.#mm] = token + 1
    arena[at] = token
    return token
  }

  /**
   * The same for pages vpns[from..to), which were copied one after the other: their tokens go to `tokens`. Returns `to`,
   * or the index of the first page where it is not so simple.
   */
  afterCopies(vpns: Int32Array, tokens: Int32Array, from: number, to: number): number {
    const arena = this.#arena
    const owned = this.#owned
    const heir = this.#heir
    const changed = this.#changed
    const own = this.#own
    const stores = this.#stores
    const mm = this.#mm
    let token = stores[mm]!
    let spurious = 0
    let index = -1
    let table = 0
    let inherited = false
    let i = from
    for (; i < to; i++) {
      const vpn = vpns[i]!
      if (vpn >>> SHIFT !== index) {
        index = vpn >>> SHIFT
        table = index < owned.length ? owned[index]! : 0
        if (table === 0) break
        inherited = index < heir.length && heir[index] !== 0 && changed[index] === 0
      }
      const at = table + (vpn & MASK)
      const id = arena[at]!
      if (id <= 0 || id >= ALIASES) break
      if (id >= own || (!inherited && !this.#isShared(vpn, id))) spurious++
      if ((token & (BLOCK - 1)) === 0) token = this.#shadow.tokens.block(mm)
      arena[at] = token
      tokens[i] = token++
    }
    stores[mm] = token
    const counts = this.#counts
    counts.copies += i - from
    counts.needed_copies += i - from - spurious
    counts.spurious_copies += spurious
    counts.missed_reuses += spurious
    return i < to && table === 0 && this.#unshared(vpns[i]!)
      ? this.afterCopies(vpns, tokens, i, to)
      : i
  }

  #isShared(vpn: number, id: number): boolean {
    const sharer = this.#sharer
    const index = vpn >>> SHIFT
    if (index < sharer.length && this.#arena[sharer[index]! + (vpn & MASK)] === id) return true
    return !this.#shadow.isSole(this.#mm, vpn, id)
  }

  /** The process gets the page's table to itself. Returns false if there is none. */
  #unshared(vpn: number): boolean {
    return this.#shadow.pages.unshare(this.#mm, vpn) && this.open(this.#mm)
  }
}
