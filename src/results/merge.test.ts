/** merge.test: shards join to what one run would have written, in any order and any number of times. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { METRIC_IDS } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'
import { claimDirectory } from './directory.ts'
import { type Finished, Journal } from './journal.ts'
import { type Part, readManifest } from './manifest.ts'
import { mergeResults } from './merge.ts'
import { writeResults } from './write.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench-merge-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const values = Object.fromEntries(METRIC_IDS.map((id, i) => [id, i])) as MetricValues
const part: Part = {
  ...{ command: [], machine: {}, started: '', wall_seconds: 1, ran: 2, reused: 0 },
  wall_seconds_by_policy: {},
}
const cell = (seed: number): Finished => ({
  key: `k${seed}`,
  row: {
    ...{ policy: 'mapcount', workload: 'zygote', params: '', seed },
    ...{ trace_hash: `t${seed}`, events: seed, status: 'ok', values },
  },
})
const failedCell = (seed: number): Finished => ({
  key: `k${seed}`,
  row: {
    ...{ policy: 'mapcount', workload: 'zygote', params: '', seed },
    ...{ trace_hash: '', events: 0, status: 'error' },
  },
  error: 'out of memory',
})

/** Writes a shard of the plan k1, k2, k3, k4 with `cells` in the order they were finished. */
function shard(
  label: string,
  cells: Finished[],
  keys = ['k1', 'k2', 'k3', 'k4'],
  by = part,
): string {
  const dir = join(home, label.replace('/', 'of'))
  claimDirectory(dir, 'refuse')
  const journal = new Journal(dir)
  for (const finished of cells) journal.append(finished)
  journal.close()
  const head = {
    ...{ name: 'mine', plan: {}, cost: {}, skipped: [], cells: keys, parts: { [label]: by } },
    cowbench: { version: '1', commit: '', code: '' },
  }
  writeResults(dir, head, new Map(cells.map((finished) => [finished.key, finished])))
  return dir
}

function filesOf(dir: string): string[] {
  const files = ['manifest.json', 'cells.ndjson', 'rows.csv', 'summary.csv']
  return files.map((file) => readFileSync(join(dir, file), 'utf8'))
}

test('rows come out in the order of the plan, whatever the order of shards and journals', () => {
  const one = shard('1/2', [cell(3), cell(1)])
  const two = shard('2/2', [cell(4), cell(2)])
  const target = join(home, 'all')
  const { rows, missing } = mergeResults([two, one], target)
  expect(rows.map((row) => row.seed)).toEqual([1, 2, 3, 4])
  expect(missing).toBe(0)
  const { name, state, parts } = readManifest(target)
  expect({ name, state, parts }).toEqual({
    ...{ name: 'all', state: 'complete', parts: { '1/2': part, '2/2': part } },
  })
})

test('merging again, in another order and with the result itself, changes no byte', () => {
  const one = shard('1/2', [cell(3), cell(1)])
  const two = shard('2/2', [cell(4), cell(2)])
  const target = join(home, 'all')
  mergeResults([one, two], target)
  const before = filesOf(target)
  mergeResults([two, target, one, two], target)
  expect(filesOf(target)).toEqual(before)
})

test('a shard that comes later is added to those that were merged before', () => {
  const target = join(home, 'all')
  expect(mergeResults([shard('1/2', [cell(1), cell(3)])], target).missing).toBe(2)
  expect(readManifest(target).state).toBe('partial')
  expect(mergeResults([shard('2/2', [cell(2), cell(4)])], target).missing).toBe(0)
})

test('a shard that went on is described as it is now, not as it was when it was merged', () => {
  const target = join(home, 'all')
  const before = shard('1/2', [cell(1)])
  mergeResults([before, shard('2/2', [cell(2), cell(4)])], target)
  rmSync(before, { recursive: true })
  const resumed = { ...part, started: 'later', reused: 1 }
  const keys = ['k1', 'k2', 'k3', 'k4']
  mergeResults([shard('1/2', [cell(1), cell(3)], keys, resumed)], target)
  expect(readManifest(target).parts).toEqual({ '1/2': resumed, '2/2': part })
})

test('a cell that failed in one shard and worked in another has worked', () => {
  const keys = ['k1']
  const shards = [shard('1/2', [failedCell(1)], keys), shard('2/2', [cell(1)], keys)]
  for (const order of [shards, shards.toReversed()]) {
    const target = join(home, 'all')
    expect(mergeResults(order, target).rows.map((row) => row.status)).toEqual(['ok'])
    expect(readManifest(target).failed).toEqual([])
    rmSync(target, { recursive: true })
  }
})

test('shards of different plans are refused, and nothing is written', () => {
  const one = shard('1/2', [cell(1)])
  const other = shard('2/2', [cell(2)], ['k2'])
  const target = join(home, 'all')
  expect(() => mergeResults([one, other], target)).toThrow(
    `invalid shard: ${other}; expected the plan of ${one}`,
  )
  expect(existsSync(target)).toBe(false)
})

test('a directory that holds another plan is refused, and stays as it is', () => {
  const target = shard('1/1', [cell(2)], ['k2'])
  const before = filesOf(target)
  const one = shard('1/2', [cell(1)])
  expect(() => mergeResults([one], target)).toThrow(
    new Error(
      `invalid results directory: ${target} holds another plan than ${one}; expected another --name`,
    ),
  )
  expect(filesOf(target)).toEqual(before)
})

test('a directory without a manifest is refused by name', () => {
  expect(() => mergeResults([join(home, 'nowhere')], join(home, 'all'))).toThrow(
    `missing manifest: ${join(home, 'nowhere', 'manifest.json')}; expected a results directory`,
  )
})
