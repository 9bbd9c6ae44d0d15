/**
 * statistics: what several rounds say: median, range, and the 95 % interval of the median.
 */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /**
   * Where the true median lies in 95 of 100 cases, whatever the distribution: now and then a sample takes a
   * quarter longer. Of fewer than six values: all of them.
   */
  readonly low: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  const middle = Math.floor(n / 2)
  const median = n % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  const beyond = valuesBeyond(n)
  return {
    ...{ median, min: sorted[0]!, max: sorted[n - 1]! },
    ...{ low: sorted[beyond]!, high: sorted[n - 1 - beyond]! },
  }
}

/** How many of n values may be left out at either end: no more than i of n lie below the median in at most 2.5 %. */
function valuesBeyond(n: number): number {
  let ways = 1
  let sum = 1
  let i = 0
  while (sum / 2 ** n <= 0.025) {
    i++
    ways = (ways * (n - i + 1)) / i
    sum += ways
  }
  return Math.max(0, i - 1)
}
