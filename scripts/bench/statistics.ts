/**
 * statistics: what several rounds say: median, range, and the 95 % interval of the mean.
 */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Student's t over the rounds. Of one round: that value twice. */
  readonly low: number
  readonly high: number
}

/** Two-sided 95 % quantiles for 1, 2, ... degrees of freedom. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const n = sorted.length
  const middle = Math.floor(n / 2)
  const median = n % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, n - 1)
  const t = STUDENT[Math.min(n - 1, STUDENT.length) - 1] ?? 0
  const half = n > 1 ? t * Math.sqrt(variance / n) : 0
  return { median, min: sorted[0]!, max: sorted[n - 1]!, low: mean - half, high: mean + half }
}
