/** fail-on: conditions on rows that make `run` fail, such as `violations>0`. */
import type { OkRow, Row } from '../../metrics/row.ts'
import { countsViolations, METRICS, type MetricId } from '../../metrics/schema.ts'
import { unknown } from '../../params/closest.ts'
import { UsageError } from './usage-error.ts'

export interface Condition {
  readonly text: string
  readonly metric: MetricId
  /** Is it about correctness, and not about a threshold? */
  readonly correctness: boolean
  readonly holds: (row: OkRow) => boolean
}

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
}

/** `metric OP number`, several joined by commas. */
export function parseFailOn(texts: readonly string[]): Condition[] {
  return texts.flatMap((text) => text.split(',')).map(parseCondition)
}

function parseCondition(text: string): Condition {
  const match = /^\s*([a-z0-9_]+)\s*(>=|<=|==|!=|>|<)\s*([0-9]+)\s*$/.exec(text)
  const [, metric = '', operator = '', number = ''] = match ?? []
  const compare = COMPARE[operator]
  if (compare === undefined && /[<>=]\s*[0-9.]+e[-+]?[0-9]+\s*$/i.test(text)) {
    throw new UsageError(`invalid --fail-on: ${text}; expected digits alone, without an exponent`)
  }
  if (compare === undefined) {
    throw new UsageError(`invalid --fail-on: ${text}; expected a condition such as violations>0`)
  }
  const ids = METRICS.map(({ id }) => id)
  const id = ids.find((known) => known === metric)
  if (id === undefined) throw new UsageError(unknown('metric', metric, ids))
  const holds = (row: OkRow): boolean => compare(row.values[id], Number(number))
  const condition = `${metric}${operator}${number}`
  return { text: condition, metric: id, correctness: countsViolations(id), holds }
}

export interface Failure {
  readonly condition: Condition
  readonly rows: readonly OkRow[]
}

/** The conditions that hold somewhere, with the rows where they do. */
export function failures(conditions: readonly Condition[], rows: readonly Row[]): Failure[] {
  const ok = rows.filter((row) => row.status === 'ok')
  return conditions
    .map((condition) => ({ condition, rows: ok.filter(condition.holds) }))
    .filter((failure) => failure.rows.length > 0)
}
