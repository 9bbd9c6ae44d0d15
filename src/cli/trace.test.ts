/** trace.test: `trace` as its users meet it. */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeTrace } from '../load/trace-file.ts'
import { ENDLESS_POLICY } from '../test/endless-policy.ts'
import { TraceWriter } from '../trace/trace.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const REDIS = 'workloads/recorded/redis-bgsave.perf.txt.gz'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cowbench trace '))
})
afterAll(() => rmSync(folder, { recursive: true }))

function trace(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'trace', ...words], {
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

test('a recording is compared with a policy, as text and as JSON', () => {
  const { code, out } = trace('info', REDIS, '--against-policy', 'mm-id')
  expect(code).toBe(0)
  expect(out).toContain('decisions recorded: 23,218; the model decides too: 23,218 (100 %)\n')
  // 9,464 less 150 less 8,865.
  expect(out).toContain('kernel only: 449, 1.9 % of the decisions')
  expect(out).toContain('how much is unknown: the load generator')
  const json = JSON.parse(trace('info', REDIS, '--against-policy', 'mm-id', '--json').out)
  expect(json.against).toMatchObject({
    ...{ policy: 'mm-id', reuses: 8865 },
    kernel: { pgreuse: 9464, kernelOnly: 449 },
  })
})

test('what the kernel counted is written with an imported trace, and a flag wins over it', () => {
  const file = join(folder, 'redis.trace.gz')
  const counts = ['--pgreuse', '9500', '--others', 'redis-benchmark']
  expect(trace('import', REDIS, '-o', file, ...counts).code).toBe(0)
  expect(JSON.parse(trace('info', file, '--json').out).system).toEqual({
    ...{ pgreuse: 9500, others: 'redis-benchmark' },
  })
  const flag = JSON.parse(trace('info', file, '--json', '--pgreuse', '9000').out)
  expect(flag.system).toEqual({ pgreuse: 9000, others: 'redis-benchmark' })
  expect(flag).not.toHaveProperty('against')
})

test('a workload is looked at as a trace is: its events, and the parameters and the seed that they are of', () => {
  const cell = ['--workload', 'snapshot', '--param', 'pages=64', '--param', 'stores=10']
  const { code, out } = trace('info', ...cell, '--seed', '3', '--json')
  const { operations, source, processes } = JSON.parse(out)
  expect([code, processes, operations.fork]).toEqual([0, 9, 8])
  expect(source).toBe(
    'snapshot (order=0;pages=64;pinned=0;snapshots=8;stores=10;swap=no;theta=99), seed 3',
  )
  // 64 to fill the heap; 10 while each of 8 children lives, and 10 after it.
  expect(operations.store).toBe(64 + 8 * 2 * 10)
})

test.each([[[]], [['--json']], [['-o', 'x.trace']]])('trace %j: a command is missing', (words) => {
  const commands = 'import|convert|info|validate|sample'
  expect(trace(...words)).toEqual({
    ...{ code: 2, out: '' },
    err: `cowbench: missing command: expected: cowbench trace ${commands} <file> (see --help)\n`,
  })
})

test.each([
  ['import <file>', '--output --pgreuse --others'],
  ['convert <file>', '--output'],
  ['info [file]', '--against-policy --timeout --pgreuse --workload --param --seed --json'],
  ['validate <file>', '--json'],
  ['sample <file>', '--output --rate --seed'],
])('the help of trace %s has its flags and an example', (usage, flags) => {
  const [verb = ''] = usage.split(' ')
  const { code, out, err } = trace(verb, '--help')
  expect([code, err]).toEqual([0, ''])
  expect(out.split('\n')[0]).toBe(`cowbench trace ${usage}`)
  const [options = '', examples] = out.split('\nExamples:\n')
  const told = [...options.matchAll(/^ +(?:-., )? *(--[a-z-]+) /gm)].map(([, flag]) => flag)
  expect(told).toEqual(['--help', '--color', '--version', ...flags.split(' ').filter(Boolean)])
  expect(examples).toMatch(new RegExp(`^  cowbench trace ${verb} `))
})

test.each<[string[], string]>([
  [[], 'missing argument: expected: a trace file or --workload'],
  [[REDIS, '--workload', 'zygote'], `unsupported --workload with ${REDIS}: one trace is looked at`],
  [[REDIS, '--seed', '3'], 'unsupported --seed without --workload'],
  [
    ['--workload', 'zygote', '--pgreuse', '1'],
    'unsupported --pgreuse with --workload: it is for recordings',
  ],
  [['--workload', 'zigote'], 'unknown workload: zigote; did you mean zygote? '],
  [
    ['--workload', 'bg', '--param', 'page=1'],
    'unknown parameter: page; did you mean pages? available: pages, rounds, accesses, theta',
  ],
  [
    ['--workload', 'bg', '--param', 'pages=0'],
    'invalid pages: 0; expected a whole number from 1 to 16777216',
  ],
])('info refuses %j', (words, line) => {
  const { code, out, err } = trace('info', ...words)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^cowbench: .*\n$/)
  expect(err).toContain(`cowbench: ${line}`)
})

test('a trace is valid or it is not, as text and as JSON, and the exit code says which', () => {
  const file = join(folder, 'checked.trace')
  const write = (make: (t: TraceWriter) => void): void => {
    const t = new TraceWriter(0)
    const mm = t.spawn()
    t.mmap(mm, 0, 4, 0, 3)
    make(t)
    writeTrace(file, t.finish(), { source: 'test' })
  }
  const json = () => {
    const { code, out, err } = trace('validate', file, '--json')
    return [code, JSON.parse(out), err]
  }
  write((t) => t.store(0, 0))
  expect(trace('validate', file)).toEqual({ code: 0, out: 'valid: 3 events\n', err: '' })
  expect(json()).toEqual([0, { valid: true, events: 3, problems: [] }, ''])

  write((t) => t.store(0, 9))
  const problem = 'store: page 9 of process 0 is not mapped'
  expect(trace('validate', file)).toEqual({ code: 2, out: `event 2: ${problem}\n`, err: '' })
  expect(json()).toEqual([2, { valid: false, events: 3, problems: [{ event: 2, problem }] }, ''])
})

test.each(['import', 'convert'])(
  '%s never writes over what it reads, whatever its name',
  (verb) => {
    const recording = join(folder, `${verb}.perf.txt.gz`)
    const [soft, hard, other] = ['soft', 'hard', 'other'].map((end) =>
      join(folder, verb + end),
    ) as [string, string, string]
    copyFileSync(REDIS, recording)
    symlinkSync(recording, soft)
    linkSync(recording, hard)
    for (const output of [recording, soft, hard]) {
      const { code, out, err } = trace(verb, recording, '-o', output)
      expect([code, out]).toEqual([2, ''])
      expect(err).toBe(
        `cowbench: invalid --output: ${output} is the input; expected another file\n`,
      )
    }
    expect(readFileSync(recording).equals(readFileSync(REDIS))).toBe(true)
    // Any other file is replaced.
    copyFileSync(REDIS, other)
    expect(trace(verb, recording, '-o', other).code).toBe(0)
  },
)

test('a pipe cannot be read twice, and a file behind standard input can', () => {
  const run = (script: string) => {
    const words = ['-c', script, process.execPath, MAIN]
    const { status, stdout, stderr } = spawnSync('sh', words, { encoding: 'utf8' })
    return [status, stdout.split('\n')[0], stderr]
  }
  const info = '"$0" "$1" trace info /dev/stdin'
  expect(run(`cat ${REDIS} | ${info}`)).toEqual([
    ...[2, ''],
    'cowbench: unsupported trace: /dev/stdin is a pipe or a device; expected: a file\n',
  ])
  expect(run(`${info} < ${REDIS}`)).toEqual([0, 'hash: 77f61f163c8cf2b2', ''])
})

test.each([
  [['--against-policy', 'mmid'], /^cowbench: unknown policy: mmid; did you mean mm-id/],
  [
    ['--others', 'redis'],
    /^cowbench: unknown flag: --others;.* available: --against-policy, --timeout, --pgreuse, --workload, --param, --seed, --json, --color,/,
  ],
  [['--pgresue', '5'], /^cowbench: unknown flag: --pgresue; did you mean --pgreuse\? available: /],
  [['--pgreuse', 'many'], /^cowbench: invalid --pgreuse: many; expected a whole number/],
])('a mistake is refused in one line: %o', (words, message) => {
  const { code, err } = trace('info', REDIS, ...words)
  expect(code).toBe(2)
  expect(err).toMatch(message)
  expect(err.trim().split('\n')).toHaveLength(1)
})

test('a policy that never answers is told after --timeout', () => {
  const file = join(folder, 'loops.ts')
  writeFileSync(file, ENDLESS_POLICY)
  const { code, out, err } = trace('info', REDIS, '--against-policy', file, '--timeout', '1')
  expect([code, out]).toEqual([2, ''])
  expect(err).toBe(
    'cowbench: invalid policy: loops: no answer within 1 seconds; at an access of the recording\n',
  )
})

test('a sample is a trace of some of the ranges, and says how much of all that is', () => {
  const [whole, part] = [join(folder, 'whole.trace'), join(folder, 'part.trace.gz')]
  trace('import', REDIS, '-o', whole)
  const { code, err } = trace('sample', whole, '-o', part, '--rate', '0.5', '--seed', '3')
  const said =
    'ranges of 2 MiB: 21 of 40 (52.5 %), loads and stores: 19170 of 32335 (59.3 %), 19420 events in OUT\n'
  expect([code, err.replace(part, 'OUT')]).toEqual([0, said])
  expect(trace('validate', part).out).toMatch(/^valid: /)
  const info = JSON.parse(trace('info', part, '--against-policy', 'mm-id', '--json').out)
  expect(info.source).toBe('perf-script, 0.5 of its ranges (seed 3)')
  // Page by page the kernel's decisions are what they were in the whole.
  expect(info.against.decisions).toMatchObject({ recorded: 13_861, shared: 13_861 })
})

test('a sample that would be nothing, and a rate that is none, are refused', () => {
  const [out, whole] = [join(folder, 'none.trace'), join(folder, 'again.trace')]
  trace('import', REDIS, '-o', whole)
  expect(trace('sample', whole, '-o', out, '--rate', '2').err).toContain(
    'invalid --rate: 2; expected a number over 0, up to 1',
  )
  expect(trace('sample', whole, '-o', out, '--rate', '1e-9').err).toMatch(
    /invalid --rate: 1e-9 leaves none of \d+ ranges; expected more, or another --seed/,
  )
  expect(trace('sample', whole, '-o', whole).err).toContain('is the input; expected another file')
  expect(existsSync(out)).toBe(false)
})
