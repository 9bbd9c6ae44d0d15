/** chosen-table.test: policies down, and across the metrics, workloads or swept values that were asked for. */
import { expect, test } from 'vitest'
import { matrix, sweep } from '../test/report-rows.ts'
import { acrossNames, chosenTables } from './chosen-table.ts'

const two = ['always-copy', 'mm-id']
const rows = matrix().filter(({ policy }) => two.includes(policy))
const swept = sweep().filter(({ policy }) => two.includes(policy))

test('a column for each metric, a table for each workload', () => {
  const text = chosenTables(rows, 'markdown', { metrics: ['copies', 'fork_ns'] })
  expect(text.match(/^.*:$/gm)).toEqual([...new Set(rows.map(({ workload }) => `${workload}:`))])
  expect(text).toContain('| policy | copies | fork_ns |\n| --- | ---: | ---: |\n')
  expect(text).toContain('- fork_ns: estimated time in fork.')
})

test('one metric across the workloads, in brackets where promises were broken', () => {
  const text = chosenTables(rows, 'text', { metrics: ['copies'], across: 'workload' })
  const [caption, , head, ...lines] = text.split('\n')
  expect(caption).toBe('copies, by workload:')
  expect(head?.split(/ +/)).toEqual(['policy', ...new Set(rows.map(({ workload }) => workload))])
  expect(lines.slice(0, 2).map((line) => line.split(' ')[0])).toEqual(two)
  // always-copy leaves its pins behind in direct-io, and nowhere else.
  expect(lines[0]).toMatch(/\[[0-9,]+\]/)
  expect(lines[1]).not.toContain('[')
})

test('one metric across a swept parameter, in the order of its numbers', () => {
  const text = chosenTables([...swept].reverse(), 'markdown', {
    metrics: ['spurious_copies'],
    across: 'pinned',
  })
  expect(text.split('\n').slice(0, 4)).toEqual([
    'spurious_copies on direct-io, by pinned:',
    '',
    '| policy | 0 | 1 | 5 | 25 | 100 |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
  ])
  // 900 spurious copies at 5 %, so 180 at 1 %.
  expect(text).toContain('| always-copy | [0] | [180] | [900] | [4,500] | [18,000] |')
})

test('a parameter that was not swept is refused', () => {
  expect(acrossNames(swept)).toEqual(['workload', 'pinned'])
  expect(() => chosenTables(swept, 'text', { metrics: ['leaks'], across: 'pages' })).toThrow(
    new RangeError('unknown parameter: pages; available: workload, pinned'),
  )
})
