/**
 * pins: references that outlive mappings. For every pinned page they know whether its owner still maps the frame, and
 * if not, which frame the pin is left with.
 */
import { ById } from '../trace/by-id.ts'
import { HOLD_GET_RO, HOLD_GET_WRITE, HOLD_PIN_RO, HOLD_PIN_WRITE } from '../trace/observed.ts'
import { FIRST_LENGTH, grown } from './column.ts'
import type { Cause } from './judge.ts'
import { PageMap } from './page-map.ts'

export interface Pin {
  readonly id: number
  readonly mm: number
  /** HOLD_*. */
  readonly hold: number
  readonly event: number
  /** How often its owner had forked when it was taken. */
  readonly forks: number
  /** Where its first page was when it was taken. */
  readonly vpn: number
  readonly pages: number
  /** The record of its first page; those of the others follow. */
  readonly node: number
  /** Its pages are still where they were taken, and its owner maps them. */
  readonly whole: boolean
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

/** The owner maps the pinned frame: what one stores the other sees. */
export const ATTACHED = 0
/** The owner was given a copy, and the pin stayed with the old frame. */
export const COPIED = 1
/** The owner unmapped the page or gave it up: the pinned address promises nothing any more. */
export const UNMAPPED = 2

/** So many pins are looked through one by one. */
const FEW = 8

function isFollPin({ hold }: Pin): boolean {
  return hold === HOLD_PIN_RO || hold === HOLD_PIN_WRITE
}

export class Pins {
  readonly #pins = new ById<Pin>()
  /** The one that was asked for last: there is more than one question about each. */
  #last: Pin | undefined
  /** By number of pages: pins that were given back, with their nodes. */
  readonly #spare: Changing<Pin>[][] = []
  /** By page of the owner: the first node of those that pin it; 0: none. */
  readonly #nodes = new PageMap()
  /** By process: pins that it holds. */
  #held = new Int32Array(FIRST_LENGTH)
  /** By node: the next one of the same page, the page, the state, the frame left with. */
  #next = new Int32Array(FIRST_LENGTH)
  #vpn = new Int32Array(FIRST_LENGTH)
  #state = new Int32Array(FIRST_LENGTH)
  #frame = new Int32Array(FIRST_LENGTH)
  readonly #owner: Changing<Pin>[] = []
  readonly #cause: (Cause | null)[] = []
  #end = 1
  /**
   * The latest pins, oldest first, whose pages are in no list yet: most are given back before anybody asks who pins a page.
   */
  readonly #unlisted: Pin[] = []
  /** Nodes by the frame that they are left with. */
  readonly #left = new Map<number, number[]>()

  open(mm: number): void {
    if (mm >= this.#held.length) this.#held = grown(this.#held, mm)
    this.#nodes.open(mm)
  }

  get none(): boolean {
    return this.#pins.size === 0
  }

  holds(mm: number): boolean {
    return this.#held[mm] !== 0
  }

  /** Is there no reference on a frame that its owner does not map? */
  get noneLeft(): boolean {
    return this.#left.size === 0
  }

  get(id: number): Pin {
    this.#listAll()
    return this.find(id)
  }

  /** The same, not to look at its nodes. */
  find(id: number): Pin {
    if (this.#last?.id === id) return this.#last
    const pin = this.#pins.get(id)
    if (pin === undefined) throw new RangeError(`unknown pin: ${id}`)
    this.#last = pin
    return pin
  }

  add(
    id: number,
    mm: number,
    vpn: number,
    pages: number,
    hold: number,
    event: number,
    forks: number,
  ): void {
    const pin = this.#newPin(id, mm, vpn, pages, hold, event, forks)
    this.#pins.set(id, pin)
    this.#held[mm]!++
    this.#unlisted.push(pin)
  }

  remove(id: number): void {
    const pin = this.find(id)
    const unlisted = this.#unlisted
    if (unlisted.length > 0 && unlisted[unlisted.length - 1] === pin) unlisted.pop()
    else this.#unlist(pin)
    this.#pins.delete(id)
    this.#last = undefined
    const spare = this.#spare[pin.pages]
    if (spare === undefined) this.#spare[pin.pages] = [pin]
    else spare.push(pin)
    this.#held[pin.mm]!--
  }

  /** exit and exec drop every reference that the process holds. */
  drop(mm: number): void {
    if (this.holds(mm)) {
      for (const pin of this.#pins.values()) if (pin.mm === mm) this.remove(pin.id)
    }
    this.#nodes.drop(mm)
  }

  /** The address of a pinned page now; its state; the frame, where it is not the owner's; and the copy that left it. */
  vpn(node: number): number {
    return this.#vpn[node]!
  }
  state(node: number): number {
    return this.#state[node]!
  }
  frame(node: number): number {
    return this.#frame[node]!
  }
  cause(node: number): Cause | null {
    return this.#cause[node]!
  }

  /** The owner goes on with a copy; the pins of the page stay with `frame`. Returns whether there are any. */
  copied(mm: number, vpn: number, frame: number, cause: Cause | null): boolean {
    if (this.#held[mm] === 0) return false
    this.#listAll()
    let any = false
    for (let node = this.#nodes.get(mm, vpn); node !== 0; node = this.#next[node]!) {
      if (this.#state[node] !== ATTACHED) continue
      this.#leave(node, COPIED, frame)
      this.#cause[node] = cause
      any = true
    }
    return any
  }

  unmapped(mm: number, vpn: number, frame: number): void {
    if (this.#held[mm] === 0) return
    this.#listAll()
    for (let node = this.#nodes.get(mm, vpn); node !== 0; node = this.#next[node]!) {
      if (this.#state[node] === ATTACHED) this.#leave(node, UNMAPPED, frame)
      else this.#state[node] = UNMAPPED
    }
    this.#nodes.set(mm, vpn, 0)
  }

  /** The references follow the page to its new address. */
  moved(mm: number, from: number, to: number): void {
    if (this.#held[mm] === 0) return
    this.#listAll()
    const first = this.#nodes.get(mm, from)
    for (let node = first; node !== 0; node = this.#next[node]!) {
      this.#vpn[node] = to
      this.#owner[node]!.whole = false
    }
    this.#nodes.set(mm, from, 0)
    this.#nodes.set(mm, to, first)
  }

  /** Does a process other than `mm` hold a reference on a frame that it does not map itself? */
  heldByOther(frame: number, mm: number): boolean {
    if (this.#left.size === 0) return false
    const nodes = this.#left.get(frame)
    return nodes?.some((node) => this.#owner[node]!.mm !== mm) ?? false
  }

  /** Must the owner and the device see the same page, given how often the owner has forked by now? */
  promised(pin: Pin, forks: number): boolean {
    if (pin.hold === HOLD_GET_RO) return false
    return pin.hold !== HOLD_GET_WRITE || pin.forks === forks
  }

  /** Is the page under a reference that fork must not take away from its owner? */
  promisedAcrossFork(mm: number, vpn: number): boolean {
    if (this.#held[mm] === 0) return false
    if (this.#unlisted.length > FEW) this.#listAll()
    for (const pin of this.#unlisted) {
      if (pin.mm === mm && vpn >= pin.vpn && vpn < pin.vpn + pin.pages && isFollPin(pin))
        return true
    }
    for (let node = this.#nodes.get(mm, vpn); node !== 0; node = this.#next[node]!) {
      if (this.#state[node] === ATTACHED && isFollPin(this.#owner[node]!)) return true
    }
    return false
  }

  /** Only the zero page and objects have names that are not positive, and nobody can be told apart there. */
  #leave(node: number, state: number, frame: number): void {
    this.#state[node] = state
    this.#frame[node] = frame
    this.#owner[node]!.whole = false
    if (frame <= 0) return
    const nodes = this.#left.get(frame)
    if (nodes === undefined) this.#left.set(frame, [node])
    else nodes.push(node)
  }

  #forget(node: number): void {
    this.#cause[node] = null
    const frame = this.#frame[node]!
    const nodes = this.#left.get(frame)
    if (nodes === undefined) return
    nodes.splice(nodes.indexOf(node), 1)
    if (nodes.length === 0) this.#left.delete(frame)
  }

  #listAll(): void {
    if (this.#unlisted.length === 0) return
    for (const pin of this.#unlisted) this.#list(pin)
    this.#unlisted.length = 0
  }

  #list({ mm, vpn, pages, node: first }: Pin): void {
    for (let i = 0; i < pages; i++) {
      const node = first + i
      this.#vpn[node] = vpn + i
      this.#state[node] = ATTACHED
      this.#frame[node] = 0
      this.#next[node] = this.#nodes.get(mm, vpn + i)
      this.#nodes.set(mm, vpn + i, node)
    }
  }

  #unlist({ mm, pages, node: first }: Pin): void {
    this.#listAll()
    for (let node = first; node < first + pages; node++) {
      const state = this.#state[node]!
      if (state !== UNMAPPED) {
        const vpn = this.#vpn[node]!
        if (this.#nodes.get(mm, vpn) === node) this.#nodes.set(mm, vpn, this.#next[node]!)
        else this.#unlink(mm, node)
      }
      if (state !== ATTACHED) this.#forget(node)
    }
  }

  /** The node is not the first of its page. */
  #unlink(mm: number, node: number): void {
    let before = this.#nodes.get(mm, this.#vpn[node]!)
    while (this.#next[before] !== node) before = this.#next[before]!
    this.#next[before] = this.#next[node]!
  }

  #newPin(
    id: number,
    mm: number,
    vpn: number,
    pages: number,
    hold: number,
    event: number,
    forks: number,
  ): Pin {
    const spare = this.#spare[pages]?.pop()
    if (spare !== undefined) {
      spare.id = id
      spare.mm = mm
      spare.hold = hold
      spare.event = event
      spare.forks = forks
      spare.vpn = vpn
      spare.whole = true
      return spare
    }
    const pin = { id, mm, hold, event, forks, vpn, pages, node: this.#end, whole: true }
    this.#end += pages
    if (this.#end > this.#next.length) {
      this.#next = grown(this.#next, this.#end)
      this.#vpn = grown(this.#vpn, this.#end)
      this.#state = grown(this.#state, this.#end)
      this.#frame = grown(this.#frame, this.#end)
    }
    for (let node = pin.node; node < this.#end; node++) {
      this.#owner[node] = pin
      this.#cause[node] = null
    }
    return pin
  }
}
