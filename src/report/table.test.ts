/** table.test: the comparison table fits its width, says what is in brackets, and warns of twins. */
import { expect, test } from 'vitest'
import type { OkRow } from '../metrics/row.ts'
import { matrix, row } from '../test/report-rows.ts'
import { gridOf } from './grid.ts'
import { comparisonTable, identical } from './table.ts'

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))
const only = (...policies: string[]): OkRow[] =>
  matrix().filter(({ policy, workload }) => policies.includes(policy) && workload === 'direct-io')

test('a table, whole: brackets where promises were broken', () => {
  expect(comparisonTable(only('mapcount', 'page-count', 'mm-id', 'clairvoyant'))).toBe(
    [
      'direct-io: 24,010 events, one seed',
      '',
      'policy       copies  spurious  missed  violations  est. fork  est. faults  regret',
      'mapcount         16         0       0          12     410 us       112 us   [-80]',
      'page-count      576       512     512         200     480 us       532 us  [+480]',
      'mm-id           120        24       0           0     490 us       190 us     +24',
      'clairvoyant      96         0       0           0     480 us       172 us       0',
      '',
      'spurious: pages copied although their writer was the only user; missed: the decisions for it.',
      'regret: copies above clairvoyant, the fewest that keep every promise; in brackets where promises',
      'were broken, for then copying less is no merit.',
      'fork, faults: time, estimated from counted work and a cost profile. Counts are exact.',
      '',
    ].join('\n'),
  )
})

test('the same for a patch letter', () => {
  expect(
    comparisonTable(only('page-count', 'mm-id', 'clairvoyant'), 'lkml')
      .split('\n')
      .slice(0, 6),
  ).toEqual([
    'direct-io: 24,010 events, one seed',
    '',
    'policy      copies spurious missed viol.  fork faults regret',
    'page-count     576      512    512   200 480us  532us [+480]',
    'mm-id          120       24      0     0 490us  190us    +24',
    'clairvoyant     96        0      0     0 480us  172us      0',
  ])
})

test('the same in Markdown', () => {
  expect(
    comparisonTable(only('page-count', 'clairvoyant'), 'markdown').split('\n').slice(0, 8),
  ).toEqual([
    '### direct-io',
    '',
    '24,010 events, one seed',
    '',
    '| policy | copies | spurious copies | missed reuses | violations | est. fork | est. faults | regret |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| page-count | 576 | 512 | 512 | 200 | 480 us | 532 us | [+480] |',
    '| clairvoyant | 96 | 0 | 0 | 0 | 480 us | 172 us | 0 |',
  ])
})

test('sixteen policies fit 100 columns, and 72 in a letter', () => {
  expect(widest(comparisonTable(matrix(3)))).toBeLessThanOrEqual(100)
  expect(widest(comparisonTable(matrix(3), 'lkml'))).toBeLessThanOrEqual(72)
})

test('huge numbers are shortened and long names get a line of their own rather than a wider table', () => {
  const place = {
    workload: 'snapshot',
    params: 'kernel=5.8.1-nogupbreak',
    seed: 1,
    trace_hash: 't',
  }
  const numbers = { needed: 123_456_789, spurious: 987_654_321, missed: 987_654_321, forkNs: 9e9 }
  const rows = ['forced-gup-break', 'clairvoyant'].map((policy) =>
    row({ ...place, policy, events: 2_000_000_000 }, numbers),
  )
  const text = comparisonTable(rows)
  expect(text).toContain('1.11G')
  expect(widest(text)).toBeLessThanOrEqual(100)
  const letter = comparisonTable(rows, 'lkml').split('\n')
  expect(widest(letter.join('\n'))).toBeLessThanOrEqual(72)
  const at = letter.indexOf('forced-gup-break (kernel 5.8.1-nogupbreak)')
  expect(letter[at + 1]?.trim()).toMatch(/^1\.11G +988M +988M +0 +9\.00s/)
})

test('without clairvoyant there is no regret to speak of', () => {
  expect(comparisonTable(only('mapcount'))).not.toContain('regret')
})

test('a policy that did not run is named, not left out', () => {
  const rows = [
    ...only('mapcount', 'mm-id'),
    ...matrix().filter(({ policy, workload }) => policy === 'mapcount' && workload === 'snapshot'),
  ]
  expect(comparisonTable(rows)).toContain('\nmm-id: not run\n')
  const error = { ...rows[0]!, policy: 'mm-id', workload: 'snapshot', status: 'error' } as const
  expect(comparisonTable([...rows, error])).toContain('\nmm-id: error\n')
})

test('two policies with identical rows on every cell are reported, and only those', () => {
  // In these rows mapcount and reuse-swap-page differ nowhere; page-count and its refinement only in two of three.
  expect(identical(gridOf(matrix()))).toEqual([['mapcount', 'reuse-swap-page']])
  expect(comparisonTable(matrix())).toContain(
    'warning: identical rows on every cell: mapcount, reuse-swap-page.',
  )
  expect(identical(gridOf(only('page-count', 'page-count-refined')))).toEqual([
    ['page-count', 'page-count-refined'],
  ])
})

test('the order of rows does not change the table', () => {
  expect(comparisonTable([...only('mapcount', 'mm-id')].reverse())).toBe(
    comparisonTable(only('mapcount', 'mm-id')),
  )
})

test('a workload of userfaultfd or khugepaged shows events and collapses instead of forks', () => {
  const quiet = only('mapcount', 'mm-id')
  const events = { uffd_events: 5228, extra_events: 1132, collapses: 8, vain_pte_scans: 40 }
  const rows = quiet.map((quietRow) =>
    quietRow.policy === 'mm-id'
      ? { ...quietRow, values: { ...quietRow.values, ...events } }
      : quietRow,
  )
  expect(comparisonTable(quiet)).not.toContain('lost')
  expect(comparisonTable(rows).split('\n').slice(2, 5)).toEqual([
    'policy    events  lost  extra  collapses  vain PTEs  copies  violations  est. faults',
    'mapcount       0     0      0          0          0      16          12       112 us',
    'mm-id      5,228     0  1,132          8         40     120           0       190 us',
  ])
})
