/** rows.test: rows.csv is what the contract says, byte for byte. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { METRIC_IDS, noMetrics, type Row } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'
import { writeRows } from './rows.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-rows-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const cell = {
  policy: 'mapcount',
  workload: 'zygote',
  params: new Map([
    ['pages', '64'],
    ['children', '3'],
  ]),
}
const metrics = Object.fromEntries(METRIC_IDS.map((id, i) => [id, 10 * i])) as MetricValues
const rows: Row[] = [
  { ...cell, seed: 1, traceHash: 'c0ffee', events: 4711, ok: true, metrics },
  { ...cell, seed: 2, traceHash: '', events: 0, ok: false, metrics: noMetrics() },
]

test('columns and parameters stand in the order of the contract, and an error row has no numbers', () => {
  writeRows(dir, rows)
  const numbers = METRIC_IDS.map((_, i) => 10 * i).join(',')
  expect(readFileSync(join(dir, 'rows.csv'), 'utf8')).toBe(
    [
      `policy,workload,params,seed,trace_hash,events,${METRIC_IDS.join(',')},status`,
      `mapcount,zygote,children=3;pages=64,1,c0ffee,4711,${numbers},ok`,
      `mapcount,zygote,children=3;pages=64,2,,0,${METRIC_IDS.map(() => '').join(',')},error`,
      '',
    ].join('\n'),
  )
})

test('no partial file is left beside it', () => {
  writeRows(dir, rows)
  expect(readdirSync(dir)).toEqual(['rows.csv'])
})
