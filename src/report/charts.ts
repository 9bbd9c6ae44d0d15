/**
 * CHARTS: every picture of a report, each a pure function from rows to a Vega-Lite spec that holds its data; undefined
 * where the rows have nothing for it.
 */
import type { Row } from '../metrics/row.ts'
import { barPanels, plain, stacked } from './bars.ts'
import { count, duration } from './format.ts'
import { type Cell, estimateOf, type Grid, gridOf, mean, violates } from './grid.ts'
import { violationsHeatmap } from './heatmap.ts'
import {
  axisTitle,
  bracketsNote,
  type ChartSpec,
  COUNT_AXIS,
  chosenPanels,
  failedNote,
  needsLog,
  note,
  rounded,
  seedsNote,
  title,
  whiskerOf,
} from './spec.ts'
import { sweepChart } from './sweep.ts'

export interface Chart {
  /** Name of its files: charts/<id>.vl.json, .svg, .png. */
  readonly id: string
  readonly what: string
  readonly draw: (rows: readonly Row[]) => ChartSpec | undefined
}

export const CHARTS: readonly Chart[] = [
  {
    id: 'copies',
    what: 'pages copied per policy and workload, needed and spurious, by where the copy was made',
    draw: chart(copiesChart),
  },
  {
    id: 'missed-reuses',
    what: 'decisions to copy a page that only its writer used',
    draw: chart(missedReusesChart),
  },
  {
    id: 'violations',
    what: 'broken promises by class, policy and workload',
    draw: chart(violationsHeatmap),
  },
  {
    id: 'sweep',
    what: 'spurious copies against each swept parameter; drawn only for a sweep',
    draw: chart(sweepChart),
  },
  {
    id: 'time',
    what: 'estimated time in fork, faults, exit and swap',
    draw: chart(timeChart),
  },
]

/** Rows of which none finished have nothing to draw. */
function chart(draw: (grid: Grid) => ChartSpec | undefined): Chart['draw'] {
  return (rows) => {
    const grid = gridOf(rows)
    return grid.cells.length === 0 ? undefined : draw(grid)
  }
}

/** In brackets where the cell has violations, as in the tables. */
const bracketed = (cell: Cell, text: string): string => (violates(cell) ? `[${text}]` : text)

/** Spurious in oranges, needed in blues; the darker, the closer to an ordinary store. */
const COPIES = [
  { name: 'spurious, at a store', colour: '#b8420a' },
  { name: 'spurious, at fork', colour: '#ee8a4a' },
  { name: 'spurious, for a pin', colour: '#fbc9a1' },
  { name: 'needed, at a store', colour: '#46688c' },
  { name: 'needed, at fork', colour: '#8aa9c6' },
  { name: 'needed, for a pin', colour: '#cfdce8' },
] as const

function copiesChart(grid: Grid): ChartSpec {
  const sentence = 'Look at the orange: pages copied although their writer was the only user.'
  const [only] = grid.cells
  if (only && grid.cells.length === 1) {
    return single(
      sentence,
      only,
      `${count(mean(only, 'copies'))} pages copied, ${count(mean(only, 'spurious_copies'))} of them spurious`,
    )
  }
  return barPanels(grid, {
    title: title(
      sentence,
      'Blue is what privacy and pins demand.',
      'Each panel has its own scale; the number is the whole bar.',
      ...notes(grid, false),
    ),
    description:
      'Pages copied per policy and workload: needed and spurious, at stores, at fork and for pins.',
    numbers: (cell) => {
      const fork = mean(cell, 'fork_copies')
      const pin = mean(cell, 'unshare_copies')
      const spurious = mean(cell, 'spurious_copies')
      const spuriousFork = mean(cell, 'spurious_fork_copies')
      const spuriousPin = mean(cell, 'spurious_unshare_copies')
      const needed = mean(cell, 'needed_copies')
      return {
        [COPIES[0].name]: rounded(spurious - spuriousFork - spuriousPin),
        [COPIES[1].name]: rounded(spuriousFork),
        [COPIES[2].name]: rounded(spuriousPin),
        [COPIES[3].name]: rounded(needed - (fork - spuriousFork) - (pin - spuriousPin)),
        [COPIES[4].name]: rounded(fork - spuriousFork),
        [COPIES[5].name]: rounded(pin - spuriousPin),
      }
    },
    label: (cell) => bracketed(cell, count(mean(cell, 'copies'))),
    parts: COPIES,
    layers: [stacked(grid, COPIES, axisTitle('copies'), COUNT_AXIS)],
  })
}

function missedReusesChart(grid: Grid): ChartSpec {
  const sentence = 'Every bar is waste: decisions to copy what only the writer used. 0 is ideal.'
  const [only] = grid.cells
  if (only && grid.cells.length === 1) {
    return single(sentence, only, `${count(mean(only, 'missed_reuses'))} missed reuses`)
  }
  const means = grid.cells.map((cell) => mean(cell, 'missed_reuses'))
  const log = needsLog(means)
  return barPanels(grid, {
    title: title(
      sentence,
      'A page, a huge folio or a page table counts as one.',
      log ? 'Logarithmic from 1 on.' : '',
      ...notes(grid, true),
    ),
    description: 'Missed reuses per policy and workload.',
    numbers: (cell) => {
      const missed = estimateOf(cell, 'missed_reuses')
      return { missed_reuses: rounded(missed.mean), ...(grid.seeds > 1 && whiskerOf(missed)) }
    },
    label: (cell) => bracketed(cell, count(mean(cell, 'missed_reuses'))),
    parts: [],
    layers: plain(grid, 'missed_reuses'),
  })
}

const TIMES = [
  { name: 'fork', metric: 'fork_ns', colour: '#1b4f72' },
  { name: 'faults and pins', metric: 'fault_ns', colour: '#e08e0b' },
  { name: 'exit, exec, unmap', metric: 'exit_ns', colour: '#9ccfc4' },
  { name: 'reclaim and swap', metric: 'swap_ns', colour: '#a5428f' },
] as const

/** Ticks in ns, written as the numbers beside the bars are. */
const SECONDS = "replace(format(datum.value / 1e9, '~s'), 'µ', 'u') + 's'"

function timeChart(grid: Grid): ChartSpec {
  const sentence = 'Estimated time: see which policies buy a fast fork with slow faults.'
  const [only] = grid.cells
  if (only && grid.cells.length === 1) {
    return single(sentence, only, `an estimated ${duration(mean(only, 'total_ns'))}`)
  }
  return barPanels(grid, {
    title: title(
      sentence,
      'An estimate, not a measurement: counted work times the costs of a profile.',
      'Each panel has its own scale.',
      ...notes(grid, false),
    ),
    description:
      'Estimated time per policy and workload: fork, faults and pins, exit, reclaim and swap.',
    numbers: (cell) =>
      Object.fromEntries(TIMES.map(({ name, metric }) => [name, rounded(mean(cell, metric))])),
    label: (cell) => bracketed(cell, duration(mean(cell, 'total_ns'))),
    parts: TIMES,
    layers: [stacked(grid, TIMES, 'total_ns, estimated', { labelExpr: SECONDS, tickCount: 3 })],
  })
}

function notes(grid: Grid, whiskers: boolean): string[] {
  const { panels, left } = chosenPanels(grid)
  const drawn = grid.cells.filter(({ panel }) => panels.some(({ name }) => name === panel))
  return [seedsNote(grid, whiskers), bracketsNote(drawn), failedNote(grid), left]
}

/** One cell makes no comparison. */
function single(sentence: string, cell: Cell, says: string): ChartSpec {
  return note(sentence, `A single data point: ${cell.variant} on ${cell.panel}: ${says}.`)
}
