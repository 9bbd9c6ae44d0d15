/**
 * SwapSlots: for each slot, how many page-table entries name it, which page caches it, and which bytes it holds.
 */
import { grown } from './frames.ts'

export class SwapSlots {
  /** swap_map count: swap entries in page tables. */
  count: Int32Array = new Int32Array(1024)
  /** Frame in the swapcache, 0 for none (SWAP_HAS_CACHE keeps the slot while there is one). */
  cached: Int32Array = new Int32Array(1024)
  token: Int32Array = new Int32Array(1024)
  used = 0
  /** Slot 0 is never handed out. */
  #next = 1
  readonly #free: number[] = []

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
    while (this.#free.length > 0) this.#free.pop()
    this.#next = end
    this.used = end - 1
  }

  alloc(token: number): number {
    const slot = this.#free.pop() ?? this.#bump()
    this.token[slot] = token
    this.used++
    return slot
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
    if (this.count[slot] !== 0 || this.cached[slot] !== 0) return
    this.#free.push(slot)
    this.used--
  }

  #bump(): number {
    if (this.#next === this.count.length) {
      const length = 2 * this.count.length
      this.count = grown(this.count, length)
      this.cached = grown(this.cached, length)
      this.token = grown(this.token, length)
    }
    return this.#next++
  }
}
