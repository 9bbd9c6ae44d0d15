/**
 * Rows, arranged for reading: one panel per workload and setting, one line per policy in it, the seeds of a cell
 * folded into a mean.
 *
 * A parameter that takes several values for one policy and workload was swept. If rows that differ in it replayed the
 * same trace, it is the policy's own and tells variants of the policy apart; otherwise it changed the workload, and
 * every value gets a panel.
 */
import { type ErrorRow, type OkRow, paramsOf, type Row } from '../metrics/row.ts'
import type { MetricId } from '../metrics/schema.ts'
import { type Estimate, estimate, regretOver } from '../metrics/summary.ts'
import { inOrder } from './palette.ts'

/** One policy (with its own swept parameters) on one workload (with its): a row of every seed. */
export interface Cell {
  readonly policy: string
  /** The policy, with its kernel if it stands for one. */
  readonly line: string
  /** The same, with its own swept parameters. */
  readonly variant: string
  readonly panel: string
  readonly workload: string
  /** Values of all swept parameters, the policy's own included. */
  readonly settings: ReadonlyMap<string, string>
  readonly rows: readonly OkRow[]
}

export interface Variant {
  readonly name: string
  readonly policy: string
}

export interface Panel {
  readonly name: string
  readonly workload: string
  /** `name=value, ...` of the workload's swept parameters; empty when there are none. */
  readonly setting: string
}

export interface Grid {
  readonly cells: readonly Cell[]
  /** As the rows have them. */
  readonly panels: readonly Panel[]
  /** In historical order. */
  readonly variants: readonly Variant[]
  readonly policies: readonly string[]
  /** Most seeds of any cell. */
  readonly seeds: number
  /** Rows of cells that ended in an error: counted, never averaged. */
  readonly failed: readonly ErrorRow[]
  readonly regretOf: (row: OkRow) => number | undefined
}

export function gridOf(rows: readonly Row[]): Grid {
  const swept = sweptOf(rows)
  const cells = new Map<string, Cell & { rows: OkRow[] }>()
  const panels = new Map<string, Panel>()
  for (const row of rows) {
    const sides = swept.get(pairOf(row)) ?? new Map<string, Side>()
    const params = paramsOf(row)
    const settings = new Map([...sides.keys()].map((name) => [name, params.get(name) ?? '']))
    const kernel = params.get('kernel')
    const own = settingText(settings, sides, 'policy')
    const setting = settingText(settings, sides, 'workload')
    const panel = setting === '' ? row.workload : `${row.workload} (${setting})`
    const line = kernel === undefined ? row.policy : `${row.policy} (kernel ${kernel})`
    const variant = own === '' ? line : `${line} (${own})`
    panels.set(panel, { name: panel, workload: row.workload, setting })
    const key = JSON.stringify([panel, variant])
    const cell = cells.get(key) ?? {
      ...{ policy: row.policy, line, variant, panel, workload: row.workload },
      ...{ settings, rows: [] },
    }
    cells.set(key, cell)
    if (row.status === 'ok') cell.rows.push(row)
  }
  const finished = [...cells.values()].filter((cell) => cell.rows.length > 0)
  const variants = new Map(
    [...cells.values()].map(({ variant, policy }) => [variant, { name: variant, policy }]),
  )
  const policies = inOrder([...variants.values()].map(({ policy }) => policy))
  return {
    cells: finished,
    panels: [...panels.values()],
    variants: policies.flatMap((policy) =>
      [...variants.values()].filter((variant) => variant.policy === policy),
    ),
    policies,
    seeds: Math.max(0, ...finished.map((cell) => cell.rows.length)),
    failed: rows.filter((row) => row.status === 'error'),
    regretOf: regretOver(rows),
  }
}

type Side = 'policy' | 'workload'

/** A kernel fixes parameters of its policy: two kernels are two policies here, not a sweep. */
const pairOf = (row: Row): string =>
  JSON.stringify([row.policy, row.workload, paramsOf(row).get('kernel')])

/** For each policy, kernel and workload: which parameters were swept, and whose they are. */
function sweptOf(rows: readonly Row[]): Map<string, Map<string, Side>> {
  const values = new Map<string, Map<string, Set<string>>>()
  for (const row of rows) {
    const ofPair = entry(values, pairOf(row), () => new Map<string, Set<string>>())
    for (const [name, value] of paramsOf(row))
      entry(ofPair, name, () => new Set<string>()).add(value)
  }
  const swept = new Map<string, Map<string, Side>>()
  for (const [pair, names] of values) {
    const several = [...names].filter(([, set]) => set.size > 1).map(([name]) => name)
    const ofPair = rows.filter((row) => pairOf(row) === pair)
    swept.set(pair, new Map(several.map((name) => [name, sideOf(name, ofPair)])))
  }
  return swept
}

function sideOf(name: string, rows: readonly Row[]): Side {
  const seen = new Map<string, string | undefined>()
  for (const row of rows) {
    if (row.trace_hash === '') continue
    const trace = `${row.seed} ${row.trace_hash}`
    const value = paramsOf(row).get(name)
    if (seen.has(trace) && seen.get(trace) !== value) return 'policy'
    seen.set(trace, value)
  }
  return 'workload'
}

function settingText(
  settings: ReadonlyMap<string, string>,
  sides: ReadonlyMap<string, Side>,
  side: Side,
): string {
  const chosen = [...settings].filter(([name]) => sides.get(name) === side)
  return chosen.map(([name, value]) => `${name}=${value}`).join(', ')
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}

/** Mean over the cell's seeds, and the interval that holds it with 95 % confidence. */
export function estimateOf(cell: Cell, metric: MetricId): Estimate {
  return estimate(cell.rows.map((row) => row.values[metric]))
}

export function mean(cell: Cell, metric: MetricId): number {
  return estimateOf(cell, metric).mean
}

/** Does any seed of this cell break a promise? Then copying less than others is no achievement. */
export function violates(cell: Cell): boolean {
  return cell.rows.some((row) => row.values.violations > 0)
}

/** Mean copies above clairvoyant on the same traces; undefined where clairvoyant did not run on all of them. */
export function regret(grid: Grid, cell: Cell): number | undefined {
  const over = cell.rows.map(grid.regretOf).filter((value) => value !== undefined)
  return over.length === cell.rows.length ? estimate(over).mean : undefined
}
