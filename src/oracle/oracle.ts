/**
 * Oracle: knows which bytes every process may see, classifies every verdict, and records every breach with the verdict
 * that caused it. It has the shape of src/sim/judge.ts, where each method is described, and knows nothing of the
 * mechanism: only the trace, the verdicts, and what loads and devices found.
 */
import { UFFD_WP } from '../trace/ops.ts'
import { Exchange } from './exchange.ts'
import type { Breach, Counts } from './judge.ts'
import { Ledger } from './ledger.ts'
import { Observer } from './observe.ts'
import { NO_TABLES } from './page-map.ts'
import { PlainStores } from './plain-stores.ts'
import { Score } from './score.ts'
import { Shadow } from './shadow.ts'
import { Stores } from './stores.ts'

export class Oracle {
  readonly #shadow = new Shadow()
  readonly #ledger = new Ledger()
  readonly #stores = new Stores(this.#shadow, this.#ledger)
  readonly #score = new Score(this.#shadow, this.#stores, this.#ledger)
  readonly #plainStores = new PlainStores(this.#shadow, this.#ledger)
  readonly #expectations: { arena: Int32Array; directory: Int32Array } = {
    arena: NO_TABLES,
    directory: NO_TABLES,
  }
  readonly #observer = new Observer(this.#shadow, this.#ledger)
  readonly #exchange = new Exchange(this.#shadow, this.#ledger)

  get event(): number {
    return this.#ledger.event
  }
  set event(event: number) {
    this.#ledger.event = event
  }

  get counts(): Readonly<Counts> {
    return this.#ledger.counts
  }

  /** The first breaches, each with what was found, what was expected and the verdict that caused it. */
  get breaches(): readonly Breach[] {
    return this.#ledger.breaches
  }

  /** Has everything been given back, as it must be after every process has exited? */
  get idle(): boolean {
    return this.#shadow.idle
  }

  spawn(mm: number): void {
    this.#shadow.spawn(mm)
  }

  fork(parent: number, child: number): void {
    this.#stores.settle()
    this.#shadow.fork(parent, child, this.#ledger.event)
  }

  forkedPages(parent: number, child: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.inherit(parent, child, vpn, pages)
  }

  exec(mm: number): void {
    this.#stores.settle()
    this.#shadow.exec(mm)
  }

  exit(mm: number): void {
    this.#stores.settle()
    this.#shadow.exit(mm)
  }

  mmap(mm: number, vpn: number, pages: number, kind: number, object: number, pgoff: number): void {
    this.#shadow.mmap(mm, vpn, pages, kind, object, pgoff)
  }

  munmap(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.munmap(mm, vpn, pages)
  }

  dontneed(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.dontneed(mm, vpn, pages)
  }

  lazyfree(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.lazyfree(mm, vpn, pages)
  }

  dropped(mm: number, vpn: number): void {
    this.#stores.settle()
    this.#shadow.dropped(mm, vpn)
  }

  zeroed(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.zeroed(mm, vpn, pages)
  }

  mremap(mm: number, vpn: number, pages: number, to: number): void {
    this.#stores.settle()
    this.#shadow.mremap(mm, vpn, pages, to)
  }

  expectations(mm: number): { readonly arena: Int32Array; readonly directory: Int32Array } {
    const { pages, userfaults } = this.#shadow
    const expectations = this.#expectations
    expectations.arena = pages.arena
    // A load of a page whose event did not come is not as expected, whatever it finds.
    expectations.directory = userfaults.none ? pages.directory(mm) : NO_TABLES
    return expectations
  }

  /** Once for every load: nearly always the page's identity is the token itself. */
  seesExpected(mm: number, vpn: number, token: number): boolean {
    if (!this.#shadow.userfaults.none && this.#shadow.userfaults.awaited(mm, vpn) !== 0)
      return false
    const id = this.#shadow.pages.get(mm, vpn)
    return id === token || this.#shadow.content(id) === token
  }

  load(mm: number, vpn: number, token: number): number {
    return this.#observer.load(mm, vpn, token)
  }

  store(mm: number, vpn: number): number {
    return this.#stores.store(mm, vpn)
  }

  plainStores(mm: number): boolean {
    this.#stores.settle()
    return this.#plainStores.open(mm)
  }

  storeAfter(vpn: number, verdict: number): number {
    return this.#plainStores.after(vpn, verdict)
  }

  storeOwn(vpn: number, reuses: number): number {
    return this.#plainStores.own(vpn, reuses)
  }

  storesAfterCopies(vpns: Int32Array, tokens: Int32Array, from: number, to: number): number {
    return this.#plainStores.afterCopies(vpns, tokens, from, to)
  }

  storeSame(mm: number, vpn: number, content: number): number {
    return this.#stores.storeSame(mm, vpn, content)
  }

  objectPage(object: number, pgoff: number): number {
    return this.#shadow.objects.read(object, pgoff, this.#ledger.event)
  }

  pin(pin: number, mm: number, vpn: number, pages: number, kind: number): void {
    this.#stores.settle()
    this.#shadow.pin(pin, mm, vpn, pages, kind, this.#ledger.event)
  }

  unpin(pin: number): void {
    this.#shadow.pins.remove(pin)
  }

  devread(pin: number, index: number, token: number): number {
    return this.#observer.devread(pin, index, token)
  }

  devwrite(pin: number, index: number): number {
    return this.#stores.storeThroughPin(pin, index)
  }

  exchanges(pin: number): Exchange | undefined {
    return this.#stores.settled && this.#exchange.open(pin) ? this.#exchange : undefined
  }

  verdict(
    site: number,
    mm: number,
    vpn: number,
    pages: number,
    verdict: number,
    other: number,
  ): boolean {
    return this.#score.verdict(site, mm, vpn, pages, verdict, other)
  }

  takesOver(mm: number, vpn: number, pages: number): number {
    return this.#score.takesOver(mm, vpn, pages)
  }

  copying(mm: number, vpn: number, verdict: number): void {
    this.#score.copying(mm, vpn, verdict)
  }

  copied(mm: number, vpn: number): void {
    this.#score.copied(mm, vpn)
  }

  refusedHuge(mm: number, vpn: number, pages: number, _verdict: number): void {
    this.#score.refusedHuge(mm, vpn, pages)
  }

  separated(mm: number, vpn: number, pages: number): void {
    this.#stores.settle()
    this.#shadow.separate(mm, vpn, pages, null)
  }

  merged(pairs: readonly number[]): void {
    this.#stores.settle()
    this.#shadow.merge(pairs)
  }

  tableShared(parent: number, child: number, vpn: number): void {
    this.#shadow.tables.share(parent, child, vpn)
  }

  tableLeft(mm: number, vpn: number): void {
    this.#shadow.tables.leave(mm, vpn)
  }

  uffdWp(mm: number, vpn: number, pages: number, on: boolean): void {
    this.#shadow.protect(mm, vpn, pages, on)
  }

  uffdRegister(mm: number, vpn: number, pages: number, modes: number): void {
    const { objects, pages: map, userfaults } = this.#shadow
    userfaults.register(mm, vpn, pages, modes)
    // What is in the cache by now is no hole.
    for (let at = vpn; at < vpn + pages; at++) objects.touchCached(map.get(mm, at))
  }

  uffdPresent(mm: number, vpn: number, pages: number): void {
    const { objects, pages: map, userfaults } = this.#shadow
    userfaults.present(mm, vpn, pages)
    for (let at = vpn; at < vpn + pages; at++) {
      const id = map.get(mm, at)
      if (objects.isShared(id)) objects.touch(id)
    }
  }

  /** A write-protected zero page raises an event too, which no store before it tells from a hole. */
  uffdEvent(mm: number, vpn: number, mode: number): void {
    const { pages, userfaults } = this.#shadow
    const expected =
      mode === UFFD_WP
        ? userfaults.isProtected(mm, vpn) || pages.get(mm, vpn) === 0
        : userfaults.awaited(mm, vpn) !== 0
    if (!expected) this.#ledger.counts.extra_events++
  }

  collapseRequested(mm: number, vpn: number, pages: number): void {
    this.#shadow.userfaults.requested(mm, vpn, pages)
  }
}
