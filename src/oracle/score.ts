/**
 * score: the class of every verdict, by the truth at that moment (results/README.md, Promises and decisions), and what
 * the answer does to the pages.
 *
 *   reuse, sole user    reuse            reuse, not sole    unsafe reuse: others are going to see the next store
 *   copy, sole user     missed reuse     copy, not sole     needed copy
 */
import {
  COPY,
  SITE_FORK,
  SITE_SWAPIN,
  SITE_TABLE,
  SITE_UNSHARE,
  SITE_WP,
  SITE_WP_HUGE,
} from '../policy/verdict.ts'
import { ALIASES } from './identities.ts'
import type { Cause } from './judge.ts'
import type { Ledger } from './ledger.ts'
import type { Shadow } from './shadow.ts'
import type { Stores } from './stores.ts'

export class Score {
  readonly #shadow: Shadow
  readonly #stores: Stores
  readonly #ledger: Ledger
  /** By process and page: the verdicts whose copies are still being made. */
  readonly #copying = new Map<string, Cause>()

  constructor(shadow: Shadow, stores: Stores, ledger: Ledger) {
    this.#shadow = shadow
    this.#stores = stores
    this.#ledger = ledger
  }

  /** Returns whether it was an unsafe reuse. */
  verdict(
    site: number,
    mm: number,
    vpn: number,
    pages: number,
    verdict: number,
    other: number,
  ): boolean {
    this.#stores.settle()
    if (site === SITE_TABLE) return this.#table(mm, vpn, verdict)
    if (site === SITE_FORK) {
      if (verdict >= COPY) this.#forkCopy(mm, other, vpn, pages, verdict)
      return false
    }
    if (verdict < COPY) return this.#reuse(site, mm, vpn, pages, verdict)
    this.#copy(site, mm, vpn, pages, verdict)
    return false
  }

  /** A huge folio is split instead of reused. Its pages are judged one by one when they are copied. */
  refusedHuge(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    for (let at = vpn; at < vpn + pages; at++) if (!this.#isSole(mm, at)) return
    this.#ledger.counts.missed_reuses++
  }

  #reuse(site: number, mm: number, vpn: number, pages: number, verdict: number): boolean {
    const { counts } = this.#ledger
    let cause: Cause | null = null
    for (let at = vpn; at < vpn + pages; at++) {
      if (this.#isSole(mm, at)) continue
      cause ??= this.#cause(site, mm, vpn, verdict)
      const { identities, pages: map } = this.#shadow
      this.#ledger.remember(identities.frame(map.get(mm, at)), cause)
    }
    counts.reuses++
    if (site === SITE_WP_HUGE) counts.huge_reuses++
    if (cause !== null) counts.unsafe_reuses++
    else if (pages === 1 && site !== SITE_UNSHARE) this.#stores.expect(mm, vpn, false)
    return cause !== null
  }

  /** The reuse of pages by their sole user, where they have plain names. Returns how many there are at once. */
  takesOver(mm: number, vpn: number, pages: number): number {
    this.#stores.settle()
    const shadow = this.#shadow
    const own = shadow.ownFrom(mm)
    let at = vpn
    for (; at < vpn + pages; at++) {
      const id = shadow.pages.get(mm, at)
      if (id <= 0 || id >= ALIASES || (id < own && !shadow.isSole(mm, at, id))) break
    }
    this.#ledger.counts.reuses += at - vpn
    return at - vpn
  }

  /** The answer to a question of do_wp_page() whose copy others may come before. */
  copying(mm: number, vpn: number, verdict: number): void {
    this.#stores.settle()
    this.#countCopy(SITE_WP, mm, vpn, 1)
    this.#copying.set(`${mm}:${vpn}`, this.#cause(SITE_WP, mm, vpn, verdict))
  }

  copied(mm: number, vpn: number): void {
    this.#stores.settle()
    const cause = this.#copying.get(`${mm}:${vpn}`) ?? null
    this.#copying.delete(`${mm}:${vpn}`)
    this.#awaitStore(mm, vpn, cause)
  }

  #copy(site: number, mm: number, vpn: number, pages: number, verdict: number): void {
    this.#countCopy(site, mm, vpn, pages)
    const cause = this.#shadow.pins.holds(mm) ? this.#cause(site, mm, vpn, verdict) : null
    if (pages === 1 && (site === SITE_WP || site === SITE_SWAPIN)) this.#awaitStore(mm, vpn, cause)
    else this.#shadow.separate(mm, vpn, pages, cause)
  }

  #countCopy(site: number, mm: number, vpn: number, pages: number): void {
    const { counts } = this.#ledger
    let needed = 0
    for (let at = vpn; at < vpn + pages; at++) {
      if (!this.#isSole(mm, at)) needed++
    }
    counts.copies += pages
    counts.needed_copies += needed
    counts.spurious_copies += pages - needed
    if (needed === 0) counts.missed_reuses++
    if (site === SITE_UNSHARE) {
      counts.unshare_copies += pages
      counts.spurious_unshare_copies += pages - needed
    }
    if (site === SITE_WP_HUGE) counts.huge_copies++
  }

  /** The process has a copy of the page, and is about to store to it. */
  #awaitStore(mm: number, vpn: number, cause: Cause | null): void {
    const { identities, pages, pins } = this.#shadow
    if (cause !== null) pins.copied(mm, vpn, identities.frame(pages.get(mm, vpn)), cause)
    this.#stores.expect(mm, vpn, true)
  }

  /**
   * The child gets a copy, so that the parent's page can stay where its pin expects it. A process that copies a shared
   * page table for itself copies pinned pages in the same way, and leaves its own pin behind.
   */
  #forkCopy(parent: number, child: number, vpn: number, pages: number, verdict: number): void {
    const { counts } = this.#ledger
    for (let at = vpn; at < vpn + pages; at++) {
      if (this.#shadow.pins.promisedAcrossFork(parent, at)) counts.needed_copies++
      else {
        counts.spurious_copies++
        counts.spurious_fork_copies++
      }
    }
    counts.copies += pages
    counts.fork_copies += pages
    this.#shadow.separate(child, vpn, pages, this.#cause(SITE_FORK, parent, vpn, verdict))
  }

  /** A page table is no page: only the decision counts. */
  #table(mm: number, vpn: number, verdict: number): boolean {
    const { counts } = this.#ledger
    const sole = this.#shadow.tables.isSole(mm, vpn)
    if (verdict >= COPY) {
      if (sole) counts.missed_reuses++
      return false
    }
    counts.reuses++
    if (!sole) counts.unsafe_reuses++
    return !sole
  }

  #isSole(mm: number, vpn: number): boolean {
    return this.#shadow.isSole(mm, vpn, this.#shadow.pages.get(mm, vpn))
  }

  #cause(site: number, mm: number, vpn: number, verdict: number): Cause {
    return { event: this.#ledger.event, mm, vpn, site, verdict }
  }
}
