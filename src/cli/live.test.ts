/** live.test: the commands that need the running kernel, where it can be had and where it cannot. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest'
import { parseTruth } from '../litmus/truth.ts'
import { packageRoot } from '../load/package.ts'
import { COST_UNITS, parseCostProfile } from '../metrics/cost.ts'
import { ENDLESS_POLICY } from '../test/endless-policy.ts'
import { skip } from '../test/skip.ts'

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const NOBODY = 65534
const MISSING = 5

let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cowbench live '))
  // For a user who is not root.
  chmodSync(home, 0o777)
  writeFileSync(
    join(home, 'fork.cow'),
    'spawn A\nmmap A a 1\nwrite A a\nfork A B\nwrite A a\nexpect copy\n',
  )
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function cowbench(words: readonly string[], uid?: number): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    ...{
      cwd: home,
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: join(home, 'cache') },
    },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  return { code: status, out: stdout, err: stderr }
}

/** What the command printed; skips the test where the machine cannot run it. */
function orSkipped(ctx: TestContext, words: readonly string[]): Ended {
  const ended = cowbench(words)
  if (ended.code !== MISSING) return ended
  expect(ended.out).toBe('')
  expect(ended.err).toMatch(/^cowbench: .+\n$/)
  return skip(ctx, ended.err.trim())
}

test('a user who is not root is told so in one line, with exit code 5', () => {
  const uid = process.getuid?.() === 0 ? NOBODY : undefined
  const why = 'need root: frame numbers are hidden from others'
  for (const [command, what] of [
    [['live', 'fork.cow'], 'live tests'],
    [['calibrate'], 'calibrations'],
  ] as const) {
    expect(cowbench(command, uid)).toEqual({
      ...{ code: MISSING, out: '', err: `cowbench: ${what} ${why}\n` },
    })
  }
})

test('what the kernel does is printed as litmus prints, and expectations are checked', (ctx) => {
  const ended = orSkipped(ctx, ['live', 'fork.cow', '--json'])
  const lines = ended.out.trim().split('\n')
  expect(lines).toHaveLength(5)
  expect(JSON.parse(lines[4] ?? '')).toEqual({
    ...{ test: 'fork', policy: 'live', n: 5, op: 'write A a', outcome: '0=copy' },
    pages: [{ page: 0, outcome: 'copy' }],
  })
  expect(ended.err).toMatch(/1 expectation met, 0 not/)
  expect(ended.code).toBe(0)

  writeFileSync(join(home, 'wrong.cow'), 'spawn A\nmmap A a 1\nwrite A a\nexpect reuse\n')
  expect(cowbench(['live', 'wrong.cow']).code).toBe(4)
})

test('the kernel that the tests speak of meets what they expect of it', (ctx) => {
  const { code, err } = orSkipped(ctx, ['live'])
  if (!/^Linux 6\.18\.44: /m.test(err)) skip(ctx, 'the running kernel is no 6.18.44')
  expect(err).toMatch(/ expectations met, 0 not\n$/)
  expect(code).toBe(0)
})

test('a kernel is recorded with its configuration, and agrees or not', (ctx) => {
  const recorded = ['live', 'fork.cow', '--against', 'always-copy', '--record', 'here.json']
  const ended = orSkipped(ctx, recorded)
  // One store and no reuse in it: always-copy does the same.
  expect(ended.code).toBe(0)
  expect(ended.out).toMatch(/model always-copy, natural: 2 of 2 operations agree \(100 %\)/)
  const text = readFileSync(join(home, 'here.json'), 'utf8')
  expect(parseTruth(text, 'here.json').tests.get('fork')).toHaveLength(5)
  expect(Object.keys(JSON.parse(text).config)).toContain('CONFIG_MM_ID')
})

test('a wrong policy is told from the right one, where the kernel keeps track of owners', (ctx) => {
  const rule = join(packageRoot(), 'workloads', 'litmus', 'rules', 'two_remaining_ptes.cow')
  const right = orSkipped(ctx, ['live', rule, '--against', 'mm-id'])
  // The last two pages of a huge folio that a process has to itself: copied before 6.15, or without THP all small.
  if (right.code !== 0 || !orSkipped(ctx, ['live', rule]).out.includes('thp_reuse')) {
    skip(ctx, 'this kernel does not reuse pages of large folios')
  }
  const wrong = cowbench(['live', rule, '--against', 'order0-copy'])
  expect(wrong.code).toBe(4)
  expect(wrong.out).toContain('kernel 0..1=thp_reuse, model 0..1=thp_copy_order0')
})

test("no cell of the kernel's own matrix fails that can run", (ctx) => {
  const ended = orSkipped(ctx, ['live', '--selftests', '--json'])
  const cells = ended.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const names = cells.map(({ case: name, state }) => `${name}, ${state}`)
  expect(names).toContain('basic COW, zeropage')
  expect(names).toContain('vmsplice() + unmap in child, base page')
  // I-01 leaks before 5.8, and a pin was not seen by fork before 5.12.
  const failing = cells.filter(({ failure }) => failure !== undefined)
  expect(ended.code).toBe(failing.length > 0 ? 4 : 0)
  if (/Linux 6\.18\.44: /.test(ended.err)) expect(failing).toEqual([])
})

test('a profile of this machine is one that run takes', (ctx) => {
  const ended = orSkipped(ctx, ['calibrate', '--rounds', '6', '-o', 'here-cost.json'])
  expect(ended.err).toMatch(/^ {2}reuse: [\d.]+ \([\d.]+ to [\d.]+\)$/m)
  // How far it is off depends on what else the machine does; the other answer is why nothing is compared.
  expect(ended.err).toMatch(
    /^(fh, 589,835 events: .*, estimated \d+ ms \([+-][\d.]+ %\)|SKIPPED: not compared .*)$/m,
  )
  const profile = parseCostProfile(JSON.parse(readFileSync(join(home, 'here-cost.json'), 'utf8')))
  expect(Object.keys(profile)).toEqual(Object.keys(COST_UNITS))
  // A fault that copies costs more than one that does not, on any machine.
  expect(profile.copy4k).toBeGreaterThan(profile.reuse)
  expect(profile.faultEntry).toBeGreaterThan(0)
})

test('the matrix is shown cell by cell where it is compared with nothing, as the example says', () => {
  expect(cowbench(['live', '--help']).out).toMatch(
    /^ {2}cowbench live --selftests +the selftest matrix, cell by cell$/m,
  )
})

test.each<[string[], string]>([
  [['fork.cow', '--random', '9'], 'unsupported fork.cow with --random: it runs no files'],
  [['fork.cow', '--selftests'], 'unsupported fork.cow with --selftests: it runs no files'],
  [['--program', 'true', '--record', 'f'], 'unsupported --record with --program'],
  [['--random', '9', '--drained'], 'unsupported --drained with --random'],
  [['fork.cow', '--seed', '9'], 'unsupported --seed without --random'],
])('what would do nothing is refused on any machine: live %j', (words, line) => {
  expect(cowbench(['live', ...words])).toEqual({ code: 2, out: '', err: `cowbench: ${line}\n` })
})

test('what cannot be recorded is refused before perf is asked', () => {
  expect(cowbench(['record']).err).toBe(
    'cowbench: missing command: expected -- CMD, or --pid PID without one\n',
  )
  expect(cowbench(['record', '--', 'no-such-program']).err).toBe(
    'cowbench: unknown program: no-such-program\n',
  )
  expect(cowbench(['record', '--pid', '1', '--overhead']).code).toBe(2)
  expect(cowbench(['record', '--seconds', '9', '--', 'true'])).toEqual({
    ...{ code: 2, out: '' },
    err: 'cowbench: unsupported --seconds with -- CMD, which is recorded until it ends; expected -- timeout 9 CMD\n',
  })
})

test('random tests say how many operations agree', (ctx) => {
  const ended = orSkipped(ctx, ['live', '--random', '20', '--seed', '3', '--against', 'mm-id'])
  expect(ended.err).toMatch(/20 random tests, natural and drained: \d+ operations agree/)
})

test('a policy that never answers is told after --timeout', (ctx) => {
  writeFileSync(join(home, 'loops.ts'), ENDLESS_POLICY)
  const words = ['--against', './loops.ts', '--timeout', '1']
  const ended = orSkipped(ctx, ['live', 'fork.cow', ...words])
  const told = 'cowbench: invalid policy: loops: no answer within 1 seconds; at '
  expect([ended.code, ended.err]).toEqual([2, `${told}operation 5 of fork.cow (natural)\n`])
  const { code, err } = cowbench(['live', '--random', '20', ...words])
  expect([code, err.slice(0, told.length)]).toEqual([2, told])
  expect(err).toMatch(/; at spawn A; .*\n$/)
})
