/**
 * Visited: the states that were met, by a 64-bit hash of their lists. Two states of one hash would be taken for one:
 * among 10 million states that has a chance of about 3 in a million.
 */

const EMPTY = 0

export class Visited {
  #slots: Int32Array<ArrayBuffer>
  #mask: number
  count = 0
  /** Hash of the list that was looked at last. */
  #high = 0
  #low = 0

  constructor(slots = 1 << 16) {
    this.#slots = new Int32Array(2 * slots)
    this.#mask = slots - 1
  }

  get bytes(): number {
    return this.#slots.byteLength
  }

  /** Adds the list. Returns whether it was not there before. */
  add(list: Int32Array, length: number): boolean {
    this.#hash(list, length)
    if (2 * this.count > this.#mask) this.#grow()
    return this.#insert(this.#high, this.#low)
  }

  #insert(high: number, low: number): boolean {
    const slots = this.#slots
    for (let at = low & this.#mask; ; at = (at + 1) & this.#mask) {
      const there = slots[2 * at]!
      if (there === EMPTY) {
        slots[2 * at] = high
        slots[2 * at + 1] = low
        this.count++
        return true
      }
      if (there === high && slots[2 * at + 1] === low) return false
    }
  }

  #hash(list: Int32Array, length: number): void {
    let a = 0x243f6a88 ^ length
    let b = 0x85a308d3
    for (let i = 0; i < length; i++) {
      const word = list[i]!
      a = Math.imul(a ^ word, 0x85ebca6b)
      a ^= a >>> 15
      b = Math.imul(b + word, 0xc2b2ae35) ^ (b >>> 13)
    }
    a = Math.imul(a ^ (b >>> 16), 0x9e3779b1)
    b = Math.imul(b ^ (b >>> 15) ^ a, 0x27d4eb2f)
    this.#high = (a ^ (a >>> 16)) | 0 || 1
    this.#low = b ^ (b >>> 15)
  }

  #grow(): void {
    const old = this.#slots
    const slots = old.length
    this.#slots = new Int32Array(2 * slots)
    this.#mask = slots - 1
    this.count = 0
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== EMPTY) this.#insert(old[i]!, old[i + 1]!)
    }
  }
}
