/** bench.test: the command as its users meet it. Never how long anything took. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { THROWING_POLICY } from '../test/throwing-policy.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

const home = mkdtempSync(join(tmpdir(), 'cowbench bench '))
afterAll(() => rmSync(home, { recursive: true, force: true }))

function bench(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'bench', ...words], {
    ...{ cwd: home, encoding: 'utf8' },
  })
  // Whether others work on this machine is their affair.
  const err = stderr.replace(/^the machine is busy: .*\n/m, '')
  return { code: status, out: stdout, err }
}

writeFileSync(
  join(home, 'mine.ts'),
  `import { definePolicy, hooksOf } from 'cowbench'
   export default definePolicy({
     name: 'mine', summary: '', era: '', kernel: '6.18', hooks: () => hooksOf('mm-id'),
   })`,
)
writeFileSync(join(home, 'bad.ts'), THROWING_POLICY)

const SMALL = ['--quick', '--workload', 'fork-exec,vmsplice-child', '--param', 'commands=2']

test('a table for each workload, policies as they were named, and notes; nothing is left behind', () => {
  const { code, out, err } = bench('--policy', 'mapcount,./mine.ts', ...SMALL)
  expect([code, err]).toEqual([0, ''])
  const line = (name: string): RegExp =>
    new RegExp(`^${name} +\\d[\\d.]* +±\\d+\\.\\d % +\\d[\\d.]* +\\d+\\.\\d\\d +3$`)
  const table = (title: RegExp): RegExp[] => [
    ...[title, /^$/, /^policy +ns\/event +spread +M events\/s +ratio +samples$/],
    ...[line('mapcount'), line('mine'), /^$/],
  ]
  const expected = [
    ...table(/^fork-exec \(commands=2\): 3,359 events$/),
    ...table(/^vmsplice-child: [\d,]+ events$/),
    ...[/^ns\/event: CPU time/, /^ratio: .* Ratios travel to other machines, times do not\.$/],
    /^A policy of your own is measured as it runs: with every answer checked\.$/,
  ]
  const lines = out.trimEnd().split('\n')
  expect(lines).toEqual(expected.map((each) => expect.stringMatching(each)))
  // The first of a table is what the others are compared with.
  expect(lines[3]).toMatch(/ 1\.00 +3$/)
  expect(readdirSync(home).sort()).toEqual(['bad.ts', 'mine.ts'])
})

test('as JSON, with the machine, the statistics and what failed', () => {
  const { code, out, err } = bench(
    '--policy',
    './bad.ts,mm-id',
    ...SMALL,
    '--rounds',
    '2',
    '--json',
  )
  expect([code, err]).toEqual([
    1,
    'error: bad on fork-exec: wpReuse threw: not today; at event 2052\n' +
      'error: bad on vmsplice-child: wpReuse threw: not today; at event 1060\n',
  ])
  const { machine, rounds, sample_ms, rows, skipped } = JSON.parse(out)
  expect({ rounds, sample_ms, skipped }).toEqual({ rounds: 2, sample_ms: 20, skipped: [] })
  expect(machine).toMatchObject({ node: process.version })
  expect(rows[0]).toEqual({
    ...{ policy: 'bad', workload: 'fork-exec', params: expect.stringContaining('commands=2;') },
    ...{ events: 3359, status: 'error', error: 'wpReuse threw: not today; at event 2052' },
  })
  expect(
    rows.map((row: { policy: string; workload: string }) => [row.policy, row.workload]),
  ).toEqual(
    ['bad', 'mm-id'].flatMap((policy) => [
      [policy, 'fork-exec'],
      [policy, 'vmsplice-child'],
    ]),
  )
  const number = expect.any(Number)
  const statistics = { median: number, mean: number, min: number, max: number, sd: number }
  expect(rows[2]).toEqual({
    ...{
      policy: 'mm-id',
      workload: 'fork-exec',
      params: expect.stringContaining('commands=2;'),
      events: 3359,
    },
    ...{ status: 'ok', ns_per_event: { ...statistics, mad: number } },
    ...{ events_per_second: number, rme_percent: number, samples: 2 },
  })
})

test('what fails stands below the table; what is not capable is told', () => {
  const words = ['--kernel', '6.18.44', '--policy', './bad.ts,on-demand-fork']
  const { code, out, err } = bench(...words, '--quick', '--workload', 'uffd-snapshot')
  expect(code).toBe(1)
  expect(out).toMatch(/\nmm-id \(kernel 6\.18\.44\) .*\nbad: failed\n/)
  expect(err).toMatch(
    /^1 pair skipped for want of a capability\nerror: bad on uffd-snapshot: wpReuse threw: not today; at event \d+\n$/,
  )
})

test.each<[string, string[], string]>([
  ['a policy', ['--policy', 'mapcont'], 'unknown policy: mapcont; did you mean mapcount? '],
  ['a workload', ['--workload', 'bgg'], 'unknown workload: bgg; did you mean bg? '],
  ['no rounds', ['--rounds', '0'], 'invalid --rounds: 0; expected a whole number from 1 to 1000'],
  ['a sweep', ['--sweep', 'pages=1,2'], 'unknown flag: --sweep; '],
  ['a parameter', ['--param', 'pags=1'], 'unknown parameter: pags; '],
  ['an argument', ['P1'], 'unknown argument: P1; expected: cowbench bench (see --help)'],
  ['a trace', ['--trace', 'no.trace'], 'missing trace: no.trace cannot be read (ENOENT)'],
  [
    'nothing to measure',
    ['--policy', 'on-demand-fork', '--workload', 'uffd-snapshot'],
    'invalid plan: no cells; on-demand-fork lacks uffd-wp, which uffd-snapshot needs',
  ],
])('refused in one line, before anything is measured: %s', (_, words, line) => {
  const { code, out, err } = bench(...words)
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err.slice('cowbench: '.length)).toContain(line)
  expect([code, out]).toEqual([2, ''])
})
