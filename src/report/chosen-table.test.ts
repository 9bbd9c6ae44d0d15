/** chosen-table.test: policies down, and across the metrics, workloads or swept values that were asked for. */
import { expect, test } from 'vitest'
import { matrix, row, sweep } from '../test/report-rows.ts'
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

/** A row of mm-id that copies 1,000 pages, on a workload of that name. */
const on = (workload: string, policy = 'mm-id') =>
  row(
    { workload, policy, params: '', seed: 1, trace_hash: workload, events: 9 },
    { needed: 1000, forkNs: 1 },
  )

test('columns that do not fit a letter follow below, all lines within 72 columns', () => {
  // 6 + 1 + 40 + 1 + 24 is 72; the third needs a table of its own.
  const names = ['w'.repeat(40), 'x'.repeat(24), 'y'.repeat(30)]
  const text = chosenTables(
    names.map((name) => on(name)),
    'lkml',
    { metrics: ['requested_lost_events'], across: 'workload' },
  )
  expect(text).toBe(
    [
      'requested_lost_events, by workload:',
      '',
      `policy ${names[0]} ${names[1]}`,
      `mm-id  ${'0'.padStart(40)} ${'0'.padStart(24)}`,
      '',
      `policy ${names[2]}`,
      `mm-id  ${'0'.padStart(30)}`,
      '',
      'requested_lost_events: of lost_events: in 2 MiB that the process itself',
      'had collapsed (MADV_COLLAPSE).',
      '',
    ].join('\n'),
  )
})

test('in a letter a long name gets a line of its own', () => {
  const [column, name] = ['w'.repeat(60), 'p'.repeat(30)]
  const text = chosenTables([on(column, name)], 'lkml', {
    metrics: ['copies'],
    across: 'workload',
  })
  expect(text.split('\n').slice(2, 6)).toEqual([
    `policy      ${column}`,
    name,
    '1,000'.padStart(72),
    '',
  ])
  const all = chosenTables(matrix(3), 'lkml', { metrics: ['copies', 'violations'] })
  expect(Math.max(...all.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72)
})

test('a column that no letter has room for is refused', () => {
  const wide = 'w'.repeat(72)
  const tables = (name: string) =>
    chosenTables([on(name)], 'lkml', { metrics: ['copies'], across: 'workload' })
  expect(() => tables(wide)).toThrow(
    new RangeError(`unsupported format: lkml; ${wide} does not fit its 72 columns`),
  )
  expect(tables(wide.slice(1)).split('\n').slice(2, 4)).toEqual(['policy', ` ${wide.slice(1)}`])
})
