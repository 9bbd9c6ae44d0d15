/**
 * Paired: two sets of rows compared cell by cell on the same traces, so that what the seeds have in common cancels.
 *
 * Counts are exact, so one seed already shows that something changed; only several show whether it would on others.
 */
import { groundOf, type OkRow, type Row } from './row.ts'
import { METRICS, type Metric, type MetricId } from './schema.ts'
import { type Estimate, estimate } from './summary.ts'

/** The rows of one policy, workload and setting, side by side: one pair for every seed. */
export interface PairGroup {
  readonly policy: string
  readonly workload: string
  readonly params: string
  readonly pairs: readonly (readonly [base: OkRow, next: OkRow])[]
}

export interface Pairing {
  readonly groups: readonly PairGroup[]
  /** Rows on one side that have no partner, or whose partner failed. */
  readonly unpaired: number
}

/** `changed` is for metrics of which neither less nor more is better. */
export type Verdict = 'better' | 'worse' | 'changed' | 'within noise' | 'no change'

export interface Difference {
  readonly group: PairGroup
  readonly metric: MetricId
  readonly base: number
  readonly next: number
  /** next - base, with its 95 % interval over the seeds. */
  readonly difference: Estimate
  /** Of the base; undefined if that is 0. */
  readonly relative: number | undefined
  /** Mean difference in standard deviations of the differences (Cohen's d for pairs); undefined if they do not vary. */
  readonly effect: number | undefined
  readonly verdict: Verdict
}

/** The same cells of two runs. A cell is the same if its policy, workload, parameters and seed are. */
export function pairRuns(base: readonly Row[], next: readonly Row[]): Pairing {
  const key = ({ policy, workload, params, seed }: Row): string =>
    JSON.stringify([policy, workload, params, seed])
  return pair(base, next, key)
}

/** Two policies of one run, wherever they ran on the same trace. Groups are called after `next`. */
export function pairPolicies(base: readonly Row[], next: readonly Row[]): Pairing {
  const seen = new Set<string>()
  const twin = base.filter(isOk).find((row) => seen.size === seen.add(groundOf(row)).size)
  if (twin !== undefined) {
    throw new RangeError(
      `invalid base: ${twin.policy} has several rows on one trace of ${twin.workload}; expected one`,
    )
  }
  return pair(base, next, groundOf)
}

function pair(base: readonly Row[], next: readonly Row[], key: (row: Row) => string): Pairing {
  const partners = new Map(base.filter(isOk).map((row) => [key(row), row]))
  const groups = new Map<string, { row: OkRow; pairs: [OkRow, OkRow][] }>()
  let paired = 0
  for (const row of next.filter(isOk)) {
    const partner = partners.get(key(row))
    if (partner === undefined) continue
    paired++
    const name = JSON.stringify([row.policy, row.workload, row.params])
    const group = groups.get(name) ?? { row, pairs: [] }
    group.pairs.push([partner, row])
    groups.set(name, group)
  }
  return {
    groups: [...groups.values()].map(({ row: { policy, workload, params }, pairs }) => ({
      ...{ policy, workload, params, pairs },
    })),
    unpaired: base.length - paired + (next.length - paired),
  }
}

function isOk(row: Row): row is OkRow {
  return row.status === 'ok'
}

export function differencesOf(
  groups: readonly PairGroup[],
  metrics: readonly MetricId[],
): Difference[] {
  const chosen = METRICS.filter(({ id }) => metrics.includes(id))
  return groups.flatMap((group) => chosen.map((metric) => differenceOf(group, metric)))
}

function differenceOf(group: PairGroup, { id, better }: Metric & { id: MetricId }): Difference {
  const differences = group.pairs.map(([base, next]) => next.values[id] - base.values[id])
  const base = estimate(group.pairs.map(([row]) => row.values[id])).mean
  const next = estimate(group.pairs.map(([, row]) => row.values[id])).mean
  const difference = estimate(differences)
  return {
    ...{ group, metric: id, base, next, difference },
    relative: base === 0 ? undefined : difference.mean / base,
    effect: effectOf(differences, difference.mean),
    verdict: verdictOf(differences, difference, better),
  }
}

function effectOf(differences: readonly number[], mean: number): number | undefined {
  const squares = differences.reduce((sum, value) => sum + (value - mean) * (value - mean), 0)
  return squares === 0 ? undefined : mean / Math.sqrt(squares / (differences.length - 1))
}

function verdictOf(
  differences: readonly number[],
  { mean, low, high }: Estimate,
  better: Metric['better'],
): Verdict {
  if (differences.every((value) => value === 0)) return 'no change'
  if (low !== undefined && high !== undefined && low <= 0 && high >= 0) return 'within noise'
  if (better === 'neither') return 'changed'
  return mean < 0 === (better === 'less') ? 'better' : 'worse'
}
