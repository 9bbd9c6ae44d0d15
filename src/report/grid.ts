/**
 * Rows, arranged for reading: one panel per workload and setting, one line per policy in it, the seeds of a cell
 * folded into a mean.
 *
 * A parameter that takes several values for one policy and workload was swept. If rows that differ in it replayed the
 * same trace, it is the policy's own and tells variants of the policy apart; otherwise it changed the workload or the
 * machine, and every value gets a panel.
 */
import { type ErrorRow, MACHINE_PARAMS, type OkRow, paramsOf, type Row } from '../metrics/row.ts'
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
  const parsed = rows.map(parse)
  const swept = sweptOf(parsed)
  const cells = new Map<string, Cell & { rows: OkRow[] }>()
  const panels = new Map<string, Panel>()
  for (const { row, params, line } of parsed) {
    const theirs = settingsOf(params, swept.ofWorkload.get(row.workload))
    const own = settingsOf(params, swept.ofLine.get(line)).filter(
      ([name]) => !theirs.some(([other]) => other === name),
    )
    const setting = spelled(theirs)
    const panel = setting === '' ? row.workload : `${row.workload} (${setting})`
    const variant = own.length === 0 ? line : `${line} (${spelled(own)})`
    panels.set(panel, { name: panel, workload: row.workload, setting })
    const cell = entry(cells, JSON.stringify([panel, variant]), () => ({
      ...{ policy: row.policy, line, variant, panel, workload: row.workload },
      ...{ settings: new Map([...theirs, ...own]), rows: [] },
    }))
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
    seeds: finished.reduce((most, cell) => Math.max(most, cell.rows.length), 0),
    failed: rows.filter((row) => row.status === 'error'),
    regretOf: regretOver(rows),
  }
}

interface Parsed {
  readonly row: Row
  readonly params: ReadonlyMap<string, string>
  /** A kernel fixes parameters of its policy: two kernels are two policies here, not a sweep. */
  readonly line: string
}

function parse(row: Row): Parsed {
  const params = paramsOf(row)
  const kernel = params.get('kernel')
  return {
    row,
    params,
    line: kernel === undefined ? row.policy : `${row.policy} (kernel ${kernel})`,
  }
}

type Setting = readonly [name: string, value: string]

const spelled = (settings: readonly Setting[]): string =>
  settings.map(([name, value]) => `${name}=${value}`).join(', ')

function settingsOf(params: ReadonlyMap<string, string>, names?: ReadonlySet<string>): Setting[] {
  return [...params].filter(([name]) => names?.has(name))
}

/** Which parameters were swept: those of a workload for whoever ran on it, those of a policy wherever it ran. */
interface Swept {
  readonly ofWorkload: ReadonlyMap<string, ReadonlySet<string>>
  readonly ofLine: ReadonlyMap<string, ReadonlySet<string>>
}

function sweptOf(rows: readonly Parsed[]): Swept {
  const pairs = new Map<string, Parsed[]>()
  for (const parsed of rows) {
    entry(pairs, JSON.stringify([parsed.line, parsed.row.workload]), () => []).push(parsed)
  }
  const ofWorkload = new Map<string, Set<string>>()
  const ofLine = new Map<string, Set<string>>()
  for (const pair of pairs.values()) {
    const [first] = pair
    for (const [name, value] of first?.params ?? []) {
      if (!first || pair.every(({ params }) => params.get(name) === value)) continue
      if (!MACHINE_PARAMS.includes(name) && keepsTrace(name, pair))
        entry(ofLine, first.line, () => new Set<string>()).add(name)
      else entry(ofWorkload, first.row.workload, () => new Set<string>()).add(name)
    }
  }
  return { ofWorkload, ofLine }
}

/** Are these settings numbers, all of them? */
export function areNumbers(values: readonly string[]): boolean {
  return values.every((value) => /^[0-9]+$/.test(value))
}

/** Settings that are numbers, least first; others as they come. */
export function leastFirst(values: readonly string[]): string[] {
  return areNumbers(values) ? [...values].sort((a, b) => Number(a) - Number(b)) : [...values]
}

/** Was the same trace replayed with several values of this parameter? */
function keepsTrace(name: string, rows: readonly Parsed[]): boolean {
  const seen = new Map<string, string | undefined>()
  for (const { row, params } of rows) {
    // A workload that failed left no trace to compare.
    if (row.trace_hash === '') continue
    const trace = `${row.seed} ${row.trace_hash}`
    if (seen.has(trace) && seen.get(trace) !== params.get(name)) return true
    seen.set(trace, params.get(name))
  }
  return false
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
