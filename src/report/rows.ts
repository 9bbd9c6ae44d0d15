/**
 * rows.csv, read back: typed rows, or one line that says what is wrong with the file.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { METRICS, type MetricValues } from '../metrics/schema.ts'

export interface Row {
  readonly policy: string
  readonly workload: string
  /** Parameters of policy and workload together, defaults included, as text. */
  readonly params: ReadonlyMap<string, string>
  readonly seed: number
  /** Which trace was replayed: equal hashes are equal traces. */
  readonly traceHash: string
  readonly events: number
  /** Did the cell finish? The numbers of a cell that ended in an error mean nothing. */
  readonly ok: boolean
  readonly metrics: MetricValues
}

const LEADING = ['policy', 'workload', 'params', 'seed', 'trace_hash', 'events'] as const
const STATUS = 'status'

/** Reads DIR/rows.csv. Throws RangeError, in one line, when it is not there, foreign or truncated. */
export async function readRows(dir: string): Promise<Row[]> {
  const file = join(dir, 'rows.csv')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new RangeError(`missing rows.csv: ${file}; expected: a results directory that a run wrote`)
  }
  return parseRows(text, file)
}

/** `name` stands for the file in errors. Columns that METRICS does not know are passed over. */
export function parseRows(text: string, name = 'rows.csv'): Row[] {
  const header = (text.split('\n', 1)[0] ?? '').trim().split(',')
  if (LEADING.some((column, i) => header[i] !== column)) {
    throw new RangeError(
      `unsupported rows file: ${name} begins ${JSON.stringify(header.slice(0, LEADING.length).join(',').slice(0, 80))}; expected: ${LEADING.join(',')}`,
    )
  }
  for (const column of [...METRICS.map(({ id }) => id), STATUS]) {
    if (!header.includes(column)) {
      throw new RangeError(`missing column: ${column} in ${name}; expected: rows of this version`)
    }
  }
  if (!text.endsWith('\n')) {
    throw new RangeError(`truncated rows file: the last line of ${name} does not end`)
  }
  const [, ...records] = recordsOf(text, name)
  if (records.length === 0) throw new RangeError(`missing rows: ${name} holds only its header`)
  return records.map((record, i) => rowOf(header, record, `line ${i + 2} of ${name}`))
}

function recordsOf(text: string, name: string): string[][] {
  try {
    return parse(text, { relax_column_count: true })
  } catch (error) {
    throw new RangeError(`invalid rows file: ${name}: ${(error as Error).message}`)
  }
}

function rowOf(header: readonly string[], record: readonly string[], where: string): Row {
  if (record.length !== header.length) {
    throw new RangeError(
      `truncated row: ${where} holds ${record.length} values; expected: ${header.length}`,
    )
  }
  const cells = new Map(header.map((column, i) => [column, record[i] ?? '']))
  const text = (column: string): string => cells.get(column) ?? ''
  const status = text(STATUS)
  if (status !== 'ok' && status !== 'error') {
    throw new RangeError(`invalid status: ${status} in ${where}; expected: ok or error`)
  }
  const ok = status === 'ok'
  // A cell that ended in an error may have left its numbers blank.
  const number = (column: string): number => {
    const value = text(column)
    if (/^-?[0-9]+$/.test(value)) return Number(value)
    if (!ok && value === '') return 0
    throw new RangeError(`invalid ${column}: ${value} in ${where}; expected: a whole number`)
  }
  return {
    policy: text('policy'),
    workload: text('workload'),
    params: paramsOf(text('params'), where),
    seed: number('seed'),
    traceHash: text('trace_hash'),
    events: number('events'),
    ok,
    metrics: Object.fromEntries(METRICS.map(({ id }) => [id, number(id)])) as MetricValues,
  }
}

function paramsOf(text: string, where: string): Map<string, string> {
  if (text === '') return new Map()
  return new Map(
    text.split(';').map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) {
        throw new RangeError(`invalid params: ${text} in ${where}; expected: name=value;name=value`)
      }
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
