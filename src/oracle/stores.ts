/**
 * stores: what a store makes of a page. It hits a frame of the process's own, or one that others see as well.
 *
 * The hot path is a store to a page that nobody else can have: one look at its identity and a new token.
 */
import { REUSE, SITE_FORK } from '../policy/verdict.ts'
import { ALIASES } from './identities.ts'
import type { Ledger } from './ledger.ts'
import { checkAccess, recordLostEvent } from './lost-events.ts'
import { ATTACHED, COPIED, type Pin } from './pins.ts'
import type { Shadow } from './shadow.ts'

export const NONE = -1

export class Stores {
  readonly #shadow: Shadow
  readonly #ledger: Ledger
  /** The page that the last verdict was about, if a store may follow: it goes to a frame of the process's own. */
  #awaitedMm = NONE
  #awaitedVpn = NONE
  /** That frame is a copy: if no store follows, the page needs a new name all the same. */
  #copied = false

  constructor(shadow: Shadow, ledger: Ledger) {
    this.#shadow = shadow
    this.#ledger = ledger
  }

  /** A store by the process: the token that stands for it. */
  store(mm: number, vpn: number): number {
    const { pages, family, userfaults, tokens } = this.#shadow
    const at = pages.ownPosition(mm, vpn)
    const name = pages.arena[at]!
    const own =
      this.#awaitedMm === NONE
        ? name < ALIASES && (name >= family.ownTokens[mm]! || this.#isSole(mm, vpn, name))
        : name > 0 && this.#awaitedMm === mm && this.#awaitedVpn === vpn
    if (own && userfaults.none) {
      this.#awaitedMm = NONE
      const token = tokens.store(mm)
      pages.arena[at] = token
      return token
    }
    const id = pages.get(mm, vpn)
    this.#checkEvents(mm, vpn, id)
    if (this.#shadow.objects.isShared(id)) return this.#storeToObject(id)
    const token = tokens.store(mm)
    this.#storeToPage(mm, vpn, token, token)
    return token
  }

  /** Out of line: nearly every page was stored to since the last fork. */
  #isSole(mm: number, vpn: number, name: number): boolean {
    return name > 0 && this.#shadow.isSole(mm, vpn, name)
  }

  /** A store of bytes that are known by number: equal bytes have equal tokens, in frames of their own. */
  storeSame(mm: number, vpn: number, content: number): number {
    const { identities, objects, pages, tokens } = this.#shadow
    const token = tokens.content(mm, content)
    const id = pages.get(mm, vpn)
    this.#checkEvents(mm, vpn, id)
    if (objects.isShared(id)) {
      tokens.publish(token)
      objects.store(id, token)
      return token
    }
    this.#storeToPage(mm, vpn, token, identities.copy(token, token))
    return token
  }

  /** A store by a device, through page `index` of a pin, whose owner answers for it. */
  storeThroughPin(pinId: number, index: number): number {
    this.settle()
    const { family, identities, objects, pages, pins, tokens } = this.#shadow
    const pin = pins.get(pinId)
    const node = pin.node + index
    const { mm } = pin
    const vpn = pins.vpn(node)
    const state = pins.state(node)
    const id = pages.get(mm, vpn)
    if (state === ATTACHED && this.#shadow.isOwnToken(mm, id)) {
      const token = pins.promised(pin, family.forks(mm)) ? tokens.device(mm) : tokens.store(mm)
      pages.set(mm, vpn, token)
      return token
    }
    const frame = state === ATTACHED ? identities.frame(id) : pins.frame(node)
    if (objects.isShared(frame)) return this.#storeToObject(frame)
    const promised = pins.promised(pin, family.forks(mm))
    const token = promised ? tokens.device(mm) : tokens.store(mm)
    if (state === ATTACHED && id > 0) {
      const sole = this.#shadow.isSole(mm, vpn, id)
      if (!sole) this.#blameFork(pin, vpn, frame)
      if (sole && id < ALIASES) pages.set(mm, vpn, token)
      else this.#storeInPlace(mm, vpn, token, id, token)
    } else {
      this.#storeAstray(mm, vpn, token, node, promised && state === COPIED)
    }
    return token
  }

  /** A verdict gave the process a frame of its own, in place or as a copy; a store follows, or nothing. */
  expect(mm: number, vpn: number, copied: boolean): void {
    this.#awaitedMm = mm
    this.#awaitedVpn = vpn
    this.#copied = copied
  }

  /** Does no verdict wait for its store? */
  get settled(): boolean {
    return this.#awaitedMm === NONE
  }

  /** No store followed the verdict: a write fault for a pin. */
  settle(): void {
    if (this.#awaitedMm === NONE) return
    const { pages } = this.#shadow
    const mm = this.#awaitedMm
    const vpn = this.#awaitedVpn
    this.#awaitedMm = NONE
    if (this.#copied) pages.set(mm, vpn, this.#shadow.copyOf(pages.get(mm, vpn)))
  }

  /** `name` is the page's identity after the store, if the frame is its own. */
  #storeToPage(mm: number, vpn: number, token: number, name: number): void {
    const { pages, pins } = this.#shadow
    if (this.#awaitedMm === mm && this.#awaitedVpn === vpn) {
      this.#awaitedMm = NONE
      pages.set(mm, vpn, name)
      return
    }
    this.settle()
    const id = pages.get(mm, vpn)
    if (id <= 0) {
      // The zero page and pages of files are never written: pins on them stay where they are.
      pins.copied(mm, vpn, id, null)
      pages.set(mm, vpn, name)
      return
    }
    this.#storeInPlace(mm, vpn, token, id, name)
  }

  /** A frame that others share keeps its name: they are going to see this store. */
  #storeInPlace(mm: number, vpn: number, token: number, id: number, name: number): void {
    const { family, identities, pages } = this.#shadow
    if (identities.isShared(id)) {
      if (family.isOwn(mm, id)) identities.restamp(id, token, token)
      else pages.set(mm, vpn, identities.inPlace(token, identities.frame(id)))
    } else if (this.#shadow.isSole(mm, vpn, id)) {
      pages.set(mm, vpn, name)
    } else {
      pages.set(mm, vpn, identities.inPlace(token, identities.frame(id)))
    }
  }

  /** The store reached a frame that the owner does not map. If it was promised to see it, it still should. */
  #storeAstray(mm: number, vpn: number, token: number, node: number, promised: boolean): void {
    const { family, identities, pages, pins } = this.#shadow
    const cause = pins.cause(node)
    if (cause !== null) this.#ledger.remember(pins.frame(node), cause)
    if (!promised) return
    if (cause !== null) this.#ledger.remember(token, cause)
    const id = pages.get(mm, vpn)
    const found = this.#shadow.found(id)
    if (identities.isAstray(id) && family.isOwn(mm, id)) identities.restamp(id, token, found)
    else pages.set(mm, vpn, identities.astray(token, identities.frame(id), found))
  }

  #storeToObject(id: number): number {
    const token = this.#shadow.tokens.shared()
    this.#shadow.objects.store(id, token)
    return token
  }

  /** A device is about to store where others can see it: some fork shared the page in spite of the pin. */
  #blameFork(pin: Pin, vpn: number, frame: number): void {
    const { mm } = pin
    const { family } = this.#shadow
    if (family.forks(mm) === pin.forks || this.#ledger.cause(frame, mm)?.mm === mm) return
    const event = family.lastFork(mm)
    this.#ledger.remember(frame, { event, mm, vpn, site: SITE_FORK, verdict: REUSE })
  }

  /** The manager must have provided the page, and let the store through, where userfaultfd promises it that. */
  #checkEvents(mm: number, vpn: number, id: number): void {
    const { userfaults } = this.#shadow
    if (userfaults.none) return
    checkAccess(this.#shadow, this.#ledger, mm, vpn, id)
    if (!userfaults.isProtected(mm, vpn)) return
    // Once for each protection: whether later stores are told depends on the mechanism.
    userfaults.protect(mm, vpn, false)
    recordLostEvent(this.#shadow, this.#ledger, 'lost_event', mm, vpn, id)
  }
}
