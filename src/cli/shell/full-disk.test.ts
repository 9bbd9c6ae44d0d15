/** full-disk.test: what cannot be written is told in one line that names it, and leaves nothing half written. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url))
const REDIS = fileURLToPath(
  new URL('../../../workloads/recorded/redis-bgsave.perf.txt.gz', import.meta.url),
)
const SMALL = ['run', '--policy', 'mm-id', '--workload', 'fork-exec', '--param', 'pages=64']

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench full '))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function shell(script: string, words: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', script, process.execPath, MAIN, ...words],
    { cwd: home, encoding: 'utf8' },
  )
  return { code: status, out: stdout, err: stderr }
}

/** As on a full disk: no file may grow. Blocks are of 512 or 1024 bytes, by shell. */
function onFullDisk(words: readonly string[], blocks = 0): Ended {
  return shell(`ulimit -f ${blocks}; exec "$0" "$@"`, words)
}

const FULL = (file: string): string =>
  `cowbench: missing space: ${file} cannot be written (EFBIG)\n`

test.each([
  ['init', ['init', 'policy', 'mine'], 'mine.ts'],
  ['trace convert', ['trace', 'convert', REDIS, '-o', 'redis.trace'], 'redis.trace'],
  ['trace import', ['trace', 'import', REDIS, '-o', 'redis.trace.gz'], 'redis.trace.gz'],
])('%s leaves no file behind', (_, words, file) => {
  expect(onFullDisk(words)).toEqual({ code: 2, out: '', err: FULL(file) })
  expect(readdirSync(home)).toEqual([])
})

test('a file that was there is kept as it was', () => {
  writeFileSync(join(home, 'redis.trace'), 'precious')
  expect(onFullDisk(['trace', 'convert', REDIS, '-o', 'redis.trace']).code).toBe(2)
  expect(readdirSync(home)).toEqual(['redis.trace'])
  expect(readFileSync(join(home, 'redis.trace'), 'utf8')).toBe('precious')
})

test('litmus --known-failures names its table', () => {
  const { code, err } = onFullDisk(['litmus', '--known-failures', '--out', 'here'])
  expect([code, err]).toEqual([2, FULL(join('here', 'known-failures.csv'))])
})

test('check --out names the finding', () => {
  const { code, err } = onFullDisk(['check', 'mapcount', '--model', 'fork-pin', '--out', 'here'])
  expect([code, err]).toEqual([2, FULL(join('here', 'mapcount-fork-pin-1.cow'))])
})

test('run --report keeps the rows that were written before', () => {
  const { code, err } = onFullDisk([...SMALL, '--report', '--name', 'small'], 100)
  expect(code).toBe(2)
  expect(err).toBe(FULL(join('results', 'small', 'report.html')))
  const rows = readFileSync(join(home, 'results', 'small', 'rows.csv'), 'utf8')
  expect(rows.trim().split('\n').length).toBe(2)
})

test('a run that could not even begin leaves nothing in the way of the next one', () => {
  const words = [...SMALL, '--name', 'small']
  const { code, err } = onFullDisk(words)
  expect([code, err]).toEqual([2, FULL(join('results', 'small', 'manifest.json'))])
  expect(readdirSync(join(home, 'results', 'small'))).toEqual([])
  expect(shell('exec "$0" "$@"', words).code).toBe(0)
})

test.each([
  ['the text that the build wrote down', ['list', 'params', '--json']],
  ['what is worked out', ['trace', 'info', REDIS]],
])('standard output may be a file too: %s', (_, words) => {
  const { code, err } = shell('exec "$0" "$@" >/dev/full', words)
  expect([code, err]).toEqual([
    2,
    'cowbench: missing space: standard output cannot be written (ENOSPC)\n',
  ])
})

test.each([
  ['--cost', ['run', '--cost', './there', '--workload', 'zygote']],
  ['--config', ['run', '--config', './there']],
  ['--against', ['litmus', '--against', './there']],
  ['a test', ['explain', 'there.cow', '--policy', 'mm-id']],
  ['-o', ['trace', 'convert', REDIS, '-o', './there']],
])('a folder in place of a file is refused in one line: %s', (_, words) => {
  for (const folder of ['there', 'there.cow']) mkdirSync(join(home, folder))
  const { code, out, err } = shell('exec "$0" "$@"', words)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^cowbench: invalid file: (\.\/there|there\.cow) is a directory\n$/)
})
