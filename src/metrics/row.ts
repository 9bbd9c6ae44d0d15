/** Row: one cell of a run as a row of rows.csv, and back. The columns of the numbers are METRICS, in its order. */
import { METRICS, type MetricId, type MetricValues } from './schema.ts'

/** What stands before the numbers. */
export interface CellName {
  readonly policy: string
  readonly workload: string
  /** `name=value` joined by `;`, sorted by name, defaults included: the policy's, the workload's, the machine's if set. */
  readonly params: string
  readonly seed: number
}

export interface OkRow extends CellName {
  readonly status: 'ok'
  /** Equal for two rows exactly if they ran the same events. */
  readonly trace_hash: string
  readonly events: number
  readonly values: MetricValues
}

/** A cell whose policy or workload failed. Its numbers are empty in the file: none would be true. */
export interface ErrorRow extends CellName {
  readonly status: 'error'
  /** Empty if the trace itself could not be made. */
  readonly trace_hash: string
  readonly events: number
}

export type Row = OkRow | ErrorRow

export const METRIC_IDS: readonly MetricId[] = METRICS.map((metric) => metric.id)

export const ROW_COLUMNS: readonly string[] = [
  'policy',
  'workload',
  'params',
  'seed',
  'trace_hash',
  'events',
  ...METRIC_IDS,
  'status',
]

export function toRecord(row: Row): string[] {
  const { policy, workload, params, seed, trace_hash, events, status } = row
  const numbers = METRIC_IDS.map((id) => (row.status === 'ok' ? String(row.values[id]) : ''))
  return [policy, workload, params, String(seed), trace_hash, String(events), ...numbers, status]
}

/** `record` holds ROW_COLUMNS by name. Throws RangeError `invalid <column>: <value>; expected a whole number`. */
export function fromRecord(record: Readonly<Record<string, string>>): Row {
  const { policy = '', workload = '', params = '', trace_hash = '', status } = record
  const number = (column: string): number => {
    const text = record[column] ?? ''
    if (!/^[0-9]+$/.test(text)) {
      throw new RangeError(`invalid ${column}: ${text || 'empty'}; expected a whole number`)
    }
    return Number(text)
  }
  const name = { policy, workload, params, seed: number('seed') }
  const events = number('events')
  if (status === 'error') return { ...name, trace_hash, events, status }
  if (status !== 'ok') throw new RangeError(`invalid status: ${status}; expected: ok or error`)
  const values = Object.fromEntries(METRIC_IDS.map((id) => [id, number(id)])) as MetricValues
  return { ...name, trace_hash, events, status, values }
}

/** Parameters of the machine (src/sim/noise.ts), which are neither the policy's nor the workload's. */
export const MACHINE_PARAMS: readonly string[] = [
  'cpus',
  'noise',
  'noiseIsolation',
  'noiseLock',
  'noiseScan',
  'noiseSwapcache',
]

/** Equal for two rows exactly if the same events ran on the same machine. */
export function groundOf(row: Row): string {
  const params = paramsOf(row)
  const machine = MACHINE_PARAMS.map((name) => params.get(name) ?? '')
  return JSON.stringify([row.workload, row.trace_hash, row.seed, machine])
}

/** The parameters that a row's `params` column names. */
export function paramsOf(row: CellName): ReadonlyMap<string, string> {
  const pairs = row.params === '' ? [] : row.params.split(';')
  return new Map(
    pairs.map((pair) => {
      const cut = pair.indexOf('=')
      return [pair.slice(0, cut), pair.slice(cut + 1)]
    }),
  )
}
