/**
 * What all charts share: fonts and greys, the form of titles, the grid of panels, and the text of a .vl.json file.
 */
import type { Config, TopLevelSpec } from 'vega-lite'
import { METRICS, type MetricId } from '../metrics/schema.ts'
import type { Estimate } from '../metrics/summary.ts'
import { type Cell, type Grid, type Panel, violates } from './grid.ts'
import { looksOf } from './palette.ts'

export type ChartSpec = TopLevelSpec
export type Value = Readonly<Record<string, string | number>>

/** The shipped font, then one of the same width where a browser lacks it. */
export const FONT = 'DejaVu Sans, Verdana, sans-serif'

const INK = '#222222'
const GREY = '#5a5a5a'
const LINE = '#dddddd'

export const CONFIG: Config = {
  background: '#ffffff',
  padding: 12,
  font: FONT,
  // Only the regular face is shipped.
  title: {
    anchor: 'start',
    frame: 'bounds',
    color: INK,
    fontSize: 15,
    fontWeight: 'normal',
    subtitleColor: GREY,
    subtitleFontSize: 11,
    subtitlePadding: 5,
    offset: 14,
  },
  header: {
    labelFontSize: 11.5,
    labelFontWeight: 'normal',
    labelColor: INK,
    labelLimit: 0,
    labelLineHeight: 14,
    labelPadding: 5,
    titleFontWeight: 'normal',
  },
  axis: {
    labelColor: INK,
    titleColor: GREY,
    labelFontSize: 10,
    titleFontSize: 10,
    titleFontWeight: 'normal',
    labelLimit: 0,
    labelFlush: false,
    gridColor: LINE,
    domainColor: '#999999',
    tickColor: '#999999',
  },
  legend: {
    labelColor: INK,
    titleColor: GREY,
    labelFontSize: 10.5,
    titleFontSize: 10.5,
    titleFontWeight: 'normal',
    labelLimit: 0,
    symbolLimit: 0,
    columnPadding: 14,
  },
  // A reader of screens gets the description and the tables, not a name for each of 800 bars.
  mark: { aria: false },
  view: { stroke: null },
  facet: { spacing: 22 },
  lineBreak: '\n',
}

/** Beyond this many panels a chart shows the first setting of each workload only, and says so. */
const MOST_PANELS = 12
/** Characters of a title and of the line below it that fit the narrowest chart. */
const TITLE_WIDTH = 86
const SUBTITLE_WIDTH = 112

/** One sentence that says what to look at, and what the reader has to know beside it. */
export function title(sentence: string, ...notes: readonly string[]): ChartSpec['title'] {
  const subtitle = notes.filter((note) => note !== '').join(' ')
  return { text: wrap(sentence, TITLE_WIDTH), subtitle: wrap(subtitle, SUBTITLE_WIDTH) }
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1]
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** A chart that has nothing to compare: the sentence, and why there is no picture. */
export function note(sentence: string, why: string): ChartSpec {
  return {
    $schema: SCHEMA,
    description: `${sentence} ${why}`,
    title: title(sentence),
    data: { values: [{ why }] },
    width: 560,
    height: 40,
    mark: { type: 'text', align: 'left', fontSize: 12, color: GREY, limit: 0 },
    encoding: { text: { field: 'why' }, x: { value: 0 }, y: { value: 16 } },
    config: CONFIG,
  } as ChartSpec
}

export const SCHEMA = 'https://vega.github.io/schema/vega-lite/v6.json'

/** `spurious_copies (pages)`: an axis is titled by its column and, where it is not a plain count, by the unit. */
export function axisTitle(id: MetricId): string {
  const metric = METRICS.find((m) => m.id === id)
  if (!metric) throw new RangeError(`unknown metric: ${id}`)
  return metric.unit === 'count' ? metric.id : `${metric.id} (${metric.unit})`
}

/** The panels that a chart of all policies draws, and the note about those that it leaves out. */
export function chosenPanels(grid: Grid): { panels: readonly Panel[]; left: string } {
  const all = grid.panels.filter(({ name }) => grid.cells.some(({ panel }) => panel === name))
  const workloads = all.map(({ workload }) => workload)
  const firsts = all.filter(({ workload }, i) => workloads.indexOf(workload) === i)
  if (all.length <= MOST_PANELS || firsts.length === all.length) return { panels: all, left: '' }
  const left = `${firsts.length} of ${all.length} settings are shown, the first of each workload; report.html has them all.`
  return { panels: firsts, left }
}

/** Says what a number stands for where there are several seeds. */
export function seedsNote(grid: Grid, whiskers: boolean): string {
  if (grid.seeds < 2) return ''
  return `Means of ${grid.seeds} seeds${whiskers ? '; whiskers are 95% intervals' : ''}.`
}

/** Why some numbers stand in brackets; empty where nothing was violated. */
export function bracketsNote(cells: readonly Cell[]): string {
  return cells.some(violates)
    ? 'In brackets: the policy broke a promise there, so a small number is no merit.'
    : ''
}

/** Cells that failed are missing from every mean. */
export function failedNote(grid: Grid): string {
  return grid.failed.length === 0
    ? ''
    : `${grid.failed.length} cells ended in an error and are left out.`
}

/** Ends of a whisker as fields of a data value. A single seed gives no interval, and no count is below 0. */
export function whiskerOf({ mean, low = mean, high = mean }: Estimate): Value {
  return { low: rounded(Math.max(0, low)), high: rounded(high) }
}

/** Rounds means so that a spec reads well; counts stay exact. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Each tick in its own unit: 0, 500, 1k. With `format` alone all take the unit of the largest. */
export const SHORT = "format(datum.value, '~s')"

/** Do positive values spread so far that a linear axis would hide the small ones? */
export function needsLog(values: readonly number[], factor = 1000): boolean {
  const positive = values.filter((value) => value > 0)
  return Math.max(...positive) > factor * Math.min(...positive)
}

/** A layer that cannot be seen: a panel in which all is 0 would have an axis without length. */
export const reachesOne = (channel: 'x' | 'y'): object => ({
  mark: { type: 'point', opacity: 0 },
  encoding: { [channel]: { datum: 1, type: 'quantitative' } },
})

/** Whole ticks also where all is 0 or 1: `200m` is no count. */
export const COUNT_AXIS = { tickCount: 4, tickMinStep: 1, labelExpr: SHORT } as const

/**
 * Scale and axis for counts: logarithmic from 1 on, so that 0 keeps its place, or linear where that shows all (up to
 * `factor` between the least and the most).
 */
export function countScale(
  values: readonly number[],
  factor?: number,
): { scale: object; axis: object } {
  if (!needsLog(values, factor)) return { scale: {}, axis: COUNT_AXIS }
  const ticks = [0, ...powersOfTen(Math.max(...values))]
  return {
    scale: { type: 'symlog', constant: 1 },
    axis: { values: ticks, labelExpr: SHORT },
  }
}

/** 1, 10, 100... up to `most`. */
export function powersOfTen(most: number): number[] {
  const ticks = [1]
  for (let tick = 10; tick <= most; tick *= 10) ticks.push(tick)
  return ticks
}

/** Colours of the variants: those of their policies. */
export function variantColours(grid: Grid): { domain: string[]; range: string[] } {
  const looks = looksOf(grid.policies)
  return {
    domain: grid.variants.map(({ name }) => name),
    range: grid.variants.map(({ policy }) => looks.get(policy)?.colour ?? INK),
  }
}

/** JSON with one line for each data value, so that a committed chart can be read and its changes reviewed. */
export function specText(spec: ChartSpec): string {
  const values: string[] = []
  const text = JSON.stringify(
    spec,
    (key, value) => {
      if (key !== 'values' || !Array.isArray(value)) return value
      values.push(value.map((v) => `\n      ${JSON.stringify(v)}`).join(','))
      return `@values ${values.length - 1}`
    },
    2,
  )
  return `${text.replace(/"@values ([0-9]+)"/g, (_, n) => `[${values[Number(n)]}\n    ]`)}\n`
}
