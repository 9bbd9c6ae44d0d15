/**
 * Heatmaps: policies down, workloads or failures across. The word or number stands in the cell, so that colour never
 * carries the answer alone.
 */
import { VIOLATIONS } from '../metrics/schema.ts'
import { shortCount } from './format.ts'
import { type Cell, type Grid, mean } from './grid.ts'
import { inOrder } from './palette.ts'
import {
  type ChartSpec,
  CONFIG,
  failedNote,
  note,
  powersOfTen,
  rounded,
  SCHEMA,
  seedsNote,
  title,
  type Value,
} from './spec.ts'

/** Beyond this many columns in a block, a workload shows its worst setting only. */
const MOST_COLUMNS = 24

/** What a page has room for side by side; blocks of more columns than that stand below each other. */
const COLUMNS_OF_A_PAGE = 30

const NONE = '#eef1f4'

/** Violations by class: one block of columns for each class that occurs. */
export function violationsHeatmap(grid: Grid): ChartSpec {
  const sentence = 'Every coloured cell is a broken promise: look for rows without any.'
  const occurring = VIOLATIONS.filter((id) => grid.cells.some((cell) => mean(cell, id) > 0))
  if (occurring.length === 0) {
    const all = grid.cells.length === 1 ? 'the only cell' : `all ${grid.cells.length} cells`
    return note(sentence, `No violations: every promise was kept in ${all}.`)
  }
  const absent = VIOLATIONS.filter((id) => !occurring.includes(id))
  const folded = grid.panels.length > MOST_COLUMNS
  const place = (cell: Cell): string => (folded ? cell.workload : cell.panel)
  const columns = [...new Set(grid.panels.map(({ name, workload }) => (folded ? workload : name)))]
  const values = occurring.flatMap((id) =>
    columns.flatMap((workload) =>
      grid.variants.flatMap(({ name }) => {
        const cells = grid.cells.filter((c) => place(c) === workload && c.variant === name)
        if (cells.length === 0) return []
        const n = Math.max(...cells.map((cell) => mean(cell, id)))
        const text = n > 0 ? shortCount(Math.max(1, n)) : ''
        return [{ class: id, workload, policy: name, n: rounded(n), text }]
      }),
    ),
  )
  const most = Math.max(...values.map(({ n }) => n))
  return heatmap({
    title: title(
      sentence,
      `Numbers are ${grid.seeds > 1 ? 'mean ' : ''}violations; pale cells have none, blank cells were not run.`,
      folded ? 'Each workload at its worst setting.' : '',
      absent.length > 0 ? `None anywhere: ${absent.join(', ')}.` : '',
      seedsNote(grid, false),
      failedNote(grid),
    ),
    description: `Violations per policy and workload, by class: ${occurring.join(', ')}.`,
    values,
    x: { field: 'workload', sort: columns },
    blocks: {
      ...{ field: 'class', sort: occurring },
      columns: occurring.length * columns.length > COLUMNS_OF_A_PAGE ? 1 : occurring.length,
    },
    policies: grid.variants.map(({ name }) => name),
    step: 34,
    color: {
      condition: { test: 'datum.n === 0', value: NONE },
      field: 'n',
      type: 'quantitative',
      scale: {
        type: 'log',
        domain: [1, Math.max(10, most)],
        scheme: { name: 'orangered', extent: [0.2, 1] },
      },
      legend: { title: 'violations', format: '~s', values: powersOfTen(Math.max(10, most)) },
    },
    // Dark text until the cell is darker than the middle of the scale.
    textColor: {
      condition: { test: `datum.n > ${rounded(Math.sqrt(Math.max(10, most)))}`, value: '#ffffff' },
      value: '#222222',
    },
  })
}

/** How a policy fares on one known failure of the past. */
export interface FailureRow {
  readonly policy: string
  /** Short name, such as CVE-2020-29374. */
  readonly failure: string
  readonly verdict: FailureVerdict
}

export type FailureVerdict = (typeof FAILURE_VERDICTS)[number]['verdict']

/** What may be said of a policy and a known failure, from best to worst, and how a cell says it. */
export const FAILURE_VERDICTS = [
  { verdict: 'ok', mark: '', colour: NONE, dark: false },
  { verdict: 'not applicable', mark: '-', colour: '#ffffff', dark: false },
  { verdict: 'extra event', mark: 'extra', colour: '#f7e6b8', dark: false },
  { verdict: 'spurious copy', mark: 'copy', colour: '#f3d27a', dark: false },
  { verdict: 'lost event', mark: 'event', colour: '#ea9a57', dark: false },
  { verdict: 'lost write', mark: 'write', colour: '#c8593c', dark: true },
  { verdict: 'lost coherence', mark: 'coher.', colour: '#9c2a5b', dark: true },
  { verdict: 'leak', mark: 'leak', colour: '#4c0f38', dark: true },
] as const

/** Known failures of the past, by policy: where each one is fixed, and where it came back. */
export function knownFailuresHeatmap(rows: readonly FailureRow[]): ChartSpec | undefined {
  if (rows.length === 0) return undefined
  const failures = [...new Set(rows.map(({ failure }) => failure))]
  const values = rows.map(({ policy, failure, verdict }) => {
    const look = FAILURE_VERDICTS.find((v) => v.verdict === verdict)
    if (!look) {
      const expected = FAILURE_VERDICTS.map((v) => v.verdict).join(', ')
      throw new RangeError(`unknown verdict: ${verdict}; expected: ${expected}`)
    }
    return { policy, failure, verdict, text: look.mark, dark: Number(look.dark) }
  })
  const shown = FAILURE_VERDICTS.filter((v) => values.some(({ verdict }) => verdict === v.verdict))
  return heatmap({
    title: title(
      'Read across: which failures of the past each policy still has.',
      'Pale cells are correct and copy no more than they must; the darker a cell, the worse the breach.',
    ),
    description: 'Known failures by policy: correct, an unneeded copy, or a broken promise.',
    values,
    x: { field: 'failure', sort: failures },
    policies: inOrder(rows.map(({ policy }) => policy)),
    step: 38,
    color: {
      field: 'verdict',
      type: 'nominal',
      scale: {
        domain: shown.map((v) => v.verdict),
        range: shown.map((v) => v.colour),
      },
      legend: { title: null, symbolType: 'square', symbolStrokeColor: '#aaaaaa' },
    },
    textColor: { condition: { test: 'datum.dark === 1', value: '#ffffff' }, value: '#222222' },
  })
}

interface Heatmap {
  readonly title: ChartSpec['title']
  readonly description: string
  readonly values: readonly Value[]
  readonly x: { field: string; sort: readonly string[] }
  readonly blocks?: { field: string; sort: readonly string[]; columns: number }
  readonly policies: readonly string[]
  /** Width of a cell. */
  readonly step: number
  readonly color: object
  readonly textColor: object
}

function heatmap(map: Heatmap): ChartSpec {
  return {
    $schema: SCHEMA,
    description: map.description,
    title: map.title,
    data: { values: map.values },
    ...(map.blocks && {
      facet: { field: map.blocks.field, sort: map.blocks.sort, type: 'nominal', title: null },
      columns: map.blocks.columns,
    }),
    ...wrapped(map.blocks !== undefined, {
      width: { step: map.step },
      height: { step: 17 },
      encoding: {
        x: {
          ...map.x,
          type: 'nominal',
          title: null,
          axis: { labelAngle: -50, ticks: false, domain: false },
        },
        y: {
          field: 'policy',
          type: 'nominal',
          sort: map.policies,
          title: null,
          axis: { ticks: false, domain: false },
        },
      },
      layer: [
        {
          mark: { type: 'rect', stroke: '#ffffff', strokeWidth: 1 },
          encoding: { color: map.color },
        },
        {
          mark: { type: 'text', fontSize: 9 },
          encoding: { text: { field: 'text' }, color: map.textColor },
        },
      ],
    }),
    config: CONFIG,
  } as ChartSpec
}

const wrapped = (faceted: boolean, spec: object): object => (faceted ? { spec } : spec)
