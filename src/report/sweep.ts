/**
 * The sweep chart: spurious copies against each swept parameter, one line for each policy.
 */
import { MACHINE_PARAMS } from '../metrics/row.ts'
import { areNumbers, type Cell, estimateOf, type Grid, leastFirst, mean, violates } from './grid.ts'
import { inOrder, type Look, looksOf } from './palette.ts'
import {
  axisTitle,
  bracketsNote,
  type ChartSpec,
  CONFIG,
  countScale,
  failedNote,
  needsLog,
  note,
  reachesOne,
  rounded,
  SCHEMA,
  SHORT,
  seedsNote,
  title,
  whiskerOf,
} from './spec.ts'

const SENTENCE =
  'Watch which lines climb: copies without need as a parameter grows. Flat at 0 is ideal.'
const NOISE_SENTENCE =
  'Watch which lines climb: copies made because somebody else held the page for a moment.'

/** One panel for each workload and parameter; the other swept parameters stay at their first value. */
interface Sweep {
  readonly workload: string
  readonly param: string
  readonly values: readonly string[]
  readonly cells: readonly Cell[]
  /** `name=value` of the other swept parameters. */
  readonly held: readonly string[]
}

/** Undefined if no parameter takes several values. */
export function sweepChart(grid: Grid): ChartSpec | undefined {
  const sweeps = sweepsOf(grid)
  const drawn = sweeps.filter(({ values }) => values.length > 1)
  const [first] = sweeps
  if (!first) return undefined
  if (drawn.length === 0) {
    const only = `only ${first.param}=${first.values.join('')} finished on ${first.workload}`
    return note(SENTENCE, `A single data point: ${only}.`)
  }
  const held = [...new Set(drawn.flatMap((sweep) => sweep.held))]
  const noise = drawn.every(({ param }) => MACHINE_PARAMS.includes(param))
  return {
    $schema: SCHEMA,
    description: `Spurious copies against ${[...new Set(drawn.map(({ param }) => param))].join(', ')}.`,
    title: title(
      noise ? NOISE_SENTENCE : SENTENCE,
      held.length > 0 ? `The other swept parameters stay at ${held.join(', ')}.` : '',
      coincide(drawn),
      bracketsNote(drawn.flatMap(({ cells }) => cells)),
      seedsNote(grid, true),
      failedNote(grid),
    ),
    columns: Math.min(3, drawn.length),
    concat: drawn.map((sweep) => panelOf(sweep, drawn, grid)),
    config: CONFIG,
  } as ChartSpec
}

function sweepsOf(grid: Grid): Sweep[] {
  const workloads = [...new Set(grid.cells.map(({ workload }) => workload))]
  return workloads.flatMap((workload) => {
    const cells = grid.cells.filter((cell) => cell.workload === workload)
    const params = [...new Set(cells.flatMap(({ settings }) => [...settings.keys()]))]
    return params.map((param) => {
      const firsts = new Map(
        params
          .filter((other) => other !== param)
          .map((other) => [
            other,
            cells.find((cell) => cell.settings.has(other))?.settings.get(other),
          ]),
      )
      const chosen = cells.filter(
        ({ settings }) =>
          settings.has(param) &&
          [...firsts].every(([name, value]) => (settings.get(name) ?? value) === value),
      )
      const values = [...new Set(chosen.map(({ settings }) => settings.get(param) ?? ''))]
      return {
        ...{ workload, param, cells: chosen },
        values: leastFirst(values),
        held: [...firsts].map(([name, value]) => `${name}=${value}`),
      }
    })
  })
}

/** A line below another cannot be seen: which policies have the same mean at every point? */
function coincide(sweeps: readonly Sweep[]): string {
  const lines = new Map<string, string[]>()
  const broken = brokenLines(sweeps)
  for (const { name } of linesOf(sweeps)) {
    const points = sweeps.flatMap(({ cells }) =>
      cells.filter(({ line }) => line === name).map((cell) => mean(cell, 'spurious_copies')),
    )
    const key = points.join()
    lines.set(key, [...(lines.get(key) ?? []), broken.includes(name) ? `[${name}]` : name])
  }
  const same = [...lines.values()].filter((policies) => policies.length > 1)
  if (same.length === 0) return ''
  return `One line for: ${same.map((policies) => policies.join(' = ')).join('; ')}.`
}

/** Lines on which a promise was broken at any point. */
function brokenLines(sweeps: readonly Sweep[]): string[] {
  const broken = sweeps.flatMap(({ cells }) => cells.filter(violates))
  return [...new Set(broken.map(({ line }) => line))]
}

/** Lines to draw, in historical order of their policies. */
function linesOf(sweeps: readonly Sweep[]): { name: string; policy: string }[] {
  const cells = sweeps.flatMap((sweep) => sweep.cells)
  const lines = new Map(cells.map(({ line, policy }) => [line, { name: line, policy }]))
  return inOrder(cells.map(({ policy }) => policy)).flatMap((policy) =>
    [...lines.values()].filter((line) => line.policy === policy),
  )
}

function panelOf(sweep: Sweep, drawn: readonly Sweep[], grid: Grid): object {
  const numbers = areNumbers(sweep.values)
  const values = sweep.cells.map((cell) => {
    const copies = estimateOf(cell, 'spurious_copies')
    const value = cell.settings.get(sweep.param) ?? ''
    return {
      policy: cell.line,
      value: numbers ? Number(value) : value,
      spurious_copies: rounded(copies.mean),
      ...(violates(cell) && { brackets: '[   ]' }),
      ...(grid.seeds > 1 && whiskerOf(copies)),
    }
  })
  const all = values.map((value) => value.spurious_copies as number)
  const lines = linesOf(drawn)
  const looks = looksOf(grid.policies)
  const range = <T>(of: (look: Look) => T): { domain: string[]; range: T[] } => ({
    domain: lines.map(({ name }) => name),
    range: lines.flatMap(({ policy }) => looks.get(policy) ?? []).map(of),
  })
  const logarithmic = numbers && needsLog(sweep.values.map(Number), SPREAD)
  const x = numbers
    ? {
        type: 'quantitative',
        scale: { nice: false, ...spread(sweep.values.map(Number)) },
        axis: { values: sweep.values.map(Number), labelExpr: SHORT, grid: false },
      }
    : { type: 'ordinal', sort: sweep.values, axis: { labelAngle: 0 } }
  const broken = brokenLines(drawn)
  const policy = { field: 'policy', legend: { title: null, ...bracketed(broken) } }
  return {
    title: { text: sweep.workload, fontSize: 11.5, offset: 6 },
    data: { values },
    transform: [{ calculate: 'datum.policy', as: 'line' }],
    width: 280,
    height: 240,
    encoding: {
      x: { field: 'value', title: paramTitle(sweep.param), ...x },
      color: { ...policy, scale: range(({ colour }) => colour) },
    },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 1.8 },
        encoding: {
          y: {
            field: 'spurious_copies',
            type: 'quantitative',
            title: axisTitle('spurious_copies'),
            // Over a logarithmic parameter a proportional count is a straight line if it is logarithmic too.
            ...countScale(all, logarithmic ? 30 : undefined),
          },
          // A field of its own: the legend shows points, and dashes would fray them.
          strokeDash: { field: 'line', legend: null, scale: range(({ dash }) => dash) },
        },
      },
      {
        mark: { type: 'point', filled: true, opacity: 1, size: 42 },
        encoding: {
          y: { field: 'spurious_copies', type: 'quantitative' },
          shape: { ...policy, scale: range(({ shape }) => shape) },
        },
      },
      ...(values.some(({ brackets }) => brackets) ? [BRACKETS] : []),
      ...(grid.seeds > 1 ? [WHISKER] : []),
      reachesOne('y'),
    ],
  }
}

/** The legend's names of these lines in brackets. */
function bracketed(lines: readonly string[]): object {
  if (lines.length === 0) return {}
  const found = `indexof(${JSON.stringify(lines)}, datum.label) >= 0`
  return { labelExpr: `${found} ? '[' + datum.label + ']' : datum.label` }
}

/** Rates of noise have a unit that a reader cannot guess. */
function paramTitle(param: string): string {
  return /^noise/.test(param) ? `${param} (in 10,000 decisions)` : param
}

/** Ratio of the largest to the least setting from which on a logarithmic axis is easier to read. */
const SPREAD = 30

/** Settings such as 1, 4, 16, 64 stand apart; 0 keeps its place among them. */
function spread(values: readonly number[]): object {
  if (!needsLog(values, SPREAD)) return { zero: false }
  return values.includes(0) ? { type: 'symlog', constant: 1 } : { type: 'log' }
}

/** Around the points where a promise was broken. */
const BRACKETS = {
  transform: [{ filter: 'datum.brackets' }],
  mark: { type: 'text', fontSize: 13, color: '#222222' },
  encoding: {
    y: { field: 'spurious_copies', type: 'quantitative' },
    color: { value: '#222222' },
    text: { field: 'brackets' },
  },
}

const WHISKER = {
  mark: { type: 'rule', strokeWidth: 1 },
  encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
}
