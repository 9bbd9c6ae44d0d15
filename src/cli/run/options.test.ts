/** options.test: what a run is asked to do, by flags and by a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { COST_PROFILES } from '../../metrics/cost.ts'
import { type RunFlags, runOptions } from './options.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-options-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const options = (flags: Partial<RunFlags>) => runOptions(flags as RunFlags)
function file(json: unknown): string {
  const path = join(dir, 'file.json')
  writeFileSync(path, typeof json === 'string' ? json : JSON.stringify(json))
  return path
}

test('without flags it is one seed on bare metal, into results, with nothing overwritten', () => {
  expect(options({})).toMatchObject({
    ...{ seeds: [1], out: 'results', ifExists: 'refuse', shard: { i: 1, n: 1 } },
    ...{ oracle: 'epoch', cost: COST_PROFILES['bare-metal'], timeoutSeconds: 600 },
  })
})

test('seeds count from 1, a seed is that one', () => {
  expect(options({ seeds: '3' }).seeds).toEqual([1, 2, 3])
  expect(options({ seed: '0' }).seeds).toEqual([0])
})

test('a file says the same as flags, lists as lists and parameters as objects', () => {
  const config = file({
    ...{ policy: ['mapcount', 'mm-id'], workload: 'zygote,snapshot', seeds: 2, report: true },
    ...{ param: { pages: 64 }, sweep: { order: [0, 9], apps: '1..3' }, jobs: '4' },
  })
  const { policies, workloads, seeds, report, params, sweeps, jobs } = options({ config })
  expect({ policies, workloads, seeds, report, jobs }).toEqual({
    ...{ policies: ['mapcount', 'mm-id'], workloads: ['zygote', 'snapshot'] },
    ...{ seeds: [1, 2], report: true, jobs: 4 },
  })
  expect([...params]).toEqual([['pages', '64']])
  expect([...sweeps]).toEqual([
    ['order', ['0', '9']],
    ['apps', ['1', '2', '3']],
  ])
})

test('a flag takes the place of its key, and of the key that says the opposite', () => {
  const config = file({ seeds: 5, jobs: 4, resume: true, policy: 'mapcount' })
  const given = options({ config, seed: '9', overwrite: true, policy: ['mm-id'] })
  expect(given).toMatchObject({ seeds: [9], ifExists: 'overwrite', policies: ['mm-id'], jobs: 4 })
})

test('what is run is said by --quick or by its workloads, and flags win over a file', () => {
  const chosen = (flags: Partial<RunFlags>) => {
    const { quick, workloads, traces } = options(flags)
    return [quick, workloads, traces]
  }
  const quick = file({ quick: true })
  expect(chosen({ config: quick, workload: ['zygote'] })).toEqual([false, ['zygote'], []])
  expect(chosen({ config: quick, trace: ['x.trace'] })).toEqual([false, [], ['x.trace']])
  const named = file({ workload: 'zygote', trace: 'x.trace' })
  expect(chosen({ config: named, quick: true })).toEqual([true, [], []])
  expect(chosen({ config: named, workload: ['bg'] })).toEqual([false, ['bg'], ['x.trace']])
})

test('costs come from a file, with a base for what it leaves out', () => {
  const cost = file({ base: 'vm', copy4k: 1 })
  expect(options({ cost }).cost).toEqual({ ...COST_PROFILES['vm'], copy4k: 1 })
})

test.each<[string, () => Partial<RunFlags>, RegExp]>([
  ['a metric', () => ({ 'fail-on': ['copy>0'] }), /^unknown metric: copy; did you mean copies\? /],
  ['a cost profile', () => ({ cost: 'vn' }), /^unknown cost profile: vn; did you mean vm\? /],
  [
    'what every object has',
    () => ({ cost: 'constructor' }),
    /^unknown cost profile: constructor; available: bare-metal, vm$/,
  ],
  [
    'a cost',
    () => ({ cost: file({ base: 'vm', copy: 1 }) }),
    /^unknown cost: copy; .*; in .*file\.json$/,
  ],
  ['an oracle', () => ({ oracle: 'lazy' }), /^unknown oracle: lazy; available: epoch, eager$/],
  [
    'a key',
    () => ({ config: file({ polcy: 'x' }) }),
    /^unknown key: polcy; did you mean policy\? .*; in .*file\.json$/,
  ],
  [
    'a value',
    () => ({ config: file({ seeds: [1, 2] }) }),
    /^invalid seeds: \[1,2\]; expected one value; in /,
  ],
  [
    'a switch',
    () => ({ config: file({ quick: 'yes' }) }),
    /^invalid quick: "yes"; expected true or false; in /,
  ],
  [
    'a list',
    () => ({ config: file({ policy: [{}] }) }),
    /^invalid policy: \[\{\}\]; expected a list; in /,
  ],
  [
    'a list for an object',
    () => ({ config: file([]) }),
    /^invalid config: .*; expected an object with /,
  ],
  ['no JSON', () => ({ config: file('{') }), /^invalid config: .*file\.json: /],
  [
    'seed and seeds',
    () => ({ seed: '1', seeds: '2' }),
    /^invalid --seed: --seeds is given as well$/,
  ],
  ['overwrite and resume', () => ({ overwrite: true, resume: true }), /^invalid --resume: /],
  [
    'a workload of the quick run',
    () => ({ quick: true, workload: ['bg'] }),
    /^unsupported --workload with --quick: it has a set of its own$/,
  ],
  [
    'a trace of the quick run',
    () => ({ config: file({ quick: true, trace: 'x.trace' }) }),
    /^unsupported --trace with --quick: /,
  ],
  ['no jobs', () => ({ jobs: '0' }), /^invalid --jobs: 0; expected a whole number from 1 to 256$/],
])('refused in one line: %s', (_, flags, line) => {
  expect(() => options(flags())).toThrow(line)
})
