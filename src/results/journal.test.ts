/** journal.test: what was finished is found again, whatever happened to the process that wrote it. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { METRIC_IDS } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'
import { type Finished, JOURNAL, Journal, journalLine, readJournal } from './journal.ts'

let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-journal-'))
  file = join(dir, JOURNAL)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const values = Object.fromEntries(METRIC_IDS.map((id, i) => [id, i])) as MetricValues
const name = { policy: 'mapcount', workload: 'zygote', params: 'pages=64' }
const ok = (key: string, seed: number): Finished => ({
  key,
  row: { ...name, seed, trace_hash: 'abc', events: 5, status: 'ok', values },
  verdicts: { reuse: 3 },
})
const failed: Finished = {
  key: 'k3',
  row: { ...name, seed: 3, trace_hash: '', events: 0, status: 'error' },
  error: 'out of frames',
}

function write(...entries: Finished[]): void {
  const journal = new Journal(dir)
  for (const entry of entries) journal.append(entry)
  journal.close()
}

test('cells are found by key, with all that was written about them', () => {
  write(ok('k1', 1), failed)
  expect([...readJournal(dir)]).toEqual([
    ['k1', ok('k1', 1)],
    ['k3', failed],
  ])
})

test('a second opening appends, and the later line of a key counts', () => {
  write(ok('k1', 1), { ...failed, key: 'k2' })
  write(ok('k2', 2))
  expect(readJournal(dir).get('k2')).toEqual(ok('k2', 2))
  expect(readFileSync(file, 'utf8').split('\n').length).toBe(3 + 1)
})

test('a line that a crash has torn is dropped, and the next one starts where it began', () => {
  write(ok('k1', 1))
  appendFileSync(file, journalLine(ok('k2', 2)).slice(0, 40))
  expect([...readJournal(dir).keys()]).toEqual(['k1'])
  write(ok('k3', 3))
  expect([...readJournal(dir).keys()]).toEqual(['k1', 'k3'])
})

test('no journal is an empty one', () => {
  expect(readJournal(dir).size).toBe(0)
})

test.each([
  '{"key":"k1"}',
  'nonsense',
  '[]',
  journalLine(ok('k1', 1)).replace('"copies":', '"x":'),
])('a line that is no finished cell is refused with its number: %s', (line) => {
  writeFileSync(file, `${journalLine(ok('k1', 1))}${line.trim()}\n`)
  expect(() => readJournal(dir)).toThrow(
    `invalid journal: ${file}, line 2; expected a finished cell`,
  )
})
