/** main.test: the program as its users meet it: what it prints where, what it refuses, what it leaves behind. */
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const REFERENCE = fileURLToPath(new URL('../../results/reference/quick', import.meta.url))
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

let home: string
beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`missing ${MAIN}: run npm run build first`)
  // A space in the path, as on many people's machines.
  home = mkdtempSync(join(tmpdir(), 'cowbench cli '))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function cowbench(...words: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{ cwd: home, encoding: 'utf8' },
  })
  return { code: status, out: stdout, err: stderr }
}
const read = (...path: string[]): string => readFileSync(join(home, ...path), 'utf8')

/** A small plan: 2 policies x 2 values x 2 seeds, a few hundred events each. */
const SMALL = [
  ...['run', '--policy', 'mapcount,mm-id', '--workload', 'fork-exec', '--seeds', '2'],
  ...['--param', 'pages=64', '--sweep', 'commands=2,3'],
]

test('without a command it prints a guide', () => {
  const { code, out, err } = cowbench()
  expect(code).toBe(0)
  expect(out).toMatch(/^cowbench compares Linux copy-on-write page-reuse policies\./)
  expect(err).toBe('')
})

test('run --json prints the rows that it writes, and nothing else', () => {
  const { code, out } = cowbench(...SMALL, '--name', 'rows', '--json')
  const [head = '', ...lines] = read('results/rows/rows.csv').trimEnd().split('\n')
  const printed = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(printed.map((row) => Object.values(row).join())).toEqual(lines)
  expect(Object.keys(printed[0]).join()).toBe(head)
  expect(code).toBe(0)
  expect(cowbench(...SMALL, '--json', '--dry-run').out.split('\n')[0]).toBe(
    JSON.stringify({
      policy: 'mapcount',
      workload: 'fork-exec',
      params: printed[0].params,
      seed: 1,
    }),
  )
})

test('every command of the guide explains itself with an example', () => {
  const commands = /Commands: (.*)\. Results/.exec(cowbench().out)?.[1]?.split(', ') ?? []
  expect(commands.length).toBeGreaterThan(7)
  for (const command of commands.filter((name) => name !== 'completion')) {
    const { code, out, err } = cowbench(command, '--help')
    expect([command, code, err]).toEqual([command, 0, ''])
    expect(out).toContain(`Examples:\n  cowbench ${command} `)
  }
})

test('help and the version are found by the words that people try', () => {
  expect(cowbench('help')).toEqual(cowbench('--help'))
  expect(cowbench('help', 'run')).toEqual(cowbench('run', '--help'))
  for (const flag of ['-v', '-V']) expect(cowbench(flag)).toEqual(cowbench('--version'))
  for (const verb of ['import', 'convert', 'info', 'validate'])
    expect(cowbench('trace', verb, '--help').out).toContain(`Examples:\n  cowbench trace ${verb} `)
})

test('what the build wrote down is printed without loading the program', () => {
  const loaded = loadedBy(MAIN)
  expect([...loaded].map((file) => basename(file)).sort()).toEqual(
    ['answers.js', 'main.js', 'node:fs', 'node:module', 'node:tty'].sort(),
  )
})

test('the program loads neither the simulator nor the charts nor yargs before it has to', () => {
  const loaded = loadedBy(join(dirname(MAIN), 'program.js'))
  const heavy = [...loaded].filter((file) =>
    /vega|yargs|src.(sim|oracle|report|run\.)|policies/.test(file),
  )
  expect(heavy).toEqual([])
  expect(loaded.size).toBeGreaterThan(10)
})

/** Files and packages that `file` imports before it runs, and what those import. */
function loadedBy(file: string): Set<string> {
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    // Whole import statements only: import() waits until it is reached.
    for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?:im|ex)port .* from ['"](.*)['"]/gm,
    )) {
      if (from.startsWith('.')) visit(join(dirname(file), from))
      else loaded.add(from)
    }
  }
  visit(file)
  return loaded
}

test('a run leaves rows, a summary, a journal and a manifest, and prints a table', () => {
  const { code, out, err } = cowbench(...SMALL, '--name', 'whole', '--jobs', '1')
  expect([code, err]).toEqual([0, `8 rows in ${join('results', 'whole', 'rows.csv')}\n`])
  expect(out).toContain('mapcount')
  const files = ['cells.ndjson', 'manifest.json', 'rows.csv', 'summary.csv']
  expect(readdirSync(join(home, 'results', 'whole')).sort()).toEqual(files)
  const cells = read('results', 'whole', 'rows.csv')
    .trim()
    .split('\n')
    .map((line) => line.split(','))
    .map(([policy, , params, seed]) =>
      [policy, /commands=\d/.exec(params ?? '')?.[0], seed].join(' '),
    )
  expect(cells).toEqual([
    'policy  seed',
    'mapcount commands=2 1',
    'mapcount commands=2 2',
    'mapcount commands=3 1',
    'mapcount commands=3 2',
    'mm-id commands=2 1',
    'mm-id commands=2 2',
    'mm-id commands=3 1',
    'mm-id commands=3 2',
  ])
  const manifest = JSON.parse(read('results', 'whole', 'manifest.json'))
  expect(manifest).toMatchObject({
    state: 'complete',
    plan: { policies: ['mapcount', 'mm-id'], sweeps: { commands: ['2', '3'] }, seeds: [1, 2] },
    parts: { '1/1': { ran: 8, reused: 0 } },
  })
  // Two settings with two seeds each, whatever the number of policies.
  expect(manifest.traces.length).toBe(4)
})

test('the same plan gives the same bytes, whatever the number of threads', () => {
  cowbench(...SMALL, '--name', 'threads', '--jobs', '3')
  for (const file of ['rows.csv', 'summary.csv']) {
    expect(read('results', 'threads', file)).toBe(read('results', 'whole', file))
  }
})

test('shards join to the bytes of the whole', () => {
  for (const shard of ['1/2', '2/2']) expect(cowbench(...SMALL, '--shard', shard).code).toBe(0)
  const shards = readdirSync(join(home, 'results')).filter((name) => /-[12]of2$/.test(name))
  const dirs = shards.map((name) => join('results', name))
  expect(dirs.length).toBe(2)
  const { code, err } = cowbench('merge', ...dirs, '--name', 'merged')
  expect([code, err]).toEqual([0, `8 rows in ${join('results', 'merged', 'rows.csv')}\n`])
  expect(read('results', 'merged', 'rows.csv')).toBe(read('results', 'whole', 'rows.csv'))
})

test('what was finished is not run again, and the rows are those of a run without interruption', () => {
  const dir = join(home, 'results', 'whole')
  const journal = readFileSync(join(dir, 'cells.ndjson'), 'utf8').split('\n')
  const rows = read('results', 'whole', 'rows.csv')
  // As after a crash: three whole lines, one torn, and no rows.
  writeFileSync(
    join(dir, 'cells.ndjson'),
    `${journal.slice(0, 3).join('\n')}\n${journal[3]?.slice(0, 50)}`,
  )
  rmSync(join(dir, 'rows.csv'))
  const { code, err } = cowbench(...SMALL, '--name', 'whole', '--resume')
  expect(code).toBe(0)
  expect(err).toMatch(/^3 of 8 cells are finished\n/)
  expect(read('results', 'whole', 'rows.csv')).toBe(rows)
  const { parts } = JSON.parse(read('results', 'whole', 'manifest.json'))
  expect(parts['1/1']).toMatchObject({ ran: 5, reused: 3 })
})

test('more of the same plan goes on, another plan is refused and changes nothing', () => {
  const words = ['run', '--policy', 'mapcount', '--workload', 'fork-exec', '--param', 'pages=64']
  const resume = ['--name', 'more', '--resume']
  expect(cowbench(...words, '--name', 'more', '--report').code).toBe(0)
  const more = cowbench(...words, '--seeds', '2', ...resume)
  const html = join('results', 'more', 'report.html')
  expect([more.code, more.err]).toEqual([
    0,
    `1 of 2 cells are finished\n2 rows in ${join('results', 'more', 'rows.csv')}; ${html} is older: cowbench report ${join('results', 'more')} draws it again\n`,
  ])
  const files = ['rows.csv', 'summary.csv', 'manifest.json', 'cells.ndjson']
  const before = files.map((file) => read('results', 'more', file))
  const { code, err } = cowbench(...words, '--policy', 'mm-id', '--seed', '7', ...resume)
  expect([code, err]).toEqual([
    2,
    `cowbench: invalid --resume: ${join('results', 'more')} holds another plan (seeds without 1, 2); expected the same or more of it, another --name, or --overwrite\n`,
  ])
  expect(files.map((file) => read('results', 'more', file))).toEqual(before)
})

test('the name that is given is the name in the manifest and above the report', () => {
  expect(JSON.parse(read('results', 'more', 'manifest.json')).name).toBe('more')
  expect(read('results', 'more', 'report.html')).toContain('<h1>more</h1>')
  expect(JSON.parse(read('results', 'merged', 'manifest.json')).name).toBe('merged')
})

test('results that exist are refused and left as they are', () => {
  const before = read('results', 'whole', 'manifest.json')
  const { code, out, err } = cowbench(...SMALL, '--name', 'whole')
  expect([code, out]).toEqual([2, ''])
  expect(err).toBe(
    `cowbench: invalid results directory: ${join('results', 'whole')} exists; expected another --name, --overwrite or --resume\n`,
  )
  expect(read('results', 'whole', 'manifest.json')).toBe(before)
})

test('an interruption keeps what is finished and says how to go on', async () => {
  const words = [
    'run',
    '--policy',
    'mapcount',
    '--workload',
    'fork-exec',
    '--seeds',
    '400',
    '--name',
    'long',
  ]
  const child = spawn(process.execPath, [MAIN, ...words, '--jobs', '1'], { cwd: home })
  let err = ''
  child.stderr.on('data', (text) => {
    err += text
  })
  const journal = join(home, 'results', 'long', 'cells.ndjson')
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  while (!existsSync(journal) || readFileSync(journal, 'utf8').split('\n').length < 3) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  const kept = readFileSync(journal, 'utf8').split('\n').length - 1
  expect(err).toBe(
    `interrupted: ${kept} of 400 cells are in ${join('results', 'long')}; run again with --resume\n`,
  )
  expect(read('results', 'long', 'rows.csv').split('\n').length).toBe(1 + kept + 1)
})

test('where no space is left one line says so, and what was finished is kept', () => {
  const words = ['run', '--policy', 'mapcount,mm-id', '--workload', 'fork-exec', '--seeds', '20']
  // No file over 20 KiB, and forty rows take more. A run that never ended would be stopped, without a code.
  const { status, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -f 40 && exec "$0" "$@"', process.execPath, MAIN, ...words, '--name', 'tight'],
    { cwd: home, encoding: 'utf8', timeout: 30_000 },
  )
  const path = join('results', 'tight', 'cells.ndjson')
  expect([status, stderr]).toEqual([
    2,
    `cowbench: missing space: ${path} cannot be written (EFBIG); run again with --resume: what is finished is kept\n`,
  ])
  const kept = read(path).split('\n').length - 1
  expect(read(path)).toMatch(/\n$/)
  expect(kept).toBeGreaterThan(10)
  const resumed = cowbench(...words, '--name', 'tight', '--resume')
  expect([resumed.code, resumed.err]).toEqual([
    0,
    `${kept} of 40 cells are finished\n40 rows in ${join('results', 'tight', 'rows.csv')}\n`,
  ])
})

test("a policy of one's own that throws costs its own cells and no others", () => {
  mkdirSync(join(home, 'own'))
  writeFileSync(
    join(home, 'own', 'moody.ts'),
    `import { definePolicy, type Kernel } from 'cowbench'
     export default definePolicy({
       name: 'moody', summary: 'throws', era: '-', kernel: '6.18',
       hooks: () => ({ wpReuse(_k: Kernel, pfn: number): number { throw new Error('not today') } }),
     })`,
  )
  const { code, err } = cowbench(
    ...['run', '--policy', 'mapcount,own/moody.ts', '--workload', 'fork-exec', '--name', 'moody'],
  )
  expect(err).toMatch(
    /error: moody on fork-exec \(.*\), seed 1: wpReuse threw: not today; at event \d+; replay: cowbench explain /,
  )
  expect(code).toBe(1)
  const statuses = read('results', 'moody', 'rows.csv').trim().split('\n')
  expect(statuses.slice(1).map((line) => line.split(',').at(-1))).toEqual(['ok', 'error'])
})

test('a condition that holds somewhere fails the run: 3 for correctness, 4 for a threshold', () => {
  const leaky = ['run', '--policy', 'mapcount', '--workload', 'vmsplice-child', '--overwrite']
  expect(cowbench(...leaky, '--fail-on', 'violations>0').code).toBe(3)
  expect(cowbench(...leaky, '--fail-on', 'copies>=0').code).toBe(4)
  expect(cowbench(...leaky, '--fail-on', 'copies<0').code).toBe(0)
})

test('--fail-on is refused where every cell is skipped, and nothing is written', () => {
  const skipped = ['run', '--policy', 'no-unmap-gup', '--workload', 'snapshot']
  const words = [...skipped, '--param', 'order=9', '--name', 'skipped']
  expect(cowbench(...words, '--fail-on', 'violations>0')).toEqual({
    ...{ code: 2, out: '' },
    err: 'cowbench: missing rows for --fail-on: no cell to run, no-unmap-gup lacks thp, which snapshot needs\n',
  })
  expect(existsSync(join(home, 'results/skipped'))).toBe(false)
  // Without a gate it is what there is to say.
  const { code, err } = cowbench(...words)
  expect(code).toBe(0)
  expect(err).toMatch(/^0 rows in .*; 1 skipped for want of a capability /)
})

test('a dry run prints the cells and writes nothing', () => {
  const { code, out } = cowbench(...SMALL, '--dry-run', '--name', 'dry')
  expect(code).toBe(0)
  expect(out.trim().split('\n').length).toBe(8)
  expect(existsSync(join(home, 'results', 'dry'))).toBe(false)
})

test('flags win over the configuration file', () => {
  const config = {
    ...{ policy: ['mapcount'], workload: 'fork-exec', seeds: 3, 'dry-run': true },
    param: { commands: 2 },
  }
  writeFileSync(join(home, 'plan.json'), JSON.stringify(config))
  const { out } = cowbench('run', '--config', 'plan.json', '--seed', '9')
  expect(out).toMatch(/^mapcount fork-exec commands=2;.* seed=9\n$/)
})

test('a reader that has seen enough is no error', async () => {
  const child = spawn(process.execPath, [MAIN, 'list', 'params'], { cwd: home })
  let err = ''
  child.stderr.on('data', (text) => {
    err += text
  })
  child.stdout.destroy()
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0)
  expect(err).toBe('')
})

test.each<[string, string[], RegExp]>([
  ['command', ['rnu'], /^unknown command: rnu; did you mean run\? available: /],
  ['flag', ['run', '--quik'], /^unknown flag: --quik; did you mean --quick\? /],
  [
    'policy',
    ['run', '--policy', 'mapcont', '--quick'],
    /^unknown policy: mapcont; did you mean mapcount\? /,
  ],
  [
    'kernel',
    ['run', '--kernel', '6.18', '--quick'],
    /^unknown kernel: 6\.18; did you mean 6\.18\.44\? /,
  ],
  ['workload', ['run', '--workload', 'zygot'], /^unknown workload: zygot; did you mean zygote\? /],
  ['parameter', [...SMALL, '--param', 'page=1'], /^unknown parameter: page; did you mean pages\? /],
  ['list', ['list', 'policy'], /^unknown list: policy; did you mean policies\? /],
  ...['kernels', 'metrics', 'workloads'].map((what): [string, string[], RegExp] => [
    `policy files for the list of ${what}`,
    ['list', what, '--policy', 'mine.ts'],
    new RegExp(`^unsupported --policy with ${what}: its files add nothing to them$`),
  ]),
  [
    'workload files for the list of policies',
    ['list', 'policies', '--workload', 'mine.ts', '--json'],
    /^unsupported --workload with policies: its files add nothing to them$/,
  ],
  [
    'flag given twice',
    ['run', '--seed', '1', '--seed', '2'],
    /^invalid --seed: given twice: 1, 2; expected one$/,
  ],
  ['flag without value', ['run', '--seed'], /^missing value: --seed$/],
  ['run of nothing', ['run'], /^missing --workload: expected --workload, --trace or --quick; /],
  [
    'trace that is cut off',
    ['run', '--trace', 'cut.trace'],
    /^truncated trace: cut\.trace holds 0 bytes/,
  ],
  [
    'trace that is not there',
    ['run', '--trace', 'no.trace'],
    /^missing trace: no\.trace cannot be read \(ENOENT\)$/,
  ],
  ...['litmus', 'report', 'trace info', 'compare results/whole'].map(
    (words): [string, string[], RegExp] => [
      `dash: ${words} -`,
      [...words.split(' '), '-'],
      /^unsupported argument: -; expected a file \(of standard input: \/dev\/stdin\)$/,
    ],
  ),
  ['litmus test that is not there', ['litmus', 'no.cow'], /^missing file: no\.cow$/],
  [
    'litmus test with a mistake',
    ['litmus', 'bad.cow'],
    /^bad\.cow:2: unknown operation: wirte; did you mean write\?/,
  ],
  [
    'test for the known failures',
    ['litmus', 'plain.cow', '--known-failures'],
    /^unsupported plain\.cow with --known-failures: it runs tests of its own$/,
  ],
  [
    'state for the known failures',
    ['litmus', '--known-failures', '--drained'],
    /^unsupported --drained with --known-failures: /,
  ],
  [
    'known failures as JSON',
    ['litmus', '--known-failures', '--json'],
    /^unsupported --json with --known-failures: /,
  ],
  [
    'swap device for a record',
    ['litmus', '--against', 'no.json', '--swap', 'disk'],
    /^unsupported --swap with --against: a record says where its tests swap to$/,
  ],
  [
    'parameter that was not swept',
    ['report', REFERENCE, '--metric', 'leaks', '--across', 'workloads'],
    /^unknown parameter: workloads; did you mean workload\? available: workload$/,
  ],
  [
    'results that are none',
    ['report', 'plain'],
    /^missing rows: plain.rows\.csv; expected a results directory/,
  ],
  [
    'directory that no run made',
    [...SMALL, '--out', '.', '--name', 'plain', '--overwrite'],
    /^invalid results directory: plain; /,
  ],
])('refused in one line, with exit code 2: %s', (_, words, line) => {
  mkdirSync(join(home, 'plain'), { recursive: true })
  writeFileSync(join(home, 'plain', 'notes.txt'), 'mine')
  writeFileSync(join(home, 'bad.cow'), 'spawn A\nwirte A buf[0]\n')
  writeFileSync(join(home, 'cut.trace'), '')
  const { code, out, err } = cowbench(...words)
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err.slice('cowbench: '.length).trimEnd()).toMatch(line)
  expect([code, out]).toEqual([2, ''])
  expect(readdirSync(join(home, 'plain'))).toEqual(['notes.txt'])
})
