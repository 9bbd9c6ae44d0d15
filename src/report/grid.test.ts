/** grid.test: rows become panels, variants and cells; whose parameter a sweep turns is seen from the traces. */
import { expect, test } from 'vitest'
import type { ErrorRow, OkRow } from '../metrics/row.ts'
import { matrix, row, sweep } from '../test/report-rows.ts'
import { estimateOf, gridOf, mean, regret, violates } from './grid.ts'

const cell = (name: Partial<OkRow>, spurious = 0): OkRow =>
  row(
    {
      ...{ policy: 'mapcount', workload: 'snapshot', params: '', seed: 1 },
      ...{ trace_hash: 't', events: 10 },
      ...name,
    },
    { needed: 10, spurious, forkNs: 1000 },
  )

test('without a sweep there is a panel for each workload and a cell for each policy in it', () => {
  const grid = gridOf(matrix(2))
  expect(grid.panels.map(({ name }) => name)).toEqual(['snapshot', 'vmsplice-child', 'direct-io'])
  expect(grid.cells.length).toBe(16 * 3)
  expect(grid.seeds).toBe(2)
  expect(grid.variants.map(({ name }) => name)).toEqual(grid.policies)
})

test('policies stand in historical order, whatever the order of the rows', () => {
  const grid = gridOf([...matrix()].reverse())
  expect(grid.policies[0]).toBe('always-copy')
  expect(grid.policies[15]).toBe('clairvoyant')
})

test('a swept parameter of the workload makes panels', () => {
  const grid = gridOf(sweep())
  expect(grid.panels.map(({ name }) => name)).toEqual([
    ...['direct-io (pinned=0)', 'direct-io (pinned=1)', 'direct-io (pinned=5)'],
    ...['direct-io (pinned=25)', 'direct-io (pinned=100)'],
  ])
  expect(grid.variants.length).toBe(16)
})

test('a swept parameter of the policy leaves the trace alone, and makes variants', () => {
  const grid = gridOf([
    cell({ policy: 'page-count', params: 'pages=4;reclaimPin=no', trace_hash: 'a' }),
    cell({ policy: 'page-count', params: 'pages=4;reclaimPin=yes', trace_hash: 'a' }),
    cell({ policy: 'page-count', params: 'pages=8;reclaimPin=no', trace_hash: 'b' }),
    cell({ policy: 'page-count', params: 'pages=8;reclaimPin=yes', trace_hash: 'b' }),
  ])
  expect(grid.panels.map(({ name }) => name)).toEqual(['snapshot (pages=4)', 'snapshot (pages=8)'])
  expect(grid.variants.map(({ name }) => name)).toEqual([
    'page-count (reclaimPin=no)',
    'page-count (reclaimPin=yes)',
  ])
  expect(grid.cells.every(({ rows }) => rows.length === 1)).toBe(true)
})

test('a policy that ran with one setting only stands in the panel of that setting', () => {
  const grid = gridOf(sweep().filter((row) => row.policy !== 'mm-id' || row.params.endsWith('=5')))
  expect(grid.panels.length).toBe(5)
  const where = grid.cells.filter(({ policy }) => policy === 'mm-id').map(({ panel }) => panel)
  expect(where).toEqual(['direct-io (pinned=5)'])
})

test('two kernels with one policy are two variants, named after the kernels alone', () => {
  const grid = gridOf([
    cell({ policy: 'page-count', params: 'clearRefsPin=no;kernel=5.9.1;reclaimPin=no' }),
    cell({ policy: 'page-count', params: 'clearRefsPin=yes;kernel=5.15.135;reclaimPin=yes' }),
  ])
  expect(grid.variants.map(({ name }) => name)).toEqual([
    'page-count (kernel 5.9.1)',
    'page-count (kernel 5.15.135)',
  ])
  expect(grid.panels.length).toBe(1)
})

test('rows that ended in an error are counted and never averaged', () => {
  const failed: ErrorRow = {
    ...{ policy: 'mapcount', workload: 'snapshot', params: '', seed: 2 },
    ...{ trace_hash: '', events: 0, status: 'error' },
  }
  const grid = gridOf([cell({}, 4), failed])
  expect(grid.failed).toEqual([failed])
  expect(mean(grid.cells[0]!, 'spurious_copies')).toBe(4)
})

test('seeds fold into a mean with its interval', () => {
  const rows = [1, 2, 3].map((seed) => cell({ seed, trace_hash: `t${seed}` }, 10 * seed))
  const spurious = estimateOf(gridOf(rows).cells[0]!, 'spurious_copies')
  expect(spurious.mean).toBe(20)
  // 10, 20, 30: deviation 10, standard error 10 / sqrt(3), Student's t for 2 degrees 4.303.
  expect(spurious.high).toBeCloseTo(20 + (4.303 * 10) / Math.sqrt(3), 9)
})

test('regret compares with clairvoyant on the same trace, and needs it on all of them', () => {
  const rows = [
    cell({ seed: 1, trace_hash: 'a' }, 7),
    cell({ seed: 2, trace_hash: 'b' }, 9),
    cell({ policy: 'clairvoyant', seed: 1, trace_hash: 'a' }, 0),
    cell({ policy: 'clairvoyant', seed: 2, trace_hash: 'b' }, 1),
  ]
  const all = gridOf(rows)
  // 17 - 10 and 19 - 11.
  expect(regret(all, all.cells[0]!)).toBe(7.5)
  const some = gridOf(rows.slice(0, 3))
  expect(regret(some, some.cells[0]!)).toBeUndefined()
})

test('a cell violates if any of its seeds does', () => {
  const grid = gridOf(matrix(3))
  const broken = grid.cells.filter(violates).map(({ policy, panel }) => `${policy} ${panel}`)
  expect(broken).toContain('mapcount vmsplice-child')
  expect(broken).not.toContain('mapcount snapshot')
  expect(broken.some((name) => name.startsWith('clairvoyant'))).toBe(false)
})
