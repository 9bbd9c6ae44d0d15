/** rng.test: the streams are the same everywhere, and as random as they say, against what theory gives. */
import { describe, expect, test } from 'vitest'
import { power, Rng } from './rng.ts'

const draws = (rng: Rng, n: number, count: number): number[] =>
  Array.from({ length: count }, () => rng.below(n))

/** Pearson's statistic; with k classes its mean is k - 1 and its standard deviation sqrt(2(k - 1)). */
function chiSquare(seen: number[], expected: number[]): number {
  return seen.reduce((sum, n, i) => sum + (n - expected[i]!) ** 2 / expected[i]!, 0)
}

describe('streams', () => {
  test('the same seed and name give the same numbers on every machine', () => {
    // Recorded once; a change here changes every trace and every row.
    expect(draws(new Rng(1, 'snapshot'), 1000, 8)).toEqual([673, 962, 230, 85, 868, 157, 571, 871])
    expect(draws(new Rng(2 ** 53 - 1, ''), 2 ** 32, 3)).toEqual([
      1_155_110_209, 126_310_352, 2_427_957_559,
    ])
  })

  test('another seed, another name, or a seed that differs above bit 31 gives other numbers', () => {
    const first = draws(new Rng(1, 'a'), 2 ** 20, 16)
    expect(draws(new Rng(2, 'a'), 2 ** 20, 16)).not.toEqual(first)
    expect(draws(new Rng(1, 'b'), 2 ** 20, 16)).not.toEqual(first)
    expect(draws(new Rng(1 + 2 ** 32, 'a'), 2 ** 20, 16)).not.toEqual(first)
  })

  test('first draws of a thousand neighbouring seeds are spread like random numbers', () => {
    const seen = new Array<number>(16).fill(0)
    for (let seed = 0; seed < 1000; seed++) seen[new Rng(seed, 'x').below(16)]!++
    // 15 degrees of freedom: above 45 once in 10,000 cases.
    expect(chiSquare(seen, new Array<number>(16).fill(62.5))).toBeLessThan(45)
  })

  test('a further stream does not depend on what was drawn before it was opened', () => {
    const idle = new Rng(7, 'a')
    const busy = new Rng(7, 'a')
    draws(busy, 10, 100)
    expect(draws(busy.stream('pins'), 1000, 8)).toEqual(draws(idle.stream('pins'), 1000, 8))
    expect(draws(idle.stream('pins'), 1000, 8)).not.toEqual(draws(idle.stream('swap'), 1000, 8))
  })

  test('a seed that is no whole number is refused', () => {
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => new Rng(seed, 'a')).toThrow(
        `invalid seed: ${seed}; expected a whole number from 0 to 2^53 - 1`,
      )
  })
})

describe('below, chance, shuffle', () => {
  test('every value is as likely as every other, also where 2^32 is no multiple of n', () => {
    for (const n of [2, 3, 7, 100, 1000]) {
      const seen = new Array<number>(n).fill(0)
      const rng = new Rng(3, `below ${n}`)
      for (let i = 0; i < 1000 * n; i++) seen[rng.below(n)]!++
      // Six standard deviations above the mean.
      const limit = n - 1 + 6 * Math.sqrt(2 * (n - 1))
      expect(chiSquare(seen, new Array<number>(n).fill(1000))).toBeLessThan(limit)
    }
  })

  test('where taking a remainder would favour the low half, the halves stay equal', () => {
    // 2^32 mod (3 * 2^30) = 2^30: a plain remainder gives the lowest third of the range half of all draws.
    const rng = new Rng(4, 'large')
    let low = 0
    for (let i = 0; i < 30_000; i++) if (rng.below(3 * 2 ** 30) < 2 ** 30) low++
    // 10,000 expected, standard deviation sqrt(30000 * 2/9) = 82; the biased draw would give 15,000.
    expect(Math.abs(low - 10_000)).toBeLessThan(500)
  })

  test('a range of one has one answer, and the whole 32 bits are allowed', () => {
    const rng = new Rng(5, 'ends')
    expect(draws(rng, 1, 10)).toEqual(new Array<number>(10).fill(0))
    expect(Math.max(...draws(rng, 2 ** 32, 1000))).toBeGreaterThan(2 ** 31)
    for (const n of [0, -1, Number.NaN, 2 ** 32 + 1])
      expect(() => rng.below(n)).toThrow(`invalid range: ${n}; expected 1 to 2^32`)
  })

  test('chance never happens at 0 percent, always at 100, and in a quarter of all cases at 25', () => {
    const rng = new Rng(6, 'chance')
    const count = (percent: number): number =>
      Array.from({ length: 10_000 }, () => rng.chance(percent)).filter(Boolean).length
    expect(count(0)).toBe(0)
    expect(count(100)).toBe(10_000)
    // Standard deviation sqrt(10000 * 3/16) = 43.
    expect(Math.abs(count(25) - 2500)).toBeLessThan(250)
  })

  test('weights decide how often each index is drawn, and zero is never drawn', () => {
    const rng = new Rng(9, 'weighted')
    const seen = [0, 0, 0, 0]
    for (let i = 0; i < 10_000; i++) seen[rng.weighted([5, 0, 3, 2])]!++
    expect(seen[1]).toBe(0)
    // 2 degrees of freedom: above 19 once in 10,000 cases.
    expect(chiSquare([seen[0]!, seen[2]!, seen[3]!], [5000, 3000, 2000])).toBeLessThan(19)
    expect(() => rng.weighted([0, 0])).toThrow('invalid range: 0')
  })

  test('pick gives each of a list, and nothing else', () => {
    const rng = new Rng(10, 'pick')
    const seen = new Set(Array.from({ length: 100 }, () => rng.pick(['a', 'b', 'c'])))
    expect([...seen].sort()).toEqual(['a', 'b', 'c'])
  })

  test('a permutation holds every number once, and all six orders of three come up alike', () => {
    expect([...new Rng(7, 'p').permutation(1000)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    )
    const rng = new Rng(8, 'orders')
    const seen = new Map<string, number>()
    for (let i = 0; i < 6000; i++) {
      const order = rng.permutation(3).join('')
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    expect([...seen.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
    // 5 degrees of freedom: above 26 once in 10,000 cases.
    expect(chiSquare([...seen.values()], new Array<number>(6).fill(1000))).toBeLessThan(26)
  })
})

describe('zipf', () => {
  const exact = (n: number, theta: number): number[] => {
    const weights = Array.from({ length: n }, (_, i) => (i + 1) ** -theta)
    const total = weights.reduce((sum, w) => sum + w, 0)
    return weights.map((w) => w / total)
  }

  test('powers agree with the engine, which may round otherwise, to nine digits', () => {
    for (const x of [1, 2, 3, 10, 65_536, 1_000_003])
      for (const hundredths of [0, 1, 50, 75, 99, 100, 101, 150, 200])
        expect(power(x, hundredths) / x ** (hundredths / 100)).toBeCloseTo(1, 8)
  })

  test('the table holds the exact probabilities to within its 32-bit columns', () => {
    for (const [n, hundredths] of [
      [1, 99],
      [2, 99],
      [10, 0],
      [1000, 99],
      [777, 150],
    ] as const) {
      const zipf = new Rng(1, 'zipf').zipf(n, hundredths)
      const p = exact(n, hundredths / 100)
      let total = 0
      for (let value = 0; value < n; value++) {
        // A column is rounded by at most 2^-32 of itself, and theta by 2^-33.
        expect(Math.abs(zipf.probability(value) - p[value]!)).toBeLessThan(1e-9)
        total += zipf.probability(value)
      }
      expect(total).toBeCloseTo(1, 12)
    }
  })

  test('draws follow the table', () => {
    const n = 500
    const zipf = new Rng(2, 'draws').zipf(n, 99)
    const seen = new Array<number>(n).fill(0)
    for (let i = 0; i < 500_000; i++) seen[zipf.next()]!++
    // Least likely value: 500,000 * 0.00031 = 156 expected. Six standard deviations above the mean of 499.
    const limit = 499 + 6 * Math.sqrt(2 * 499)
    expect(
      chiSquare(
        seen,
        exact(n, 0.99).map((p) => p * 500_000),
      ),
    ).toBeLessThan(limit)
  })

  test('ranks go to the values that the caller gives', () => {
    const values = Int32Array.of(2, 0, 1)
    const zipf = new Rng(3, 'ranks').zipf(3, 100, values)
    // Weights 1, 1/2, 1/3 of 11/6.
    expect(zipf.probability(2)).toBeCloseTo(6 / 11, 9)
    expect(zipf.probability(0)).toBeCloseTo(3 / 11, 9)
    expect(zipf.probability(1)).toBeCloseTo(2 / 11, 9)
  })

  test('the number of distinct pages in a million draws over 65,536 is the one that theory gives', () => {
    const zipf = new Rng(1, 'distinct').zipf(65_536, 99)
    const seen = new Uint8Array(65_536)
    for (let i = 0; i < 1_000_000; i++) seen[zipf.next()] = 1
    // Sum over pages of 1 - (1 - p)^1e6 = 59,886, standard deviation 69.
    expect(Math.abs(seen.reduce((sum, bit) => sum + bit, 0) - 59_886)).toBeLessThan(345)
  })

  test('an empty or a mismatched set of values is refused', () => {
    const rng = new Rng(1, 'bad')
    expect(() => rng.zipf(0, 99)).toThrow('invalid zipf size: 0; expected 1 or more')
    expect(() => rng.zipf(3, 99, Int32Array.of(1))).toThrow('invalid zipf values: 1; expected 3')
  })
})
