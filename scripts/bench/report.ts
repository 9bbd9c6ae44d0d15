/**
 * report: what was measured, as JSON, as a Markdown table and as a chart.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { toSvg } from '../../src/report/render.ts'
import { type ChartSpec, CONFIG } from '../../src/report/spec.ts'
import type { Part, Ratio } from './ratios.ts'
import type { Measured, Outcome } from './rounds.ts'
import type { Spread } from './statistics.ts'

export interface RatioEntry {
  readonly title: string
  readonly unit: string
  /** Of several parts: that of the one that is furthest from its bound. */
  readonly value: number | null
  /** Least and greatest of the rounds. */
  readonly spread: readonly [number, number] | null
  /** 95 % interval of the median. */
  readonly interval: readonly [number, number] | null
  readonly must: number | null
  readonly aim: number | null
  /** null: not measured, or void; `reason` says why. */
  readonly met: boolean | null
  readonly reason?: string
  readonly parts?: Readonly<Record<string, Omit<RatioEntry, 'title' | 'unit'>>>
}

type PartEntry = Omit<RatioEntry, 'title' | 'unit'>

/** What latest.json holds. */
export interface Latest {
  readonly machine: Readonly<Record<string, string | number>>
  readonly rounds: number
  /** Share of the time that the samples stood in the run queue. */
  readonly waiting: number
  readonly agreements: readonly string[]
  readonly disagreements: readonly string[]
  readonly ratios: Readonly<Record<string, RatioEntry>>
}

export interface Skipped {
  readonly id: string
  readonly title: string
  readonly reason: string
}

export function machineFacts(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    thp: firstLine('/sys/kernel/mm/transparent_hugepage/enabled'),
    node: process.version,
  }
}

export function entriesOf(
  { measured, disagreements }: Outcome,
  skipped: readonly Skipped[],
): Record<string, RatioEntry> {
  const entries = new Map<string, RatioEntry>()
  for (const { ratio, parts } of measured) {
    const voided = ratio.needsC === true && disagreements.length > 0
    const all = Object.fromEntries(
      parts.map(({ part, spread }) => [part.name, entryOf(ratio, part, spread, voided)] as const),
    )
    const worst = [...parts].sort((a, b) => distance(ratio, b) - distance(ratio, a))[0]
    if (worst === undefined) continue
    const entry = all[worst.part.name] as PartEntry
    const { title, unit } = ratio
    entries.set(ratio.id, { title, unit, ...entry, ...(parts.length > 1 ? { parts: all } : {}) })
  }
  for (const { id, title, reason } of skipped) {
    const none = { value: null, spread: null, interval: null, must: null, aim: null, met: null }
    entries.set(id, { title, unit: '', ...none, reason })
  }
  const number = (id: string): number => Number(id.slice(1))
  return Object.fromEntries([...entries].sort(([a], [b]) => number(a) - number(b)))
}

/** How far beyond its bound, 0 at the bound, for bounds of any size (a cost of nothing has the bound 0). */
function distance({ better }: Ratio, { part, spread }: Measured['parts'][number]): number {
  const beyond = better === 'lower' ? spread.median - part.must : part.must - spread.median
  return beyond / Math.abs(part.must)
}

function entryOf(ratio: Ratio, part: Part, spread: Spread, voided: boolean): PartEntry {
  const { median, min, max, low, high } = spread
  const judged = ratio.noisy === true ? high : median
  const met = ratio.better === 'lower' ? judged <= part.must : judged >= part.must
  return {
    value: rounded(median),
    spread: [rounded(min), rounded(max)],
    interval: [rounded(low), rounded(high)],
    must: part.must,
    aim: part.aim,
    met: voided || Number.isNaN(median) ? null : met,
    ...(voided ? { reason: 'the programs that ran the trace counted differently' } : {}),
  }
}

export function markdownTable(entries: Readonly<Record<string, RatioEntry>>): string {
  const lines = ['| | ratio | value | spread | must | aim | met |', '|---|---|---|---|---|---|---|']
  const row = (id: string, name: string, unit: string, entry: PartEntry): void => {
    const { value, spread, must, aim, met, reason } = entry
    const cell = (number: number | null): string => (number === null ? '' : `${number} ${unit}`)
    const range = spread === null ? '' : `${spread[0]} to ${spread[1]}`
    const verdict = met === null ? `- (${reason ?? 'not measured'})` : met ? 'yes' : '**no**'
    lines.push(`| ${[id, name, cell(value), range, cell(must), cell(aim), verdict].join(' | ')} |`)
  }
  for (const [id, { title, unit, parts, ...entry }] of Object.entries(entries)) {
    if (parts === undefined) row(id, title, unit, entry)
    else for (const [name, part] of Object.entries(parts)) row(id, `${title}: ${name}`, unit, part)
  }
  return `${lines.join('\n')}\n`
}

/** Everything into `dir`: latest.json, latest.md, latest.svg. */
export async function writeReport(
  dir: string,
  entries: Readonly<Record<string, RatioEntry>>,
  outcome: Outcome,
  rounds: number,
): Promise<void> {
  mkdirSync(dir, { recursive: true })
  const { agreements, disagreements, waiting } = outcome
  const document: Latest = {
    ...{ machine: machineFacts(), rounds, waiting: rounded(waiting) },
    ...{ agreements, disagreements },
    ratios: entries,
  }
  writeFileSync(join(dir, 'latest.json'), `${JSON.stringify(document, null, 2)}\n`)
  writeFileSync(join(dir, 'latest.md'), markdownTable(entries))
  writeFileSync(join(dir, 'latest.svg'), await toSvg(chart(entries)))
}

/** Every ratio as its share of the bound: what lies left of 1 is not met. */
function chart(entries: Readonly<Record<string, RatioEntry>>): ChartSpec {
  const bars = Object.entries(entries).flatMap(([id, { unit, parts, ...entry }]) => {
    const named = parts === undefined ? [['', entry] as const] : Object.entries(parts)
    return named.flatMap(([name, { value, spread, must, aim }]) => {
      if (value === null || spread === null || must === null || aim === null) return []
      // A cost of nothing, or less, is drawn as a tenth of its bound: the axis is logarithmic.
      const share = (at: number): number =>
        aim >= must ? at / must : must / Math.max(at, must / 10)
      const ends = spread.map(share).sort((a, b) => a - b)
      return [
        {
          ratio: `${id} ${name} (${value} ${unit})`,
          share: share(value),
          low: ends[0],
          high: ends[1],
        },
      ]
    })
  })
  const y = { field: 'ratio', type: 'nominal', sort: null, title: null, axis: { labelLimit: 0 } }
  const x = { type: 'quantitative', scale: { type: 'log' }, title: 'share of the bound' }
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: 'Measured, as a share of the bound: right of 1 is met',
    data: { values: bars },
    width: 420,
    config: CONFIG,
    layer: [
      { mark: { type: 'rule' }, encoding: { y, x: { field: 'low', ...x }, x2: { field: 'high' } } },
      {
        mark: { type: 'point', filled: true, size: 50 },
        encoding: { y, x: { field: 'share', ...x } },
      },
      { mark: { type: 'rule', strokeDash: [4, 4] }, encoding: { x: { datum: 1, ...x } } },
    ],
  } as unknown as ChartSpec
}

/** To four digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return 'none'
  }
}
