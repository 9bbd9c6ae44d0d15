/**
 * Chosen tables: policies down, and across what the reader asked for: some metrics, or one metric by workload or by the
 * values of a swept parameter.
 */
import type { Row } from '../metrics/row.ts'
import { countsViolations, METRICS, type MetricId } from '../metrics/schema.ts'
import { count, duration } from './format.ts'
import { type Cell, type Grid, gridOf, leastFirst, mean, violates } from './grid.ts'
import { fitted, identical, lined, type TableFormat } from './table.ts'

/** Columns that are workloads, with their settings. */
export const WORKLOAD = 'workload'

export interface Choice {
  readonly metrics: readonly MetricId[]
  /** `workload`, or the name of a swept parameter: a table for each metric instead of a column. */
  readonly across?: string | undefined
}

interface Table {
  readonly caption: string
  readonly columns: readonly string[]
  readonly lines: readonly { readonly name: string; readonly cells: readonly string[] }[]
}

/** Throws RangeError for an `across` that these rows did not sweep, or too wide for a letter. Ends with a newline. */
export function chosenTables(rows: readonly Row[], format: TableFormat, choice: Choice): string {
  const grid = gridOf(rows)
  const { across } = choice
  const tables =
    across === undefined ? byMetric(grid, choice) : byValue(grid, choice.metrics, across)
  const parts = tables.flatMap(({ caption, columns, lines }) => [
    fitted(caption, format),
    lined([['policy', ...columns], ...lines.map(({ name, cells }) => [name, ...cells])], format),
  ])
  return `${[...parts, notes(grid, choice.metrics, format)].join('\n\n')}\n`
}

/** What the tables of these rows can have across. */
export function acrossNames(rows: readonly Row[]): string[] {
  return acrossIn(gridOf(rows))
}

function acrossIn({ cells }: Grid): string[] {
  const swept = new Set(cells.flatMap(({ settings }) => [...settings.keys()]))
  return [WORKLOAD, ...[...swept].sort()]
}

/** A table for each workload and setting, a column for each metric. */
function byMetric(grid: Grid, { metrics }: Choice): Table[] {
  return grid.panels.map((panel) => {
    const cells = grid.cells.filter((cell) => cell.panel === panel.name)
    return {
      caption: `${panel.name}:`,
      columns: metrics,
      lines: grid.variants.flatMap(({ name }) => {
        const cell = cells.find(({ variant }) => variant === name)
        return cell === undefined ? [] : [{ name, cells: metrics.map((id) => number(cell, id)) }]
      }),
    }
  })
}

/** A table for each metric and for each setting of what is not across. */
function byValue(grid: Grid, metrics: readonly MetricId[], across: string): Table[] {
  const available = acrossIn(grid)
  if (!available.includes(across)) {
    throw new RangeError(`unknown parameter: ${across}; available: ${available.join(', ')}`)
  }
  const column = (cell: Cell): string =>
    across === WORKLOAD ? cell.panel : (cell.settings.get(across) ?? '')
  const place = (cell: Cell): string => {
    if (across === WORKLOAD) return ''
    const rest = [...cell.settings].filter(([name]) => name !== across)
    const setting = rest.map(([name, value]) => `${name}=${value}`).join(', ')
    return ` on ${cell.workload}${setting === '' ? '' : ` (${setting})`}`
  }
  const line = (cell: Cell): string => (across === WORKLOAD ? cell.variant : cell.line)
  const cells = grid.cells.filter((cell) => column(cell) !== '')
  const places = [...new Set(cells.map(place))]
  return places.flatMap((at) => {
    const here = cells.filter((cell) => place(cell) === at)
    const columns = leastFirst([...new Set(here.map(column))])
    const names = grid.variants
      .flatMap(({ name }) => here.filter(({ variant }) => variant === name))
      .map(line)
    return metrics.map((id) => ({
      caption: `${id}${at}, by ${across}:`,
      columns,
      lines: [...new Set(names)].map((name) => ({
        name,
        cells: columns.map((value) => {
          const cell = here.find((c) => line(c) === name && column(c) === value)
          return cell === undefined ? '-' : number(cell, id)
        }),
      })),
    }))
  })
}

/** In brackets where promises were broken, unless that is what the number says. */
function number(cell: Cell, id: MetricId): string {
  const value = mean(cell, id)
  const text = metricOf(id).unit === 'ns' ? duration(value) : count(value)
  return violates(cell) && !countsViolations(id) ? `[${text}]` : text
}

function metricOf(id: MetricId): (typeof METRICS)[number] {
  const metric = METRICS.find((m) => m.id === id)
  if (metric === undefined) throw new RangeError(`unknown metric: ${id}`)
  return metric
}

/** What the metrics mean, and which policies cannot be told apart. */
function notes(grid: Grid, metrics: readonly MetricId[], format: TableFormat): string {
  const bracketed = grid.cells.some(violates) && metrics.some((id) => !countsViolations(id))
  const lines = [
    ...metrics.map((id) => `${id}: ${metricOf(id).what}.`),
    ...(bracketed ? ['In brackets: the policy broke a promise there.'] : []),
    ...identical(grid).map((names) => `Identical in every number: ${names.join(', ')}.`),
  ]
  return lines
    .map((line) => (format === 'markdown' ? `- ${line}` : fitted(line, format)))
    .join('\n')
}
