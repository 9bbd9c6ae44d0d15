/** rows.test: rows.csv is what the contract says, and reads back as what was written. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { METRIC_IDS, paramsOf, ROW_COLUMNS, type Row } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'
import { readRows, readSomeRows, writeRows } from './rows.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-rows-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const values = Object.fromEntries(METRIC_IDS.map((id, i) => [id, 10 * i])) as MetricValues
const cell = { policy: 'mapcount', workload: 'zygote', params: 'children=3;pages=64', seed: 1 }
const rows: Row[] = [
  { ...cell, trace_hash: 'c0ffee', events: 4711, status: 'ok', values },
  { ...cell, seed: 2, trace_hash: '', events: 0, status: 'error' },
]

test('the columns stand in the order of the contract, and an error row has no numbers', () => {
  writeRows(dir, rows)
  const [header, ok, error, end] = readFileSync(join(dir, 'rows.csv'), 'utf8').split('\n')
  expect(header).toBe(
    `policy,workload,params,seed,trace_hash,events,${METRIC_IDS.join(',')},status`,
  )
  expect(ok).toBe(
    `mapcount,zygote,children=3;pages=64,1,c0ffee,4711,${METRIC_IDS.map((_, i) => 10 * i).join(',')},ok`,
  )
  expect(error).toBe(
    `mapcount,zygote,children=3;pages=64,2,,0,${METRIC_IDS.map(() => '').join(',')},error`,
  )
  expect(end).toBe('')
})

test('rows read back as they were', () => {
  writeRows(dir, rows)
  expect(readRows(dir)).toEqual(rows)
})

test('a directory without rows, and rows of another version, are refused in one line', () => {
  expect(() => readRows(dir)).toThrow(
    `missing rows: ${join(dir, 'rows.csv')}; expected a results directory, as run writes it`,
  )
  writeFileSync(join(dir, 'rows.csv'), 'policy,workload\nmapcount,zygote\n')
  expect(() => readRows(dir)).toThrow(
    `missing column: params; expected in ${join(dir, 'rows.csv')}`,
  )
  writeFileSync(join(dir, 'rows.csv'), `${[...ROW_COLUMNS, 'speed'].join(',')}\n`)
  expect(() => readRows(dir)).toThrow(`unknown column: speed; in ${join(dir, 'rows.csv')}`)
})

test('a number that is none is refused with its line', () => {
  writeRows(dir, rows)
  const file = join(dir, 'rows.csv')
  writeFileSync(file, readFileSync(file, 'utf8').replace('4711', 'many'))
  expect(() => readRows(dir)).toThrow(
    `invalid events: many; expected a whole number; in ${file}, line 2`,
  )
})

test('parameters are found by name, and values may contain an equals sign', () => {
  expect(Object.fromEntries(paramsOf({ ...cell, params: 'a=1;b=x=y' }))).toEqual({
    a: '1',
    b: 'x=y',
  })
  expect(paramsOf({ ...cell, params: '' }).size).toBe(0)
})

test('no rows are rows, but not some', () => {
  writeRows(dir, [])
  expect(readRows(dir)).toEqual([])
  expect(() => readSomeRows(dir)).toThrow(
    new Error(`missing rows: ${join(dir, 'rows.csv')} holds only a header`),
  )
  writeRows(dir, rows)
  expect(readSomeRows(dir)).toEqual(rows)
})
