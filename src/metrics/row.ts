/** Row: one cell of a run, and the line of rows.csv that it becomes. Its numbers are METRICS, in that order. */
import { METRICS, type MetricId, type MetricValues } from './schema.ts'

export interface Row {
  readonly policy: string
  readonly workload: string
  /** Parameters of policy and workload together, defaults included, as text. */
  readonly params: ReadonlyMap<string, string>
  readonly seed: number
  /** Which events were replayed: equal hashes are equal traces. Empty if the trace could not be made. */
  readonly traceHash: string
  readonly events: number
  /** Did the cell finish? The numbers of a cell that ended in an error mean nothing. */
  readonly ok: boolean
  readonly metrics: MetricValues
}

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

/** The fields of a row in the order of ROW_COLUMNS. Those of a failed cell are empty: any number would be read. */
export function fieldsOf(row: Row): string[] {
  const { policy, workload, seed, traceHash, events, ok } = row
  const numbers = METRIC_IDS.map((id) => (ok ? String(row.metrics[id]) : ''))
  const status = ok ? 'ok' : 'error'
  return [policy, workload, paramsText(row), `${seed}`, traceHash, `${events}`, ...numbers, status]
}

/** `name=value` joined by `;`, sorted by name. */
export function paramsText(row: Pick<Row, 'params'>): string {
  return [...row.params.keys()]
    .sort()
    .map((name) => `${name}=${row.params.get(name)}`)
    .join(';')
}

/** The numbers of a cell that has none. */
export function noMetrics(): MetricValues {
  return Object.fromEntries(METRIC_IDS.map((id) => [id, 0])) as MetricValues
}
