/**
 * rng-field: random bits by place instead of by order: what a place yields does not depend on which others were asked, so
 * that simulations that take different turns still meet the same chances. A leaf, and 32-bit integer operations only.
 */

const TWO_32 = 2 ** 32

export class RngField {
  readonly #key: number

  /** Fields of different seeds or different names are independent. `seed` is a whole number from 0 to 2^53 - 1. */
  constructor(seed: number, name: string) {
    this.#key = hash(seed, name, 5)
  }

  /** 32 random bits, from 0 to 2^32 - 1, that belong to the pair of whole numbers (both modulo 2^32). */
  at(a: number, b: number): number {
    return finish(mix(mix(this.#key, a), b)) >>> 0
  }
}

/** MurmurHash3's round, for one word. */
function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  h ^= Math.imul(k, 0x1b873593)
  h = (h << 13) | (h >>> 19)
  return (Math.imul(h, 5) + 0xe6546b64) | 0
}

/** MurmurHash3's finisher. */
function finish(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** FNV-1a over the seed and the name, then MurmurHash3's finisher, so that close seeds give unlike states. */
export function hash(seed: number, name: string, lane: number): number {
  let h = Math.imul(lane, 0x9e3779b9) ^ 0x811c9dc5
  const fold = (word: number): void => {
    h = Math.imul(h ^ word, 0x01000193)
    h ^= h >>> 15
  }
  fold(seed % TWO_32)
  fold(Math.floor(seed / TWO_32))
  for (let i = 0; i < name.length; i++) fold(name.charCodeAt(i))
  return finish(h)
}
