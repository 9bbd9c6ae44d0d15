/**
 * The comparison table: for each workload, what every policy copied, broke and is estimated to cost, as plain text,
 * Markdown, or the text of a patch letter.
 */
import { METRIC_IDS, type OkRow, type Row } from '../metrics/row.ts'
import type { MetricId } from '../metrics/schema.ts'
import { count, duration, shortCount } from './format.ts'
import { type Cell, type Grid, gridOf, mean, type Panel, regret, violates } from './grid.ts'
import { wrap } from './spec.ts'

export const TABLE_FORMATS = ['text', 'markdown', 'lkml'] as const
export type TableFormat = (typeof TABLE_FORMATS)[number]

/** Columns of a terminal, and of a mail to a kernel list. */
const TEXT_WIDTH = 100
const LKML_WIDTH = 72

export interface Column {
  readonly title: string
  /** In 100 columns, and in 72. */
  readonly short: string
  readonly shortest: string
  readonly cell: (cell: Cell, grid: Grid, number: Numbering) => string
}

type Numbering = (value: number) => string

function counted(title: string, short: string, shortest: string, metric: MetricId): Column {
  return { title, short, shortest, cell: (cell, _, number) => number(mean(cell, metric)) }
}

function timed(title: string, shortest: string, metric: MetricId): Column {
  return { title, short: title, shortest, cell: (cell) => duration(mean(cell, metric)) }
}

const REGRET: Column = {
  title: 'regret',
  short: 'regret',
  shortest: 'regret',
  cell: (cell, grid, number) => {
    const over = regret(grid, cell)
    if (over === undefined) return '-'
    const text = over > 0 ? `+${number(over)}` : over < 0 ? `-${number(-over)}` : '0'
    // Whoever breaks promises may well copy less.
    return violates(cell) ? `[${text}]` : text
  },
}

/** What khugepaged and userfaultfd's manager did, in place of what a fork costs. */
const EVENT_COLUMNS: readonly Column[] = [
  counted('events', 'events', 'events', 'uffd_events'),
  counted('lost events', 'lost', 'lost', 'lost_events'),
  counted('extra events', 'extra', 'extra', 'extra_events'),
  counted('collapses', 'collapses', 'coll.', 'collapses'),
  counted('PTEs scanned in vain', 'vain PTEs', 'vain', 'vain_pte_scans'),
  counted('copies', 'copies', 'copies', 'copies'),
  counted('violations', 'violations', 'viol.', 'violations'),
  timed('est. faults', 'faults', 'fault_ns'),
]

const EVENT_METRICS = ['uffd_events', 'lost_events', 'collapses'] as const

/** There is no regret without clairvoyant. */
export function columnsOf(grid: Grid, { lines }: Pick<Section, 'lines'>): readonly Column[] {
  const cells = lines.map(({ cell }) => cell)
  if (cells.some((cell) => EVENT_METRICS.some((metric) => mean(cell, metric) > 0)))
    return EVENT_COLUMNS
  return [
    counted('copies', 'copies', 'copies', 'copies'),
    counted('spurious copies', 'spurious', 'spurious', 'spurious_copies'),
    counted('missed reuses', 'missed', 'missed', 'missed_reuses'),
    counted('violations', 'violations', 'viol.', 'violations'),
    timed('est. fork', 'fork', 'fork_ns'),
    timed('est. faults', 'faults', 'fault_ns'),
    ...(grid.policies.includes('clairvoyant') ? [REGRET] : []),
  ]
}

/** One table for each workload (and each of its swept settings). */
export interface Section {
  readonly panel: Panel
  /** Events and seeds behind the numbers. */
  readonly says: string
  readonly lines: readonly { readonly name: string; readonly cell: Cell }[]
  /** Variants without a finished cell here, and why. */
  readonly absent: readonly { readonly name: string; readonly why: 'error' | 'not run' }[]
}

export function sectionsOf(grid: Grid): Section[] {
  const failed = new Set(grid.failed.map(({ policy, workload }) => `${policy} ${workload}`))
  return grid.panels.map((panel) => {
    const lines = grid.variants.flatMap(({ name }) => {
      const cell = grid.cells.find((c) => c.panel === panel.name && c.variant === name)
      return cell ? [{ name, cell }] : []
    })
    const absent = grid.variants
      .filter(({ name }) => !lines.some((line) => line.name === name))
      .map(({ name, policy }) => ({
        name,
        why: failed.has(`${policy} ${panel.workload}`) ? ('error' as const) : ('not run' as const),
      }))
    return { panel, says: behind(lines.map(({ cell }) => cell)), lines, absent }
  })
}

function behind(cells: readonly Cell[]): string {
  const rows = cells.flatMap((cell) => cell.rows)
  const events = rows.map((row) => row.events)
  const [least, most] = [Math.min(...events), Math.max(...events)]
  const seeds = new Set(rows.map((row) => row.seed)).size
  const range = least === most ? count(most) : `${count(least)} to ${count(most)}`
  return rows.length === 0
    ? 'no finished cell'
    : `${range} events, ${seeds === 1 ? 'one seed' : `means of ${seeds} seeds`}`
}

/** Notes below the tables: what regret and its brackets mean, where they occur. */
export function notesOf(grid: Grid): string[] {
  const columns = sectionsOf(grid).map((section) => columnsOf(grid, section))
  const bound = columns.some((shown) => shown.includes(REGRET))
  const brackets = grid.cells.some(violates)
    ? '; in brackets where promises were broken, for then copying less is no merit'
    : ''
  return [
    'spurious: pages copied although their writer was the only user; missed: the decisions for it.',
    ...(columns.includes(EVENT_COLUMNS)
      ? [
          "lost, extra: userfaultfd's events that never came, or came for pages already provided; vain: for a collapse given up.",
        ]
      : []),
    ...(bound
      ? [`regret: copies above clairvoyant, the fewest that keep every promise${brackets}.`]
      : []),
    'fork, faults: time, estimated from counted work and a cost profile. Counts are exact.',
    ...identical(grid).map(
      (names) => `warning: identical rows on every cell: ${names.join(', ')}.`,
    ),
  ]
}

/** Groups of variants that cannot be told apart by any number of any cell: perhaps not what was meant to be run. */
export function identical(grid: Grid): string[][] {
  const groups = new Map<string, string[]>()
  for (const { name } of grid.variants) {
    const cells = grid.cells.filter(({ variant }) => variant === name)
    if (cells.length === 0) continue
    const key = JSON.stringify(cells.map(({ panel, rows }) => [panel, rows.map(numbersOf)]))
    groups.set(key, [...(groups.get(key) ?? []), name])
  }
  return [...groups.values()].filter((names) => names.length > 1)
}

const numbersOf = (row: OkRow): readonly (number | string)[] => [
  row.seed,
  row.trace_hash,
  ...METRIC_IDS.map((id) => row.values[id]),
]

/** The tables of all workloads, and the notes. Ends with a newline. */
export function comparisonTable(rows: readonly Row[], format: TableFormat = 'text'): string {
  const grid = gridOf(rows)
  const sections = sectionsOf(grid)
  const parts = sections.map((section) =>
    format === 'markdown' ? markdown(grid, section) : plain(grid, section, format),
  )
  const width = format === 'lkml' ? LKML_WIDTH : TEXT_WIDTH
  const notes = notesOf(grid)
  const below =
    format === 'markdown'
      ? notes.map((line) => `- ${line}`)
      : notes.flatMap((line) => wrap(line, width))
  return `${[...parts, below.join('\n')].join('\n\n')}\n`
}

function markdown(grid: Grid, section: Section): string {
  const { panel, says, lines, absent } = section
  const columns = columnsOf(grid, section)
  return [
    `### ${escaped(panel.name)}`,
    '',
    says,
    '',
    ...markdownLines([
      ['policy', ...columns.map(({ title }) => title)],
      ...lines.map(({ name, cell }) => [
        name,
        ...columns.map((column) => column.cell(cell, grid, count)),
      ]),
      ...absent.map(({ name, why }) => [name, why, ...columns.slice(1).map(() => '')]),
    ]),
  ].join('\n')
}

/** A table whose first line is its head, the first column to the left. */
function markdownLines(table: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const [head = [], ...lines] = table.map(([name = '', ...cells]) => [escaped(name), ...cells])
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.map(line)]
}

const escaped = (text: string): string => text.replace(/[|\\]/g, '\\$&')

/** The same as text or Markdown; for a letter in as many tables below each other as its width takes. */
export function lined(table: readonly (readonly string[])[], format: TableFormat): string {
  if (format === 'markdown') return markdownLines(table).join('\n')
  if (format === 'text') return aligned(table, '  ').join('\n')
  return inParts(table, LKML_WIDTH)
    .map((part) => aligned(part, ' ', LKML_WIDTH).join('\n'))
    .join('\n\n')
}

/** A line of text, or for a letter several that fit its width. */
export function fitted(text: string, format: TableFormat): string {
  return format === 'lkml' ? wrap(text, LKML_WIDTH).join('\n') : text
}

/** Some of the columns each, all with the first one. Throws RangeError where a column alone is too wide. */
function inParts(table: readonly (readonly string[])[], width: number): string[][][] {
  const [first = 0, ...others] = widthsOf(table)
  // A longer name gets a line of its own.
  const names = Math.min(first, width / 2)
  const parts: number[][] = []
  let used = width
  for (const [i, other] of others.entries()) {
    if (other >= width) {
      const title = table[0]?.[i + 1]
      throw new RangeError(`unsupported format: lkml; ${title} does not fit its ${width} columns`)
    }
    if (used + 1 + other > width) {
      parts.push([])
      used = names
    }
    parts.at(-1)?.push(i + 1)
    used += 1 + other
  }
  return parts.map((columns) => table.map((line) => [0, ...columns].map((i) => line[i] ?? '')))
}

function widthsOf(table: readonly (readonly string[])[]): number[] {
  return (table[0] ?? []).map((_, i) => Math.max(...table.map((line) => (line[i] ?? '').length)))
}

/** Exact numbers if they fit the width, short ones if not; a name that still does not fit gets a line of its own. */
function plain(grid: Grid, section: Section, format: 'text' | 'lkml'): string {
  const lkml = format === 'lkml'
  const width = lkml ? LKML_WIDTH : TEXT_WIDTH
  const columns = columnsOf(grid, section)
  const spelled = (number: Numbering): string[][] => [
    ['policy', ...columns.map(({ short, shortest }) => (lkml ? shortest : short))],
    ...section.lines.map(({ name, cell }) => [
      name,
      ...columns.map((column) => {
        const text = column.cell(cell, grid, number)
        return lkml ? text.replace(' ', '') : text
      }),
    ]),
  ]
  const tries: readonly (readonly [Numbering, gap: string])[] = lkml
    ? [
        [ungrouped, ' '],
        [shortCount, ' '],
      ]
    : [
        [count, '  '],
        [count, ' '],
        [shortCount, '  '],
        [shortCount, ' '],
      ]
  const tables = tries.map(([number, gap]) => aligned(spelled(number), gap))
  const lines =
    tables.find((table) => fits(table, width)) ?? aligned(spelled(shortCount), ' ', width)
  const absent = section.absent.map(({ name, why }) => `${name}: ${why}`)
  return [
    ...wrap(`${section.panel.name}: ${section.says}`, width),
    '',
    ...lines,
    ...absent.flatMap((line) => wrap(line, width)),
  ].join('\n')
}

const ungrouped: Numbering = (value) => count(value).replaceAll(',', '')

const fits = (lines: readonly string[], width: number): boolean =>
  lines.every((line) => line.length <= width)

/** The first column to the left, the others to the right, in at most `width` columns. */
function aligned(
  table: readonly (readonly string[])[],
  gap: string,
  width = Number.POSITIVE_INFINITY,
): string[] {
  const [first = 0, ...others] = widthsOf(table)
  const rest = others.reduce((sum, w) => sum + gap.length + w, 0)
  const names = Math.min(first, width - rest)
  return table.flatMap(([name = '', ...cells]) => {
    const numbers = cells.map((cell, i) => gap + cell.padStart(others[i] ?? 0)).join('')
    return name.length > names
      ? [name, ' '.repeat(names) + numbers]
      : [name.padEnd(names) + numbers]
  })
}
