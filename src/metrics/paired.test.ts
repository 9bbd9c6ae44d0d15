/** paired.test: what counts as better, worse or noise. */
import { expect, test } from 'vitest'
import { differencesOf, pairPolicies, pairRuns } from './paired.ts'
import { METRIC_IDS, type OkRow, type Row } from './row.ts'
import type { MetricId, MetricValues } from './schema.ts'

function row(policy: string, seed: number, numbers: Partial<Record<MetricId, number>>): OkRow {
  const zeroes = Object.fromEntries(METRIC_IDS.map((id) => [id, 0])) as MetricValues
  const values = { ...zeroes, ...numbers }
  const trace_hash = `trace${seed}`
  return {
    policy,
    workload: 'zygote',
    params: '',
    seed,
    trace_hash,
    events: 9,
    status: 'ok',
    values,
  }
}
const run = (metric: MetricId, numbers: number[]): OkRow[] =>
  numbers.map((value, i) => row('mine', i + 1, { [metric]: value }))
const compare = (metric: MetricId, base: number[], next: number[]) =>
  differencesOf(pairRuns(run(metric, base), run(metric, next)).groups, [metric])[0]

test('what the seeds have in common cancels: a small steady change is no noise', () => {
  // Differences -2, -3, -4: mean -3, deviation 1, error 1 / sqrt(3) = 0.577, times t(2) = 4.303: 2.484.
  const difference = compare('copies', [1000, 2000, 3000], [998, 1997, 2996])
  expect(difference).toMatchObject({ base: 2000, next: 1997, relative: -0.0015, effect: -3 })
  expect(difference?.difference.low).toBeCloseTo(-3 - 2.484, 3)
  expect(difference?.difference.high).toBeCloseTo(-3 + 2.484, 3)
  expect(difference?.verdict).toBe('better')
})

test.each<[string, MetricId, number[], number[]]>([
  ['better', 'copies', [10, 20], [5, 15]],
  ['worse', 'copies', [5, 15], [10, 20]],
  ['better', 'reuses', [5, 15], [10, 20]], // more is better
  ['changed', 'needed_copies', [5, 15], [10, 20]], // neither is
  ['within noise', 'copies', [10, 20, 30], [11, 19, 31]],
  ['no change', 'copies', [10, 20], [10, 20]],
  ['worse', 'copies', [10], [11]], // one seed: exact, but no interval
])('%s: %s from %j to %j', (verdict, metric, base, next) => {
  expect(compare(metric, base, next)?.verdict).toBe(verdict)
})

test('a base of nothing has no relative change, and equal differences no effect size', () => {
  expect(compare('violations', [0, 0], [3, 3])).toMatchObject({
    ...{ relative: undefined, effect: undefined, verdict: 'worse' },
  })
})

test('rows without a partner, or with one that failed, are counted and left out', () => {
  const { policy, workload, params, seed } = row('mine', 2, {})
  const failed: Row = { policy, workload, params, seed, trace_hash: '', events: 0, status: 'error' }
  const base = [row('mine', 1, {}), failed, row('gone', 1, {})]
  const next = [row('mine', 1, {}), row('mine', 2, {})]
  const { groups, unpaired } = pairRuns(base, next)
  expect(groups.map((group) => group.pairs.length)).toEqual([1])
  // Seed 2 on both sides, and the policy that is gone.
  expect(unpaired).toBe(3)
})

test('two policies are paired by trace, whatever their own parameters are', () => {
  const base = [row('mm-id', 1, { copies: 5 }), row('mm-id', 2, { copies: 7 })]
  const next = [2, 1].map((seed) => ({ ...row('mine', seed, { copies: 6 }), params: 'own=1' }))
  const { groups } = pairPolicies(base, next)
  expect(differencesOf(groups, ['copies'])).toMatchObject([
    { base: 6, next: 6, verdict: 'within noise', group: { policy: 'mine', params: 'own=1' } },
  ])
  expect(() => pairPolicies([...base, ...base], next)).toThrow(
    'invalid base: mm-id has several rows on one trace of zygote; expected one',
  )
})

test('one trace under two rates of noise is two pairs, each with its own', () => {
  const at = (noise: number, made: OkRow): OkRow => ({ ...made, params: `cpus=1;noise=${noise}` })
  const base = [at(0, row('mm-id', 1, { copies: 6 })), at(9, row('mm-id', 1, { copies: 8 }))]
  const next = [at(0, row('mine', 1, { copies: 6 })), at(9, row('mine', 1, { copies: 20 }))]
  const { groups } = pairPolicies(base, next)
  expect(differencesOf(groups, ['copies'])).toMatchObject([
    { base: 6, next: 6, verdict: 'no change' },
    { base: 8, next: 20, verdict: 'worse' },
  ])
})
