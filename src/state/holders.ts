/**
 * Holders: the pins that hold each frame (by its own number, also inside a large folio), as a list for each.
 */
import { grown } from './frames.ts'

/** A reference that a process holds on pages outside its page tables. */
export interface Pin {
  readonly id: number
  /** Process that took it. */
  readonly mm: number
  readonly vpn: number
  /** FOLL_PIN rather than FOLL_GET. */
  readonly follPin: boolean
  readonly write: boolean
  /** Its pages are dirty when they are given back. */
  readonly dirties: boolean
  /** The frame of each page. */
  readonly frames: Int32Array
}

type Changing<T> = { -readonly [K in keyof T]: T[K] }

/** No node: the end of a list. */
const NONE = 0

export class Holders {
  /** By frame: the node of the latest pin. */
  #first: Int32Array = new Int32Array(64)
  /** By node: the one before it, or the next free one; the frame; and the pin. */
  #next: Int32Array = new Int32Array(16)
  #frame: Int32Array = new Int32Array(16)
  readonly #pin: (Pin | undefined)[] = [undefined]
  #end = 1
  #free = NONE
  /**
   * The latest pins, oldest first, that are in no list yet: most are given back before anybody asks who holds a frame.
   */
  readonly #unlisted: Pin[] = []
  /** By number of pages: pins that were given back. */
  readonly #spare: Changing<Pin>[][] = []

  /** A pin whose frames are not known yet. */
  newPin(
    id: number,
    mm: number,
    vpn: number,
    pages: number,
    follPin: boolean,
    write: boolean,
    dirties: boolean,
  ): Pin {
    const pin = this.#spare[pages]?.pop()
    if (pin === undefined) {
      return { id, mm, vpn, follPin, write, dirties, frames: new Int32Array(pages) }
    }
    pin.id = id
    pin.mm = mm
    pin.vpn = vpn
    pin.follPin = follPin
    pin.write = write
    pin.dirties = dirties
    return pin
  }

  /** The pin, which holds no frame any more, may become another one. */
  recycle(pin: Pin): void {
    const pages = pin.frames.length
    const spare = this.#spare[pages]
    if (spare === undefined) this.#spare[pages] = [pin]
    else spare.push(pin)
  }

  /** Forgets every pin. */
  clear(): void {
    this.#unlisted.length = 0
    for (let node = 1; node < this.#end; node++) this.#first[this.#frame[node]!] = NONE
    this.#end = 1
    this.#free = NONE
  }

  add(pfn: number, pin: Pin): void {
    this.#listAll()
    this.#list(pfn, pin)
  }

  /** The pin holds its frames with index `from` to `end` (exclusive). */
  addPages(pin: Pin, from: number, end: number): void {
    if (end - from === pin.frames.length) this.#unlisted.push(pin)
    else for (let i = from; i < end; i++) this.add(pin.frames[i]!, pin)
  }

  /** The pin holds none of its frames any more. */
  removePages(pin: Pin): void {
    const unlisted = this.#unlisted
    if (unlisted.length > 0 && unlisted[unlisted.length - 1] === pin) unlisted.pop()
    else for (let i = 0; i < pin.frames.length; i++) this.remove(pin.frames[i]!, pin)
  }

  /** The pin holds the frame once less, if it does. */
  remove(pfn: number, pin: Pin): void {
    let before = NONE
    for (let node = this.first(pfn); node !== NONE; node = this.#next[node]!) {
      if (this.#pin[node] !== pin) {
        before = node
        continue
      }
      const after = this.#next[node]!
      if (before === NONE) this.#first[pfn] = after
      else this.#next[before] = after
      this.#pin[node] = undefined
      this.#next[node] = this.#free
      this.#free = node
      return
    }
  }

  /** The node of the frame's latest pin, and of the one before each; 0: none. */
  first(pfn: number): number {
    this.#listAll()
    return pfn < this.#first.length ? this.#first[pfn]! : NONE
  }
  next(node: number): number {
    return this.#next[node]!
  }
  pin(node: number): Pin {
    return this.#pin[node] as Pin
  }

  /** The pins of a frame, in the order in which they were taken. */
  of(pfn: number): Pin[] {
    const pins: Pin[] = []
    for (let node = this.first(pfn); node !== NONE; node = this.next(node))
      pins.push(this.pin(node))
    return pins.reverse()
  }

  #listAll(): void {
    if (this.#unlisted.length === 0) return
    for (const pin of this.#unlisted) for (const pfn of pin.frames) this.#list(pfn, pin)
    this.#unlisted.length = 0
  }

  #list(pfn: number, pin: Pin): void {
    if (pfn >= this.#first.length) this.#first = grown(this.#first, 2 * pfn)
    const node = this.#take()
    this.#next[node] = this.#first[pfn]!
    this.#first[pfn] = node
    this.#frame[node] = pfn
    this.#pin[node] = pin
  }

  #take(): number {
    const recycled = this.#free
    if (recycled !== NONE) {
      this.#free = this.#next[recycled]!
      return recycled
    }
    const node = this.#end++
    if (node === this.#next.length) {
      this.#next = grown(this.#next, 2 * node)
      this.#frame = grown(this.#frame, 2 * node)
    }
    return node
  }
}
