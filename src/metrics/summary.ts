/**
 * Summary: means over seeds with 95 % intervals, paired differences, and regret over clairvoyant.
 *
 * Only + - * / and sqrt, so that the numbers are the same on every machine; Student's quantiles come from a table.
 */
import { groundOf, METRIC_IDS, type OkRow, type Row } from './row.ts'

/** A mean, and the interval that holds it with 95 % confidence: undefined for a single value. */
export interface Estimate {
  readonly n: number
  readonly mean: number
  readonly low: number | undefined
  readonly high: number | undefined
}

/** One policy on one workload with one set of parameters. */
export interface SummaryGroup {
  readonly policy: string
  readonly workload: string
  readonly params: string
  readonly rows: readonly OkRow[]
  /** Cells that ended in an error. */
  readonly errors: number
}

/**
 * Copies above clairvoyant's on the same trace, pair by pair. It is a cost only where nothing was violated: a policy
 * that breaks promises may copy less than the least that keeps them.
 */
export const REGRET = 'regret'
const CLAIRVOYANT = 'clairvoyant'

/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.2). */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
]
/** Beyond the table, the quantile of the first of these that is not above the degrees of freedom. */
const T_975_BEYOND: readonly (readonly [number, number])[] = [
  [1000, 1.962],
  [100, 1.984],
  [60, 2.0],
  [40, 2.021],
  [30, 2.042],
]

/** Rounded to the safe side between the entries of the table. */
export function tQuantile(degrees: number): number {
  if (degrees <= T_975.length) return T_975[degrees - 1]!
  const beyond = T_975_BEYOND.find(([from]) => degrees >= from)
  return beyond === undefined ? Number.NaN : beyond[1]
}

/** Of at least one value. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n < 2) return { n, mean, low: undefined, high: undefined }
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0)
  const half = tQuantile(n - 1) * Math.sqrt(squares / (n - 1) / n)
  return { n, mean, low: mean - half, high: mean + half }
}

/** Rows that differ in nothing but the seed, in the order of their first row. */
export function groupBySeeds(rows: readonly Row[]): SummaryGroup[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify([row.policy, row.workload, row.params])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return [...groups.values()].map((group) => {
    const { policy, workload, params } = group[0]!
    const ok = group.filter((row) => row.status === 'ok')
    return { policy, workload, params, rows: ok, errors: group.length - ok.length }
  })
}

/** Copies above those of clairvoyant on the same trace; undefined where clairvoyant did not run or failed. */
export function regretOver(rows: readonly Row[]): (row: OkRow) => number | undefined {
  const bounds = new Map<string, number>()
  for (const row of rows) {
    if (row.status === 'ok' && row.policy === CLAIRVOYANT) {
      bounds.set(groundOf(row), row.values.copies)
    }
  }
  return (row) => {
    const bound = bounds.get(groundOf(row))
    return bound === undefined ? undefined : row.values.copies - bound
  }
}

export const SUMMARY_COLUMNS = [
  'policy',
  'workload',
  'params',
  'metric',
  'seeds',
  'mean',
  'ci95_low',
  'ci95_high',
] as const

/** The lines of summary.csv: for every group each metric, then its regret if clairvoyant ran on all its traces. */
export function summaryRecords(rows: readonly Row[]): string[][] {
  const regret = regretOver(rows)
  return groupBySeeds(rows)
    .filter((group) => group.rows.length > 0)
    .flatMap((group) => {
      const record = (metric: string, values: readonly number[]): string[] => {
        const { n, mean, low, high } = estimate(values)
        const { policy, workload, params } = group
        return [policy, workload, params, metric, String(n), ...[mean, low, high].map(decimal)]
      }
      const regrets = group.rows.map(regret).filter((value) => value !== undefined)
      return [
        ...METRIC_IDS.map((id) =>
          record(
            id,
            group.rows.map((row) => row.values[id]),
          ),
        ),
        ...(regrets.length === group.rows.length ? [record(REGRET, regrets)] : []),
      ]
    })
}

/** At most three decimals; empty if there is no number. */
function decimal(value: number | undefined): string {
  return value === undefined ? '' : String(Math.round(value * 1000) / 1000)
}
