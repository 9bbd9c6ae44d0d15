/** interval: the median of several measurements, and between which of them it lies with 95 % confidence. */

export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/**
 * No assumption is made of the measurements' distribution: each is above the true median or below, like a coin, so the
 * k-th lowest and k-th highest of n enclose it but for twice the chance of fewer than k heads. Throws RangeError below
 * six, the fewest of which the lowest and the highest do.
 */
export function intervalOf(values: readonly number[]): Interval {
  if (values.length < 6) throw new RangeError('missing rounds: an interval takes 6')
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  let k = 0
  let ways = 1 // n choose k
  let below = 1
  while (2 * below <= 0.05 * 2 ** n) {
    k++
    ways = (ways * (n - k + 1)) / k
    below += ways
  }
  const middle = (sorted[Math.floor((n - 1) / 2)]! + sorted[Math.ceil((n - 1) / 2)]!) / 2
  return { median: middle, low: sorted[k - 1]!, high: sorted[n - k]! }
}
