/** summary.test: means, intervals and regret, against values worked out by hand. */
import { expect, test } from 'vitest'
import { METRIC_IDS, type OkRow, type Row } from './row.ts'
import type { MetricId, MetricValues } from './schema.ts'
import { estimate, groupBySeeds, regretOver, summaryRecords, tQuantile } from './summary.ts'

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

test('three values give the mean and the interval of the textbook', () => {
  // 10, 12, 17: mean 13, variance (9 + 1 + 16) / 2 = 13, error sqrt(13 / 3) = 2.0817, times t(2) = 4.303: 8.957.
  const { n, mean, low, high } = estimate([10, 12, 17])
  expect([n, mean]).toEqual([3, 13])
  expect(low).toBeCloseTo(13 - 8.957, 3)
  expect(high).toBeCloseTo(13 + 8.957, 3)
})

test('one value has a mean and no interval', () => {
  expect(estimate([7])).toEqual({ n: 1, mean: 7, low: undefined, high: undefined })
})

test('equal values have an interval of no width', () => {
  expect(estimate([5, 5, 5, 5])).toEqual({ n: 4, mean: 5, low: 5, high: 5 })
})

test.each([
  [1, 12.706],
  [4, 2.776],
  [30, 2.042],
  [31, 2.042], // the table jumps to 40: the wider of the two
  [59, 2.021],
  [60, 2.0],
  [100, 1.984],
  [5000, 1.962],
])('with %i degrees of freedom the quantile is %d', (degrees, quantile) => {
  expect(tQuantile(degrees)).toBe(quantile)
})

test('quantiles never grow with the degrees of freedom', () => {
  for (let degrees = 2; degrees <= 1200; degrees++) {
    expect(tQuantile(degrees)).toBeLessThanOrEqual(tQuantile(degrees - 1))
  }
})

test('regret is taken on the same trace, and can be negative where promises are broken', () => {
  const rows = [
    row('mapcount', 1, { copies: 8, violations: 2 }),
    row('mapcount', 2, { copies: 25 }),
    row('clairvoyant', 2, { copies: 20 }),
    row('clairvoyant', 1, { copies: 10 }),
  ]
  // Seed 1: 8 - 10; seed 2: 25 - 20.
  expect(rows.map(regretOver(rows))).toEqual([-2, 5, 0, 0])
})

test('without clairvoyant on the trace there is no regret', () => {
  const rows = [row('mapcount', 1, { copies: 8 }), row('clairvoyant', 2, { copies: 1 })]
  expect(rows.map(regretOver(rows))).toEqual([undefined, 0])
  expect(summaryRecords(rows).filter((record) => record[3] === 'regret')).toEqual([
    ['clairvoyant', 'zygote', '', 'regret', '1', '0', '', ''],
  ])
})

test('a failed seed is left out of the means and counted', () => {
  const failed: Row = {
    ...{ policy: 'mapcount', workload: 'zygote', params: '', seed: 3 },
    ...{ trace_hash: '', events: 0, status: 'error' },
  }
  const rows = [row('mapcount', 1, { copies: 1 }), row('mapcount', 2, { copies: 2 }), failed]
  const [group] = groupBySeeds(rows)
  expect(group?.errors).toBe(1)
  expect(group?.rows.length).toBe(2)
  // Mean 1.5, variance 0.5, error 0.5, times 12.706: 6.353.
  expect(summaryRecords(rows).find((record) => record[3] === 'copies')).toEqual([
    'mapcount',
    'zygote',
    '',
    'copies',
    '2',
    '1.5',
    '-4.853',
    '7.853',
  ])
})

test('groups and their lines keep the order of the rows', () => {
  const rows = ['mm-id', 'mapcount', 'mm-id'].map((policy, i) => row(policy, i, {}))
  expect(groupBySeeds(rows).map((group) => group.policy)).toEqual(['mm-id', 'mapcount'])
  expect(
    summaryRecords(rows)
      .slice(0, METRIC_IDS.length)
      .map((r) => r[3]),
  ).toEqual([...METRIC_IDS])
})
