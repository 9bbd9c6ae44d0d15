/** fail-on.test: which rows make a run fail, and as what. */
import { expect, test } from 'vitest'
import { METRIC_IDS, type OkRow, type Row } from '../../metrics/row.ts'
import type { MetricId, MetricValues } from '../../metrics/schema.ts'
import { failures, parseFailOn } from './fail-on.ts'

function row(policy: string, numbers: Partial<Record<MetricId, number>>): OkRow {
  const zeroes = Object.fromEntries(METRIC_IDS.map((id) => [id, 0])) as MetricValues
  const cell = { policy, workload: 'w', params: '', seed: 1, trace_hash: 't', events: 1 }
  return { ...cell, status: 'ok', values: { ...zeroes, ...numbers } }
}
const rows: Row[] = [
  row('mapcount', { copies: 10, violations: 1 }),
  row('mm-id', { copies: 20 }),
  { policy: 'x', workload: 'w', params: '', seed: 1, trace_hash: '', events: 0, status: 'error' },
]
const failing = (text: string): string[] =>
  failures(parseFailOn([text]), rows).flatMap((failure) => failure.rows.map((r) => r.policy))

test.each([
  ['violations>0', ['mapcount']],
  ['copies > 10', ['mm-id']],
  ['copies>=10', ['mapcount', 'mm-id']],
  ['copies<20', ['mapcount']],
  ['copies<=20', ['mapcount', 'mm-id']],
  ['copies==20', ['mm-id']],
  ['copies!=20', ['mapcount']],
  ['leaks>0', []],
])('%s fails on %j, and a row without numbers on nothing', (text, policies) => {
  expect(failing(text)).toEqual(policies)
})

test('several conditions may be joined by commas', () => {
  expect(parseFailOn(['violations>0,copies>5', 'leaks>0']).map(({ text }) => text)).toEqual([
    'violations>0',
    'copies>5',
    'leaks>0',
  ])
})

test('what counts broken promises is about correctness, everything else a threshold', () => {
  const metrics = METRIC_IDS.filter((id) => parseFailOn([`${id}>0`])[0]?.correctness)
  expect(metrics).toEqual(['leaks', 'lost_coherence', 'lost_writes', 'lost_events', 'violations'])
})

test.each([
  ['copies', 'invalid --fail-on: copies; expected a condition such as violations>0'],
  ['copies>', 'invalid --fail-on: copies>; expected a condition such as violations>0'],
  ['copies>-1', 'invalid --fail-on: copies>-1; expected a condition such as violations>0'],
  ['copies > 1e2', 'invalid --fail-on: copies > 1e2; expected digits alone, without an exponent'],
  ['copies>1.5', 'invalid --fail-on: copies>1.5; expected a condition such as violations>0'],
  ['', 'invalid --fail-on: ; expected a condition such as violations>0'],
])('"%s" is refused', (text, message) => {
  expect(() => parseFailOn([text])).toThrow(message)
})

test('an unknown metric is refused with the closest', () => {
  expect(() => parseFailOn(['copys>1'])).toThrow(/^unknown metric: copys; did you mean copies\? /)
})
