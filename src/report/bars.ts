/**
 * Bars: a panel for each workload, a bar for each policy in it, and the number beside the bar.
 */
import type { MetricId } from '../metrics/schema.ts'
import { type Cell, type Grid, mean } from './grid.ts'
import {
  axisTitle,
  type ChartSpec,
  CONFIG,
  chosenPanels,
  countScale,
  reachesOne,
  SCHEMA,
  type Value,
  variantColours,
} from './spec.ts'

export interface Bars {
  readonly title: ChartSpec['title']
  readonly description: string
  /** Numbers of one bar, as fields of its data value. */
  readonly numbers: (cell: Cell) => Value
  /** What is printed beside the bar. */
  readonly label: (cell: Cell) => string
  /** What the bars are stacked from, and so the legend; none where a bar has its policy's colour. */
  readonly parts: readonly Part[]
  /** Marks of the bar itself, in terms of the fields of `numbers`. */
  readonly layers: readonly object[]
}

/** Width of a panel by how many stand in a row. */
const WIDTHS = [440, 300, 220, 165]
const BAR = 14
const LABELS = 'number'

export function barPanels(grid: Grid, bars: Bars): ChartSpec {
  const { panels } = chosenPanels(grid)
  const columns = Math.ceil(panels.length / Math.ceil(panels.length / WIDTHS.length))
  const width = WIDTHS[columns - 1] as number
  const failed = new Set(grid.failed.map(({ policy, workload }) => `${policy} ${workload}`))
  const values = panels.flatMap((panel) =>
    grid.variants.map(({ name, policy }) => {
      const cell = grid.cells.find((c) => c.panel === panel.name && c.variant === name)
      const place = { panel: panelLabel(panel.workload, panel.setting), policy: name }
      if (cell) return { ...place, ...bars.numbers(cell), [LABELS]: bars.label(cell) }
      return { ...place, [LABELS]: failed.has(`${policy} ${panel.workload}`) ? 'error' : 'not run' }
    }),
  )
  return {
    $schema: SCHEMA,
    description: bars.description,
    title: bars.title,
    data: { values },
    facet: {
      field: 'panel',
      type: 'nominal',
      sort: panels.map(({ workload, setting }) => panelLabel(workload, setting)),
      title: null,
    },
    columns,
    spec: {
      width,
      height: { step: BAR },
      encoding: {
        y: {
          field: 'policy',
          type: 'nominal',
          sort: grid.variants.map(({ name }) => name),
          title: null,
          axis: { labelPadding: 14, ticks: false, domain: false },
        },
      },
      layer: [
        ...bars.layers,
        reachesOne('x'),
        {
          mark: { type: 'point', shape: 'square', filled: true, size: 55, opacity: 1 },
          encoding: { x: { value: -8 }, color: colour(grid, 'policy', bars.parts) },
        },
        {
          mark: { type: 'text', align: 'left', fontSize: 9, color: '#444444' },
          encoding: { x: { value: width + 6 }, text: { field: LABELS } },
        },
      ],
    },
    resolve: { scale: { x: 'independent' } },
    config: CONFIG,
  } as ChartSpec
}

const panelLabel = (workload: string, setting: string): string =>
  setting === '' ? workload : `${workload}\n${setting}`

export interface Part {
  /** Of the data value, and of the legend. */
  readonly name: string
  readonly colour: string
}

/** One scale for parts and policies: a scale of its own for either would put a legend into every panel. */
function colour(grid: Grid, field: 'part' | 'policy', parts: readonly Part[]): object {
  const { domain, range } = variantColours(grid)
  const names = parts.map(({ name }) => name)
  return {
    field,
    type: 'nominal',
    scale: {
      domain: [...names, ...domain],
      range: [...parts.map((part) => part.colour), ...range],
    },
    legend:
      parts.length === 0
        ? null
        : {
            ...{ title: null, orient: 'top', direction: 'horizontal', symbolType: 'square' },
            ...{ columns: parts.length > 4 ? 3 : parts.length, values: names },
          },
  }
}

/** A bar stacked from `parts`, in their order. */
export function stacked(grid: Grid, parts: readonly Part[], xTitle: string, xAxis: object): object {
  const names = parts.map(({ name }) => name)
  return {
    transform: [
      { fold: names, as: ['part', 'amount'] },
      { calculate: `indexof(${JSON.stringify(names)}, datum.part)`, as: 'nth' },
    ],
    mark: { type: 'bar', height: BAR - 3 },
    encoding: {
      x: {
        field: 'amount',
        type: 'quantitative',
        stack: 'zero',
        title: xTitle,
        axis: { tickCount: 4, ...xAxis },
      },
      order: { field: 'nth', type: 'quantitative' },
      color: colour(grid, 'part', parts),
      tooltip: [{ field: 'policy' }, { field: 'part' }, { field: 'amount', format: ',' }],
    },
  }
}

/** A bar in its policy's colour, with whiskers where there are several seeds. */
export function plain(grid: Grid, field: MetricId): object[] {
  const bar = {
    mark: { type: 'bar', height: BAR - 3 },
    encoding: {
      x: {
        field,
        type: 'quantitative',
        title: axisTitle(field),
        ...countScale(grid.cells.map((cell) => mean(cell, field))),
      },
      color: colour(grid, 'policy', []),
      tooltip: [{ field: 'policy' }, { field, format: ',' }],
    },
  }
  if (grid.seeds < 2) return [bar]
  const rule = {
    mark: { type: 'rule', strokeWidth: 1.5, color: '#222222' },
    encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
  }
  return [bar, rule]
}
