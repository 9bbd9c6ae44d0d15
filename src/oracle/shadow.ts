/**
 * shadow: what every page of every process should show, and who shares it with whom, in a world where fork copies and
 * pins keep their promises. It follows the trace and the verdicts, never the mechanism's state.
 */
import { HOLD_GET_WRITE, HOLD_PIN_WRITE } from '../trace/observed.ts'
import { Family } from './family.ts'
import { ALIASES, Identities, isAlias } from './identities.ts'
import type { Cause } from './judge.ts'
import { Merges } from './merges.ts'
import { Moves } from './moves.ts'
import { Objects } from './objects.ts'
import { PageMap } from './page-map.ts'
import { Pins } from './pins.ts'
import { SharedTables } from './shared-tables.ts'
import { Tokens } from './tokens.ts'
import { Userfaults } from './userfaults.ts'

export class Shadow {
  /** The identity of every page (identities.ts). */
  readonly pages = new PageMap()
  readonly identities = new Identities()
  readonly tokens = new Tokens()
  readonly objects = new Objects(this.tokens)
  readonly family = new Family()
  readonly pins = new Pins()
  readonly userfaults = new Userfaults()
  readonly tables = new SharedTables()
  /** By page: the content that MADV_FREE gave up. */
  readonly #lazyfree = new PageMap()
  readonly #moves = new Moves()
  readonly #merges = new Merges()
  /** Has any page been dropped that should not have been? Its frame is what is shown where there is no page. */
  #anyLost = false
  /** By process: the relative that shared a page with it last. */
  readonly #sharer: number[] = []

  spawn(mm: number): void {
    this.family.spawn(mm)
    this.#open(mm)
  }

  fork(parent: number, child: number, event: number): void {
    const { identities } = this
    const token = this.tokens.fork(parent)
    this.family.fork(parent, child, token, identities.nextAlias, identities.nextBlank, event)
    this.#open(child)
    this.pages.copy(parent, child)
    if (this.#lazyfree.used > 0) this.#lazyfree.copy(parent, child)
    this.objects.fork(parent, child)
    this.#moves.fork(parent, child)
    this.#sharer[parent] = child
    this.#sharer[child] = parent
  }

  /**
   * A fork that takes its time: what the parent stored to these pages since it began is the child's too, and no longer
   * the parent's alone.
   */
  inherit(parent: number, child: number, vpn: number, pages: number): void {
    this.family.forkGoesOn(parent)
    let changed = false
    for (let at = vpn; at < vpn + pages; at++) {
      const id = this.pages.get(parent, at)
      if (this.pages.get(child, at) === id) continue
      this.pages.set(child, at, id)
      this.#lazyfree.set(child, at, this.#lazyfree.get(parent, at))
      changed = true
    }
    if (!changed) return
    const { nextAlias, nextBlank } = this.identities
    this.family.share(parent, child, this.tokens.fork(parent), nextAlias, nextBlank)
  }

  /** Nothing is left of the address space, nor of the references that the process held. */
  exec(mm: number): void {
    this.pages.drop(mm)
    this.#lazyfree.drop(mm)
    this.pins.drop(mm)
    this.userfaults.drop(mm)
    this.objects.drop(mm)
    this.tables.drop(mm)
    this.#moves.drop(mm)
  }

  exit(mm: number): void {
    this.exec(mm)
    this.family.exit(mm)
    if (!this.#merges.none) this.#merges.prune((member) => this.family.newest(member) < 0)
  }

  mmap(mm: number, vpn: number, pages: number, kind: number, object: number, pgoff: number): void {
    this.pages.reserve(pages)
    this.objects.map(mm, vpn, pages, kind, object, pgoff)
    this.#showObjects(mm, vpn, pages)
  }

  munmap(mm: number, vpn: number, pages: number): void {
    this.#leavePins(mm, vpn, pages)
    this.pages.clear(mm, vpn, pages)
    this.userfaults.clear(mm, vpn, pages)
    this.objects.unmap(mm, vpn, pages)
    this.#moves.unmap(mm, vpn, pages)
  }

  dontneed(mm: number, vpn: number, pages: number): void {
    this.#leavePins(mm, vpn, pages)
    this.pages.clear(mm, vpn, pages)
    this.userfaults.dontneed(mm, vpn, pages)
    this.#showObjects(mm, vpn, pages)
  }

  lazyfree(mm: number, vpn: number, pages: number): void {
    for (let at = vpn; at < vpn + pages; at++) {
      this.#lazyfree.set(mm, at, this.content(this.pages.get(mm, at)))
    }
  }

  /**
   * What was stored after MADV_FREE may not be dropped: whoever loads the page will miss it, and find what is shown where
   * there is no page; pins are left with the one that was there.
   */
  dropped(mm: number, vpn: number): void {
    const id = this.pages.get(mm, vpn)
    const content = this.content(id)
    if (content === 0 || content === this.#lazyfree.get(mm, vpn)) this.dontneed(mm, vpn, 1)
    else {
      this.pins.copied(mm, vpn, this.identities.frame(id), null)
      this.#lose(mm, vpn, content)
    }
  }

  /** The page's content is gone, and what is shown where there is no page is in its place. */
  #lose(mm: number, vpn: number, content: number): void {
    const shown = this.objects.mapped(mm) ? this.objects.identity(mm, vpn) : 0
    this.pages.set(mm, vpn, this.identities.astray(content, shown, this.content(shown)))
    this.#anyLost = true
  }

  /** Pins of the page were left behind when it became this process's own; what they show is its own zeroes still. */
  zeroed(mm: number, vpn: number, pages: number): void {
    for (let at = vpn; at < vpn + pages; at++) {
      const content = this.content(this.pages.get(mm, at))
      if (content === 0) this.pages.set(mm, at, 0)
      else this.#lose(mm, at, content)
    }
  }

  mremap(mm: number, vpn: number, pages: number, to: number): void {
    for (let i = 0; i < pages; i++) {
      this.pages.set(mm, to + i, this.pages.get(mm, vpn + i))
      this.#lazyfree.set(mm, to + i, this.#lazyfree.get(mm, vpn + i))
      this.pins.moved(mm, vpn + i, to + i)
    }
    this.pages.clear(mm, vpn, pages)
    // move_ptes() clears the protection of an area whose manager does not follow the move.
    this.userfaults.clear(mm, vpn, pages)
    this.objects.move(mm, vpn, pages, to)
    this.#moves.move(mm, vpn, pages, to)
  }

  /** A reference to store through is only taken on pages that are there, if only full of zeroes. */
  pin(id: number, mm: number, vpn: number, pages: number, hold: number, event: number): void {
    if (hold === HOLD_GET_WRITE || hold === HOLD_PIN_WRITE) {
      let at = this.pages.firstEmpty(mm, vpn, vpn + pages)
      while (at < vpn + pages) {
        this.separate(mm, at, 1, null)
        at = this.pages.firstEmpty(mm, at + 1, vpn + pages)
      }
      for (at = vpn; this.#anyLost && at < vpn + pages; at++) {
        if (this.#isLost(this.pages.get(mm, at))) this.separate(mm, at, 1, null)
      }
    }
    this.pins.add(id, mm, vpn, pages, hold, event, this.family.forks(mm))
  }

  /** Only pages that are there can be protected: a hole is filled without an event. */
  protect(mm: number, vpn: number, pages: number, on: boolean): void {
    for (let at = vpn; at < vpn + pages; at++) {
      const id = this.pages.get(mm, at)
      this.userfaults.protect(mm, at, on && id !== 0 && !this.#isLost(id))
    }
  }

  /** Does the registration promise an event for the access of event `event` to the page, which comes without one? */
  promisesEvent(mm: number, vpn: number, id: number, event: number): boolean {
    const modes = this.userfaults.awaited(mm, vpn)
    if (modes === 0) return false
    if (!this.objects.isShared(id)) return true
    return this.objects.promisesEvent(id, modes, event)
  }

  /** What a load of a page of this identity should find. */
  content(id: number): number {
    return id < 0 ? this.objects.content(id) : this.identities.content(id)
  }

  /** What it is going to find: something else where a device's store did not reach the page. */
  found(id: number): number {
    return id < 0 ? this.objects.content(id) : this.identities.found(id)
  }

  /** The identity of a physical copy. */
  copyOf(id: number): number {
    return this.identities.copy(this.content(id), this.found(id))
  }

  /** The relative that shared a page with the process last; negative: none. */
  sharer(mm: number): number {
    return this.#sharer[mm]!
  }

  /** Family.heir(), as long as every page is where it was. */
  heir(mm: number): number {
    return this.#moves.none ? this.family.heir(mm) : -1
  }

  /**
   * The sole user (results/README.md): no other process reaches the page, by a mapping, a swap entry or a table, and no reference
   * is held on behalf of another one. `id` is the page's identity. A page that is not there is nobody else's.
   */
  isSole(mm: number, vpn: number, id: number): boolean {
    if (id <= 0) return id === 0
    if (this.#isLost(id)) return this.identities.frame(id) === 0
    const { family } = this
    // Nearly always the process stored to the page after its last fork, or has it from the relative that shared the
    // last one with it, or has no relatives any more.
    if (this.#merges.none) {
      if (id < ALIASES && id >= family.ownTokens[mm]!) return true
      if (family.isLast(mm) && this.pins.noneLeft) return true
    }
    const sharer = this.#sharer[mm]!
    if (family.isAlive(sharer) && this.pages.get(sharer, vpn) === id) return false
    const frame = this.identities.frame(id)
    const merged = this.#merges.has(frame)
    if (!merged && this.family.isOwn(mm, frame)) return true
    if (this.pins.heldByOther(frame, mm)) return false
    return !(merged ? this.#mergedElsewhere(mm, vpn, frame) : this.#relativeHas(mm, vpn, frame))
  }

  #isLost(id: number): boolean {
    return this.#anyLost && isAlias(id) && this.identities.frame(id) <= 0
  }

  /** Tokens from here on name pages that only this process can have. */
  ownFrom(mm: number): number {
    if (!this.#merges.none) return ALIASES
    return this.family.isLast(mm) && this.pins.noneLeft ? 1 : this.family.ownTokens[mm]!
  }

  /** Was the page last stored to since the process's last fork, so that nobody else has it? Of what is merged: no. */
  isOwnToken(mm: number, id: number): boolean {
    return id < ALIASES && id >= this.family.ownTokens[mm]! && this.#merges.none
  }

  /**
   * The process goes on with a physical copy of its own, of the same content; pins stay with the old frame. A page
   * that nobody else can have needs no new name, unless a pin keeps the old frame apart from it.
   */
  separate(mm: number, vpn: number, pages: number, cause: Cause | null): void {
    for (let at = vpn; at < vpn + pages; at++) {
      const id = this.pages.get(mm, at)
      const frame = this.identities.frame(id)
      const left = this.pins.copied(mm, at, frame, cause)
      if (left || id !== frame || id <= 0 || !this.family.isOwn(mm, id) || this.#merges.has(id)) {
        this.pages.set(mm, at, this.copyOf(id))
      }
    }
  }

  /**
   * One physical page from now on, the first: all get names of its frame, which relatives may have without being merged.
   * Where a load should find something else than is there, it still should.
   */
  merge(pairs: readonly number[]): void {
    const { identities, pages } = this
    const first = pages.get(pairs[0]!, pairs[1]!)
    const found = this.found(first)
    const own = identities.frame(first)
    const frame = own > 0 ? own : identities.frame(this.copyOf(first))
    const known = this.#merges.has(frame)
    for (let i = 0; i < pairs.length; i += 2) {
      const mm = pairs[i]!
      const vpn = pairs[i + 1]!
      const id = pages.get(mm, vpn)
      if (known && identities.frame(id) === frame) continue
      pages.set(mm, vpn, identities.astray(this.content(id), frame, found))
      this.#merges.add(frame, mm, this.#moves.home(mm, vpn))
    }
  }

  /** No reference, userfault or merge anywhere: a page's identity says all there is to know of it. */
  get plain(): boolean {
    return this.pins.none && this.plainButPins
  }

  /** No userfault or merge anywhere. */
  get plainButPins(): boolean {
    return this.userfaults.none && this.#merges.none
  }

  /** Has everything been given back, as it must be after every process has exited? */
  get idle(): boolean {
    const { pages, userfaults, pins, tables, family } = this
    return (
      family.living === 0 &&
      pages.used === 0 &&
      this.#lazyfree.used === 0 &&
      userfaults.none &&
      pins.none &&
      tables.none &&
      this.#merges.none &&
      this.#moves.none
    )
  }

  #open(mm: number): void {
    this.pages.open(mm)
    this.#lazyfree.open(mm)
    this.userfaults.open(mm)
    this.pins.open(mm)
    this.tokens.open(mm)
    this.#sharer[mm] = -1
  }

  #showObjects(mm: number, vpn: number, pages: number): void {
    if (!this.objects.mapped(mm)) return
    for (let at = vpn; at < vpn + pages; at++) {
      const id = this.objects.identity(mm, at)
      if (id !== 0) this.pages.set(mm, at, id)
    }
  }

  #leavePins(mm: number, vpn: number, pages: number): void {
    if (!this.pins.holds(mm)) return
    for (let at = vpn; at < vpn + pages; at++) {
      this.pins.unmapped(mm, at, this.identities.frame(this.pages.get(mm, at)))
    }
  }

  /** Whoever shared a page with the process last is the likeliest to share the next one. */
  #relativeHas(mm: number, vpn: number, frame: number): boolean {
    const { family } = this
    const sharer = this.#sharer[mm]!
    if (family.isAlive(sharer) && this.#has(sharer, mm, vpn, frame)) return true
    for (let relative = family.newest(mm); relative >= 0; relative = family.older(relative)) {
      if (relative === mm || relative === sharer || !this.#has(relative, mm, vpn, frame)) continue
      this.#sharer[mm] = relative
      return true
    }
    return false
  }

  /** Does the relative have the frame that `mm` has at `vpn`? */
  #has(relative: number, mm: number, vpn: number, frame: number): boolean {
    const { identities, pages } = this
    if (this.#moves.none) return identities.frame(pages.get(relative, vpn)) === frame
    const places = this.#moves.places(relative, this.#moves.home(mm, vpn))
    return places.some((place) => identities.frame(pages.get(relative, place)) === frame)
  }

  /** Does any other page still have the merged frame, of this process or of another one? */
  #mergedElsewhere(mm: number, vpn: number, frame: number): boolean {
    const { family, identities, pages } = this
    return this.#merges.some(frame, (member, home) => {
      for (let other = family.newest(member); other >= 0; other = family.older(other)) {
        for (const place of this.#moves.places(other, home)) {
          if (other === mm && place === vpn) continue
          if (identities.frame(pages.get(other, place)) === frame) return true
        }
      }
      return false
    })
  }
}
