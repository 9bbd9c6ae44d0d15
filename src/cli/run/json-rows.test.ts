/** json-rows.test: rows come in the order of the plan, whichever finishes first. */
import { afterEach, expect, test, vi } from 'vitest'
import { METRIC_IDS } from '../../metrics/row.ts'
import type { Finished } from '../../results/journal.ts'
import { row } from '../../test/report-rows.ts'
import { JsonRows } from './json-rows.ts'

afterEach(() => vi.restoreAllMocks())

const PLACE = { workload: 'w', params: 'a=1', seed: 1, trace_hash: 't', events: 9 }

test('a row waits for those before it, and a failed one says why', () => {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0)
  const finished = new Map<string, Finished>()
  const stream = new JsonRows([{ key: '1' }, { key: '2' }, { key: '3' }], finished)
  const policies = (): unknown[] => lines.map((line) => JSON.parse(line).policy)

  finished.set('2', { key: '2', row: { ...PLACE, policy: 'b', status: 'error' }, error: 'why' })
  stream.flush()
  expect(lines).toEqual([])

  finished.set('1', { key: '1', row: row({ ...PLACE, policy: 'a' }, { needed: 3, forkNs: 1 }) })
  stream.flush()
  expect(policies()).toEqual(['a', 'b'])
  expect(lines[1]).toBe(
    `${JSON.stringify({ policy: 'b', ...PLACE, status: 'error', error: 'why' })}\n`,
  )
  const first = JSON.parse(lines[0] ?? '')
  expect(Object.keys(first)).toEqual(['policy', ...Object.keys(PLACE), ...METRIC_IDS, 'status'])
  expect([first.needed_copies, first.status]).toEqual([3, 'ok'])

  stream.flush()
  expect(policies()).toEqual(['a', 'b'])
})
