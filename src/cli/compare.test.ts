/** compare.test: what compare calls its cells, and that a gate which compares nothing does not stand open. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Row } from '../metrics/row.ts'
import { writeManifest } from '../results/manifest.ts'
import { writeRows } from '../results/rows.ts'
import { row } from '../test/report-rows.ts'
import { compareCommand } from './compare.ts'

let home: string
let out: string
let err: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench-compare-'))
  out = ''
  err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  rmSync(home, { recursive: true, force: true })
})

interface Place {
  readonly policy: string
  readonly workload: string
  readonly params: string
  readonly seed: number
  readonly trace_hash: string
}
const PLACE: Place = {
  ...{ policy: 'mine', workload: 'zygote', params: 'order=0;rounds=8', seed: 1, trace_hash: 'z' },
}
const rowAt = (place: Partial<Place>, copies: number): Row =>
  row({ ...PLACE, ...place, events: 9 }, { needed: copies, forkNs: 1 })

/** Writes the rows to a directory of that name, and returns its path. */
function results(name: string, ...rows: readonly Row[]): string {
  const dir = join(home, name)
  mkdirSync(dir)
  writeRows(dir, rows)
  return dir
}

async function compare(base: string, next: string | undefined, flags: object = {}) {
  await compareCommand.handler({ base, new: next, metric: ['copies'], ...flags } as never)
  return process.exitCode
}

test('two values of a parameter are two policies', async () => {
  const dir = results(
    'sweep',
    rowAt({ params: 'limit=1;rounds=8' }, 100),
    rowAt({ params: 'limit=2;rounds=8' }, 90),
  )
  await compare(dir, undefined, { policy: ['mine:limit=2'], against: 'mine:limit=1' })
  expect(out).toBe(
    'mine on zygote\n  copies  better: 100 -> 90 (-10.0 %)\n\n1 comparison: 1 better\n',
  )
  const against = (name: string) =>
    compare(dir, undefined, { policy: ['mine:limit=2'], against: name })
  await expect(against('mine:limit=3')).rejects.toThrow('invalid limit: 3; expected 1 or 2')
  await expect(against('mine:limt=1')).rejects.toThrow(
    'unknown parameter of mine: limt; did you mean limit? available: limit, rounds',
  )
})

const LIMIT = { 'fail-on': ['copies:+5%'] }

test.each<[string, Partial<Place>, string]>([
  ['policies', { policy: 'his' }, 'no policy in common: mine in BASE, his in NEW'],
  ['workloads', { workload: 'mixed' }, 'no workload in common: zygote in BASE, mixed in NEW'],
  [
    'parameters',
    { params: 'order=2;rounds=8' },
    'no parameters in common: order=0 in BASE, order=2 in NEW',
  ],
  ['seeds', { seed: 2 }, 'no seed in common: 1 in BASE, 2 in NEW'],
])('--fail-on with nothing to compare is refused: other %s', async (_, place, why) => {
  const base = results('base', rowAt({}, 100))
  const next = results('next', rowAt(place, 200))
  const reason = why.replace('BASE', base).replace('NEW', next)
  await expect(compare(base, next, LIMIT)).rejects.toThrow(
    `missing rows for --fail-on: nothing to compare, ${reason}`,
  )
  await expect(compare(base, next, { 'fail-on': ['violations>0'] })).rejects.toThrow(reason)
  expect(out).toBe('')
  // Without a gate it is what there is to say.
  expect(await compare(base, next)).toBe(0)
  expect([out, err]).toEqual(['0 comparisons\n', `2 rows without a partner left out: ${reason}\n`])
})

test('--fail-on with nothing to compare is refused: rows that failed, or none', async () => {
  const { values: _, ...name } = rowAt({}, 100) as Row & { values: unknown }
  const base = results('base', { ...name, status: 'error' })
  const next = results('next', rowAt({}, 100))
  await expect(compare(base, next, LIMIT)).rejects.toThrow(
    `nothing to compare, no row that finished both in ${base} and in ${next}`,
  )
  const none = results('none')
  await expect(compare(none, next, LIMIT)).rejects.toThrow(`nothing to compare, no row in ${none}`)
})

test('two policies that share no trace are refused under --fail-on, too', async () => {
  const other = { policy: 'his', trace_hash: 'y' }
  const dir = results('run', rowAt({}, 100), rowAt(other, 100))
  const flags = { ...LIMIT, policy: ['mine'], against: 'his' }
  await expect(compare(dir, undefined, flags)).rejects.toThrow(
    'nothing to compare, no trace in common: y in his, z in mine',
  )
})

test('one pair is enough, and those without a partner are counted', async () => {
  const base = results('base', rowAt({}, 100), rowAt({ seed: 2 }, 100))
  const next = results('next', rowAt({}, 106))
  expect(await compare(base, next, LIMIT)).toBe(4)
  expect(err).toBe(
    '1 row without a partner left out\n' +
      'fail-on: copies:+5%: mine on zygote: 100 -> 106 (+6.0 %)\n',
  )
})

test('a variant of a sweep is called by what was swept, also where one alone changed', async () => {
  const [one, two] = ['order=0;references=1;rounds=8', 'order=0;references=2;rounds=8']
  const dir = results(
    'run',
    rowAt({ policy: 'mm-id', params: 'order=0;rounds=8' }, 100),
    rowAt({ params: one }, 100),
    rowAt({ params: two }, 99),
  )
  expect(await compare(dir, undefined, { policy: ['mine'], against: 'mm-id' })).toBe(0)
  expect(out).toBe(
    [
      'mine on zygote (references=2)',
      '  copies  better: 100 -> 99 (-1.0 %)',
      '',
      '2 comparisons: 1 no change, 1 better',
      '',
    ].join('\n'),
  )
})

test('a kernel is called by its name, not by the parameters that it stands for', async () => {
  const old = { params: 'kernel=5.9.1;reclaimPin=no', workload: 'zygote' }
  const young = { params: 'kernel=5.15.135;reclaimPin=yes', workload: 'zygote' }
  const base = results('base', rowAt(old, 100), rowAt(young, 100))
  const next = results('next', rowAt(old, 90), rowAt(young, 90))
  expect(await compare(base, next)).toBe(0)
  expect(out.split('\n').filter((line) => line.startsWith('mine'))).toEqual([
    'mine on zygote (kernel=5.9.1)',
    'mine on zygote (kernel=5.15.135)',
  ])
})

/** As results, of a run with this cost profile. */
function costed(name: string, cost: { name: string; copy4k: number }): string {
  const dir = results(name, rowAt({}, 100))
  const rest = { state: 'complete', skipped: [], failed: [], traces: [], parts: {} } as const
  const cowbench = { version: '1', commit: '', code: 'a' }
  writeManifest(dir, { name, plan: {}, cells: [], cowbench, cost, ...rest })
  return dir
}
const TIMES = { metric: ['copies', 'total_ns'] }

test('times of two cost profiles are compared with a warning that names both', async () => {
  const base = costed('base', { name: 'bare-metal', copy4k: 450 })
  const next = costed('next', { name: 'vm', copy4k: 900 })
  expect(await compare(base, next, TIMES)).toBe(0)
  expect(err).toBe(
    `warning: times of different cost profiles are compared: bare-metal in ${base}, vm in ${next}\n`,
  )
  err = ''
  // Counts depend on no profile.
  expect(await compare(base, next, { 'fail-on': ['copies:+5%,violations>0'] })).toBe(0)
  expect(err).toBe('')
})

test('the numbers of a cost profile count, not its name', async () => {
  const base = costed('base', { name: 'mine.json', copy4k: 450 })
  const same = costed('same', { name: 'bare-metal', copy4k: 450 })
  expect(await compare(base, same, { ...TIMES, 'fail-on': ['total_ns:+5%'] })).toBe(0)
  expect(err).toBe('')
  const edited = costed('edited', { name: 'mine.json', copy4k: 451 })
  await compare(base, edited, TIMES)
  expect(err).toContain(`: mine.json in ${base}, mine.json in ${edited}\n`)
})

test.each(['total_ns:+5%', 'fault_ns_max>100'])(
  '--fail-on about times of two cost profiles is refused: %s',
  async (limit) => {
    const base = costed('base', { name: 'bare-metal', copy4k: 450 })
    const next = costed('next', { name: 'vm', copy4k: 900 })
    await expect(compare(base, next, { 'fail-on': [`copies:+5%,${limit}`] })).rejects.toThrow(
      `unsupported --fail-on: ${limit}; the times are of different cost profiles: bare-metal in ${base}, vm in ${next}`,
    )
    expect(out).toBe('')
  },
)
