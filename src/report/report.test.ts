/** report.test: a report follows from saved rows alone, leaves them alone, and is refused in one line without them. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeRows } from '../results/rows.ts'
import { matrix, sweep } from '../test/report-rows.ts'
import { readFailures, writeFailures } from './known-failures.ts'
import { writeReport } from './report.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-report-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const files = (...ids: string[]): string[] => [
  ...ids.flatMap((id) => ['vl.json', 'svg', 'png'].map((suffix) => `charts/${id}.${suffix}`)),
  'report.html',
]

test('every chart in three forms, and one page; the rows stay as they were', async () => {
  writeRows(dir, matrix(2))
  const rows = readFileSync(join(dir, 'rows.csv'))
  const written = await writeReport(dir)
  expect(written.map((path) => relative(dir, path))).toEqual(
    files('copies', 'missed-reuses', 'violations', 'time'),
  )
  expect(readFileSync(join(dir, 'rows.csv'))).toEqual(rows)
  expect(readdirSync(dir).sort()).toEqual(['charts', 'report.html', 'rows.csv'])
  const png = readFileSync(join(dir, 'charts/copies.png'))
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  const spec = JSON.parse(readFileSync(join(dir, 'charts/copies.vl.json'), 'utf8'))
  expect(spec.data.values.length).toBe(16 * 3)
})

test('the same rows give the same bytes', async () => {
  writeRows(dir, sweep())
  const bytes = (paths: string[]): string[] =>
    paths.map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)
  const first = bytes(await writeReport(dir))
  expect(bytes(await writeReport(dir))).toEqual(first)
})

test('a chart that the rows no longer have is removed; what a reader put there stays', async () => {
  writeRows(dir, sweep())
  expect((await writeReport(dir)).map((path) => relative(dir, path))).toEqual(
    files('copies', 'missed-reuses', 'violations', 'sweep', 'time'),
  )
  writeFileSync(join(dir, 'charts', 'mine.svg'), '<svg/>')
  writeRows(dir, matrix())
  await writeReport(dir)
  const left = readdirSync(join(dir, 'charts'))
  expect(left.filter((name) => name.startsWith('sweep'))).toEqual([])
  expect(left).toContain('mine.svg')
})

const FAILURES = [{ policy: 'mapcount', failure: 'CVE-2020-29374', verdict: 'leak' }] as const

test('known failures are one chart more', async () => {
  writeRows(dir, matrix())
  writeFailures(dir, FAILURES)
  const written = await writeReport(dir)
  expect(written.map((path) => relative(dir, path))).toEqual(
    files('copies', 'missed-reuses', 'violations', 'time', 'known-failures'),
  )
})

test('known failures without rows are one chart and no page', async () => {
  expect(readFailures(dir)).toEqual([])
  writeFailures(dir, FAILURES)
  expect(readFailures(dir)).toEqual(FAILURES)
  const written = await writeReport(dir)
  expect(written.map((path) => relative(dir, path))).toEqual(
    ['vl.json', 'svg', 'png'].map((suffix) => `charts/known-failures.${suffix}`),
  )
})

test('known failures of another form are refused in one line', async () => {
  const file = join(dir, 'known-failures.csv')
  writeFileSync(file, 'policy,failure\n')
  await expect(writeReport(dir)).rejects.toThrow(
    `invalid columns: policy,failure; expected: policy,failure,verdict; in ${file}`,
  )
  writeFileSync(file, 'policy,failure,verdict\nmapcount,CVE,fine\n')
  await expect(writeReport(dir)).rejects.toThrow(/^unknown verdict: fine; expected: ok, /)
})

test('no rows, no report', async () => {
  await expect(writeReport(dir)).rejects.toThrow(`missing rows: ${join(dir, 'rows.csv')}`)
  writeRows(dir, [])
  await expect(writeReport(dir)).rejects.toThrow(
    `missing rows: ${join(dir, 'rows.csv')} holds only a header`,
  )
  expect(readdirSync(dir)).toEqual(['rows.csv'])
})

test('a truncated file is refused before anything is written', async () => {
  writeRows(dir, matrix())
  const path = join(dir, 'rows.csv')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.slice(0, text.length - 40))
  await expect(writeReport(dir)).rejects.toThrow(`on line 49; in ${path}`)
  expect(readdirSync(dir)).toEqual(['rows.csv'])
})

test('Vega and resvg are loaded where charts are drawn, and nowhere else', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const found = sources.flatMap((name) =>
    [
      ...readFileSync(join('src', name), 'utf8').matchAll(
        /^import (?!type ).*from '(vega|@resvg)/gm,
      ),
    ].map(() => name),
  )
  expect(sources).toContain('report/render.ts')
  expect(found).toEqual([])
})

test('a directory whose name needs care is as good as any', async () => {
  const odd = join(dir, 'a & <b> "c"')
  mkdirSync(odd)
  writeRows(odd, matrix())
  await writeReport(odd)
  expect(readFileSync(join(odd, 'report.html'), 'utf8')).toContain(
    '<title>a &amp; &lt;b&gt; &quot;c&quot;: cowbench report</title>',
  )
})
