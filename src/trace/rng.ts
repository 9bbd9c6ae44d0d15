/**
 * rng: seeded streams of random integers, the same on every machine, engine and Node version.
 *
 * By construction: 32-bit integer operations, and + - * / and sqrt of doubles, which IEEE 754 rounds in one way only.
 * Math.pow, exp and log are left to each engine, so powers are built from square roots.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import { hash } from './rng-field.ts'

const TWO_32 = 2 ** 32
/** Up to here the product of a 32-bit draw and a range is exact in a double. */
const EXACT_RANGE = 2 ** 21

/** Random numbers of a stream of its own: the same for the same seed and name. */
export class Rng {
  readonly #seed: number
  readonly #name: string
  readonly #source: RandomGenerator

  /** Streams of different seeds or different names are independent. `seed` is a whole number from 0 to 2^53 - 1. */
  constructor(seed: number, name: string) {
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new RangeError(`invalid seed: ${seed}; expected a whole number from 0 to 2^53 - 1`)
    this.#seed = seed
    this.#name = name
    this.#source = xoroshiro128plusFromState([1, 2, 3, 4].map((lane) => hash(seed, name, lane)))
  }

  /** A further stream: what it yields does not depend on how much was drawn from this one. */
  stream(name: string): Rng {
    return new Rng(this.#seed, `${this.#name}/${name}`)
  }

  /** 32 random bits, as a signed integer. */
  word(): number {
    return this.#source.next()
  }

  /** A whole number from 0 to n - 1, each exactly as likely; n is 1 to 2^32. */
  below(n: number): number {
    if (!(n >= 1 && n <= EXACT_RANGE)) return this.#belowLarge(n)
    // Lemire's multiplication: the high word is the answer, the low word says when to draw again. The high bits decide,
    // and in xoroshiro128+ those are the good ones.
    for (;;) {
      const draw = this.#source.next() >>> 0
      const low = Math.imul(draw, n) >>> 0
      if (low >= n || low >= TWO_32 % n) return (draw * n - low) / TWO_32
    }
  }

  /** Yes, in `percent` of 100 cases, to within 2^-32. */
  chance(percent: number): boolean {
    return (this.#source.next() >>> 0) * 100 < percent * TWO_32
  }

  /** One of `values`. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** The index of one of `weights` (whole numbers), as likely as its share of their sum. */
  weighted(weights: readonly number[]): number {
    let left = this.below(weights.reduce((sum, weight) => sum + weight, 0))
    return weights.findIndex((weight) => {
      left -= weight
      return left < 0
    })
  }

  /** Puts `values` into random order, in place. */
  shuffle(values: Int32Array): Int32Array {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const value = values[i]!
      values[i] = values[j]!
      values[j] = value
    }
    return values
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): Int32Array {
    return this.shuffle(Int32Array.from({ length: n }, (_, i) => i))
  }

  /**
   * Draws from n values where the k-th most likely (k from 1) has weight 1 / k^(hundredths / 100); 0 is uniform.
   * `values[k - 1]` is the value of rank k: by default k - 1, `permutation(n)` scatters the popular ones.
   */
  zipf(n: number, hundredths: number, values?: Int32Array): Zipf {
    return new Zipf(this, n, hundredths, values)
  }

  #belowLarge(n: number): number {
    if (!(n >= 1 && n <= TWO_32)) throw new RangeError(`invalid range: ${n}; expected 1 to 2^32`)
    return uniformInt(this.#source, 0, n - 1)
  }
}

/** An alias table (Walker 1974, Vose 1991): each column holds one value and, above its cut, another. */
export class Zipf {
  readonly #rng: Rng
  readonly #n: number
  readonly #cut: Int32Array
  readonly #alias: Int32Array

  constructor(rng: Rng, n: number, hundredths: number, values?: Int32Array) {
    if (!(Number.isInteger(n) && n >= 1))
      throw new RangeError(`invalid zipf size: ${n}; expected 1 or more`)
    if (values && values.length !== n)
      throw new RangeError(`invalid zipf values: ${values.length}; expected ${n}`)
    this.#rng = rng
    this.#n = n
    this.#cut = new Int32Array(n)
    this.#alias = new Int32Array(n)

    const weight = new Float64Array(n)
    let total = 0
    for (let rank = n; rank >= 1; rank--) {
      const w = 1 / power(rank, hundredths)
      weight[values ? values[rank - 1]! : rank - 1] = w
      total += w
    }

    // Columns of height 1 are filled one by one: a value that is too small is topped up by one that is too large.
    const pending = new Int32Array(n)
    let small = 0
    let large = n
    for (let value = 0; value < n; value++) {
      weight[value] = (weight[value]! * n) / total
      if (weight[value]! < 1) pending[small++] = value
      else pending[--large] = value
    }
    while (small > 0 && large < n) {
      const low = pending[--small]!
      const high = pending[large]!
      this.#column(low, weight[low]!, high)
      weight[high] = weight[high]! + weight[low]! - 1
      if (weight[high]! < 1) {
        large++
        pending[small++] = high
      }
    }
    // What is left differs from 1 by rounding alone.
    while (small > 0) this.#column(pending[--small]!, 1, 0)
    while (large < n) this.#column(pending[large++]!, 1, 0)
  }

  /** The next index, from 0. */
  next(): number {
    const column = this.#rng.below(this.#n)
    return this.#rng.word() <= this.#cut[column]! ? column : this.#alias[column]!
  }

  /** The probability of `value` that the table holds, for tests: rounded to 2^-32 in each column. */
  probability(value: number): number {
    let share = 0
    for (let column = 0; column < this.#n; column++) {
      const kept = (this.#cut[column]! + 2 ** 31 + 1) / TWO_32
      if (column === value) share += kept
      if (this.#alias[column] === value) share += 1 - kept
    }
    return share / this.#n
  }

  #column(value: number, height: number, alias: number): void {
    // A signed draw is at most `cut` in height * 2^32 of 2^32 cases; a height below 2^-33 still gets one of them.
    const cases = Math.min(TWO_32, Math.max(1, Math.floor(height * TWO_32 + 0.5)))
    this.#cut[value] = cases - 1 - 2 ** 31
    this.#alias[value] = cases === TWO_32 ? value : alias
  }
}

/** x^(hundredths / 100), the exponent rounded to 2^-32: whole part by products, the rest by repeated square roots. */
export function power(x: number, hundredths: number): number {
  let product = 1
  for (let whole = Math.floor(hundredths / 100); whole > 0; whole--) product *= x
  let bits = Math.floor(((hundredths % 100) * TWO_32) / 100 + 0.5)
  for (let root = x; bits !== 0; bits = (bits * 2) % TWO_32) {
    root = Math.sqrt(root)
    if (bits >= 2 ** 31) product *= root
  }
  return product
}
