/**
 * SwapSlots: for each slot, how many page-table entries name it, which page caches it, and which bytes it holds.
 */
import { grown } from './frames.ts'

/** Where an anonymous page is mapped, whoever maps it: page->mapping, reduced to its root, and page->index. */
export interface AnonPlace {
  readonly root: number
  readonly index: number
}

export class SwapSlots {
  /** swap_map count: swap entries in page tables. */
  count: Int32Array = new Int32Array(1024)
  /** Frame in the swapcache, 0 for none (SWAP_HAS_CACHE keeps the slot while there is one). */
  cached: Int32Array = new Int32Array(1024)
  token: Int32Array = new Int32Array(1024)
  /**
   * Slots that a KSM page was written to, whose entries are not all for one place; with the place of the page that was
   * read back from there, once it is mapped.
   */
  readonly merged: Map<number, AnonPlace | undefined> = new Map()
  used = 0
  /** Slot 0 is never handed out. */
  #next = 1
  /** Free slots, the last one freed last. */
  #free: Int32Array = new Int32Array(1024)
  #freeCount = 0

  get end(): number {
    return this.#next
  }

  /** Forgets every slot; those below `end` count as handed out and hold nothing. */
  restart(end: number): void {
    const { count, cached, token } = this
    for (let slot = 1; slot < this.#next; slot++) {
      count[slot] = 0
      cached[slot] = 0
      token[slot] = 0
    }
    this.merged.clear()
    this.#freeCount = 0
    this.#next = end
    this.used = end - 1
  }

  alloc(token: number): number {
    if (this.#freeCount === 0 && this.#next === this.count.length) this.#grow()
    const slot = this.#freeCount === 0 ? this.#next++ : this.#free[--this.#freeCount]!
    this.token[slot] = token
    this.used++
    return slot
  }

  /** Makes room for so many slots more: until they are handed out, the columns stay what they are. */
  reserve(slots: number): void {
    while (this.count.length - this.#next + this.#freeCount < slots) this.#grow()
  }

  /** swap_duplicate(). */
  duplicate(slot: number): void {
    this.count[slot]!++
  }

  /** swap_free(): one entry less. */
  put(slot: number): void {
    this.count[slot]!--
    this.freeIfUnused(slot)
  }

  freeIfUnused(slot: number): void {
    if (this.count[slot] === 0 && this.cached[slot] === 0) this.release(slot)
  }

  /** Frees a slot that no page caches, and that no entry names from now on. */
  release(slot: number): void {
    this.count[slot] = 0
    if (this.merged.size > 0) this.merged.delete(slot)
    this.#free[this.#freeCount++] = slot
    this.used--
  }

  #grow(): void {
    const length = 2 * this.count.length
    this.count = grown(this.count, length)
    this.cached = grown(this.cached, length)
    this.token = grown(this.token, length)
    this.#free = grown(this.#free, length)
  }
}
