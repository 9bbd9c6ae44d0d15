/** plan.test: which cells a plan has, in which order, and what each is called. */
import { expect, test } from 'vitest'
import { COST_PROFILES, type CostProfile } from './metrics/cost.ts'
import { choice, flag, int, type Params } from './params/params.ts'
import { expand, type PlanInput, type PolicyChoice, shardOf, type WorkloadChoice } from './plan.ts'
import { COPY, definePolicy } from './policy/api.ts'

function policy(name: string, params: Params = {}, kernel?: PolicyChoice['kernel']): PolicyChoice {
  const definition = definePolicy({
    ...{ name, summary: '', era: '', kernel: '6.18' as const, params },
    lacks: name === 'early' ? ['swap'] : [],
    hooks: () => ({ wpReuse: () => COPY }),
  })
  return kernel === undefined ? { definition } : { definition, kernel }
}

function workload(name: string, params: Params = {}, needs: string[] = []): WorkloadChoice {
  return { name, params, needs: () => needs }
}

const pages = int(64, 1, 1024, 'heap size')
const conditions: PlanInput['conditions'] = {
  ...{ cost: COST_PROFILES['vm'] as CostProfile, oracle: 'epoch', check: false, code: 'abc' },
}
const plan = (input: Partial<PlanInput>) =>
  expand(
    {
      policies: [policy('mapcount')],
      workloads: [workload('zygote', { pages })],
      params: new Map(),
      sweeps: new Map(),
      seeds: [1],
      conditions,
      ...input,
    },
    ({ definition }, needs) => needs.find((need) => definition.lacks.some((lack) => lack === need)),
  )
const names = (input: Partial<PlanInput>): string[] =>
  plan(input).cells.map(({ name: n }) => `${n.policy} ${n.workload} ${n.params} ${n.seed}`)

test('policies are outermost, then workloads, then seeds; defaults are spelled out', () => {
  const policies = [policy('mapcount', { ksm: flag(true, '') }), policy('mm-id')]
  const workloads = [workload('zygote', { pages }), workload('recorded')]
  expect(names({ policies, workloads, seeds: [1, 2] })).toEqual([
    'mapcount zygote ksm=yes;pages=64 1',
    'mapcount zygote ksm=yes;pages=64 2',
    'mapcount recorded ksm=yes 1',
    'mapcount recorded ksm=yes 2',
    'mm-id zygote pages=64 1',
    'mm-id zygote pages=64 2',
    'mm-id recorded  1',
    'mm-id recorded  2',
  ])
})

test('two sweeps are multiplied, the first one slowest', () => {
  const workloads = [workload('zygote', { pages, kind: choice('a', ['a', 'b'], '') })]
  const sweeps = new Map([
    ['pages', ['1', '2']],
    ['kind', ['a', 'b']],
  ])
  expect(names({ workloads, sweeps })).toEqual([
    'mapcount zygote kind=a;pages=1 1',
    'mapcount zygote kind=b;pages=1 1',
    'mapcount zygote kind=a;pages=2 1',
    'mapcount zygote kind=b;pages=2 1',
  ])
})

test("noise is everybody's, is swept like any parameter, and is unheard of in rows until it is named", () => {
  const workloads = [workload('zygote', { pages }), workload('recorded')]
  const sweeps = new Map([['noise', ['0', '30']]])
  const silent = 'noiseIsolation=0;noiseLock=0;noiseScan=0;noiseSwapcache=0'
  expect(names({ workloads, sweeps })).toEqual([
    `mapcount zygote cpus=1;noise=0;${silent};pages=64 1`,
    `mapcount zygote cpus=1;noise=30;${silent};pages=64 1`,
    `mapcount recorded cpus=1;noise=0;${silent} 1`,
    `mapcount recorded cpus=1;noise=30;${silent} 1`,
  ])
  const [none] = plan({}).cells
  const cells = plan({ sweeps }).cells
  expect(none?.noise).toBeUndefined()
  expect(cells.map(({ noise }) => noise?.noise)).toEqual([0, 30])
  // One trace, three rows.
  expect(new Set([none, ...cells].map((cell) => cell?.key)).size).toBe(3)
  expect(new Set(cells.map(({ trace }) => trace)).size).toBe(1)
})

test('a sweep multiplies only the cells that have its parameter', () => {
  const workloads = [workload('zygote', { pages }), workload('exec')]
  const sweeps = new Map([['pages', ['1', '2', '3']]])
  expect(names({ workloads, sweeps })).toEqual([
    'mapcount zygote pages=1 1',
    'mapcount zygote pages=2 1',
    'mapcount zygote pages=3 1',
    'mapcount exec  1',
  ])
})

test('a kernel is named among the parameters and fixes those of its policy', () => {
  const kernel = { name: '5.9.1', era: '5.8', params: { reclaimPin: false } }
  const params = { reclaimPin: flag(true, '') }
  expect(
    names({ policies: [policy('page-count', params), policy('page-count', params, kernel)] }),
  ).toEqual([
    'page-count zygote pages=64;reclaimPin=yes 1',
    'page-count zygote kernel=5.9.1;pages=64;reclaimPin=no 1',
  ])
  expect(() =>
    names({
      policies: [policy('page-count', params, kernel)],
      params: new Map([['reclaimPin', 'yes']]),
    }),
  ).toThrow('invalid parameter: reclaimPin; kernel 5.9.1 fixes it at no')
})

test('a policy that lacks what a workload needs has no cell there, and the reason is kept', () => {
  const policies = [policy('early'), policy('mapcount')]
  const { cells, skipped } = plan({ policies, workloads: [workload('postcopy', {}, ['swap'])] })
  expect(cells.map((cell) => cell.name.policy)).toEqual(['mapcount'])
  expect(skipped).toEqual([{ policy: 'early', workload: 'postcopy', params: '', reason: 'swap' }])
})

test('all policies of one workload, setting and seed share one trace, and nothing else does', () => {
  const policies = [policy('mapcount'), policy('mm-id')]
  const { cells } = plan({ policies, seeds: [1, 2], sweeps: new Map([['pages', ['8', '9']]]) })
  expect(cells.length).toBe(8)
  expect(new Set(cells.map((cell) => cell.trace)).size).toBe(4)
  expect(cells[0]?.trace).toBe(cells[4]?.trace)
})

test('a key changes with everything that decides the row, and with nothing else', () => {
  const key = (input: Partial<PlanInput>): string | undefined => plan(input).cells[0]?.key
  const same = key({})
  expect(key({ seeds: [1, 2], policies: [policy('mapcount'), policy('mm-id')] })).toBe(same)
  const others = [
    key({ seeds: [2] }),
    key({ params: new Map([['pages', '65']]) }),
    key({ policies: [policy('mm-id')] }),
    key({ policies: [policy('mapcount', {}, { name: '6.0.6', era: '5.8', params: {} })] }),
    key({ policies: [{ ...policy('mapcount'), file: { path: '/x.ts', hash: '1' } }] }),
    key({ workloads: [workload('snapshot', { pages })] }),
    key({ conditions: { ...conditions, oracle: 'eager' } }),
    key({ conditions: { ...conditions, check: true } }),
    key({ conditions: { ...conditions, code: 'abd' } }),
    key({ conditions: { ...conditions, cost: { ...conditions.cost, copy4k: 1 } } }),
  ]
  expect(new Set([same, ...others]).size).toBe(1 + others.length)
})

test('shards are disjoint, and together they are the plan', () => {
  const { cells } = plan({ seeds: [1, 2, 3, 4, 5, 6, 7] })
  const shards = [1, 2, 3].map((i) => shardOf(cells, i, 3))
  expect(shards.map((shard) => shard.map((cell) => cell.name.seed))).toEqual([
    [1, 4, 7],
    [2, 5],
    [3, 6],
  ])
})

test.each<[string, Partial<PlanInput>, string]>([
  [
    'nobody has it',
    { params: new Map([['page', '1']]) },
    'unknown parameter: page; did you mean pages? available: cpus, noise, noiseIsolation, noiseLock, noiseScan, noiseSwapcache, pages',
  ],
  [
    'it is out of range',
    { params: new Map([['pages', '0']]) },
    'invalid pages: 0; expected a whole number from 1 to 1024',
  ],
  [
    'a swept value is no number',
    { sweeps: new Map([['pages', ['1', 'x']]]) },
    'invalid pages: x; expected a whole number from 1 to 1024',
  ],
  [
    'it is set and swept',
    { params: new Map([['pages', '1']]), sweeps: new Map([['pages', ['2', '3']]]) },
    'invalid sweep: pages; it is already set to 1',
  ],
  [
    'a value is swept twice',
    { sweeps: new Map([['pages', ['2', '2']]]) },
    'invalid sweep: pages=2,2; expected each value once',
  ],
  [
    'rows use its name already',
    { workloads: [workload('mine', { kernel: pages })] },
    'invalid parameter of mine: kernel; rows name the kernel so',
  ],
  [
    'the machine has it',
    { workloads: [workload('mine', { noise: pages })] },
    'invalid parameter of mine: noise; the machine has one',
  ],
  [
    'policy and workload disagree about its default',
    { policies: [policy('mine', { pages: int(1, 1, 9, '') })] },
    'invalid parameter: pages; policy mine and workload zygote both have it, with different values',
  ],
])('a parameter is refused if %s', (_, input, message) => {
  expect(() => plan(input)).toThrow(new RangeError(message))
})

test('a plan of too many cells is refused before any of them is made', () => {
  const thousand = int(0, 0, 1023, '')
  const values = Array.from({ length: 1000 }, (_, i) => String(i))
  const params = Object.fromEntries([...'abcdefgh'].map((name) => [name, thousand]))
  const workloads = [workload('zygote', params)]
  const sweeps = new Map([...'abcdefgh'].map((name) => [name, values]))
  // 1000 to the power of 8: nothing that could be made in any time.
  expect(() => plan({ workloads, sweeps })).toThrow(
    'invalid plan: 1e+24 cells; expected at most 1000000',
  )
  // Of another workload they are no parameters.
  expect(
    plan({ workloads: [workload('zygote', { a: thousand })], sweeps: new Map([['a', values]]) })
      .cells.length,
  ).toBe(1000)
})
