/** charts.test: charts hold the rows' numbers, say what to look at, and draw nonsense of nothing. */

import { compile } from 'vega-lite'
import { expect, test } from 'vitest'
import type { Row } from '../metrics/row.ts'
import { METRICS } from '../metrics/schema.ts'
import { matrix, sweep } from '../test/report-rows.ts'
import { CHARTS } from './charts.ts'
import { gridOf } from './grid.ts'
import { FAILURE_VERDICTS, type FailureRow, knownFailuresHeatmap } from './heatmap.ts'
import { COLOURS, POLICY_ORDER } from './palette.ts'
import { toSvg } from './render.ts'
import { type ChartSpec, specText } from './spec.ts'

/** What the tests look into; a spec has more. */
interface Seen {
  readonly description: string
  readonly title: { readonly text: readonly string[]; readonly subtitle?: readonly string[] }
  readonly data: { readonly values: readonly Readonly<Record<string, string | number>>[] }
}

function draw(id: string, rows: readonly Row[]): Seen {
  const chart = CHARTS.find((c) => c.id === id)
  return chart?.draw(rows) as unknown as Seen
}

const subtitle = (spec: Seen): string => (spec.title.subtitle ?? []).join(' ')
const text = (spec: unknown): string => specText(spec as ChartSpec)
const datum = (spec: Seen, panel: string, policy: string) =>
  spec.data.values.find((v) => v['panel'] === panel && v['policy'] === policy)

test.each(CHARTS)(
  '$id: the same rows give the same bytes, and a spec that compiles quietly',
  ({ draw: chart }) => {
    for (const rows of [matrix(), matrix(3), sweep()]) {
      const spec = chart(rows)
      if (!spec) continue
      expect(specText(chart(structuredClone(rows)) as ChartSpec)).toBe(specText(spec))
      // Read back, it is still the same spec: the layout of the text changes nothing.
      expect(JSON.parse(specText(spec))).toEqual(JSON.parse(JSON.stringify(spec)))
      const said: string[] = []
      const say = (...words: readonly unknown[]) => said.push(words.join(' '))
      const logger = { level: () => 0, error: say, warn: say, info: () => 0, debug: () => 0 }
      compile(JSON.parse(specText(spec)), { logger: logger as never })
      expect(said).toEqual([])
    }
  },
)

test.each(CHARTS)('$id: a title of one sentence that fits', ({ draw: chart }) => {
  const spec = chart(sweep()) as unknown as Seen
  expect(spec.title.text.join(' ')).toMatch(/^[A-Z].*\.$/)
  expect(spec.title.text.length).toBeLessThanOrEqual(2)
  for (const line of spec.title.text) expect(line.length).toBeLessThanOrEqual(86)
})

test('copies are split by need and by place, and the parts add up to the bar', () => {
  const spec = draw('copies', matrix())
  // early-decow on direct-io: 80 needed and 48 spurious; 112 of the 128 at fork, 48 of those spurious.
  expect(datum(spec, 'direct-io', 'early-decow')).toEqual({
    ...{ panel: 'direct-io', policy: 'early-decow', number: '128' },
    ...{ 'spurious, at a store': 0, 'spurious, at fork': 48, 'spurious, for a pin': 0 },
    ...{ 'needed, at a store': 16, 'needed, at fork': 64, 'needed, for a pin': 0 },
  })
  for (const row of matrix()) {
    const value = datum(spec, row.workload, row.policy) ?? {}
    const parts = Object.entries(value).filter(([name]) => /^(spurious|needed),/.test(name))
    expect(parts.length).toBe(6)
    expect(parts.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(row.values.copies)
  }
})

test('a total stands in brackets exactly where promises were broken', () => {
  const spec = draw('copies', matrix())
  expect(datum(spec, 'vmsplice-child', 'mapcount')?.['number']).toBe('[0]')
  expect(datum(spec, 'snapshot', 'mapcount')?.['number']).toBe('8,192')
  expect(subtitle(spec)).toContain('In brackets')
  const kept = matrix().filter(({ policy }) => policy === 'mm-id' || policy === 'clairvoyant')
  expect(subtitle(draw('copies', kept))).not.toContain('brackets')
})

test('a large spread gets a logarithmic axis that keeps 0, a small one a linear axis', () => {
  // snapshot: 57,344 missed reuses and 1; both are to be seen.
  const spec = draw('missed-reuses', matrix())
  expect(text(spec)).toContain('"type": "symlog"')
  expect(subtitle(spec)).toContain('Logarithmic')
  const close = matrix().filter(({ policy }) => policy === 'always-copy')
  expect(text(draw('missed-reuses', close))).not.toContain('symlog')
})

test('whiskers need several seeds, and are never below 0', () => {
  expect(text(draw('missed-reuses', matrix()))).not.toContain('"low"')
  const spec = draw('missed-reuses', matrix(3))
  // 57,344, 57,917 and 58,490: mean 57,917, deviation 573, interval 4.303 * 573 / sqrt(3) = 1,423.5.
  const value = datum(spec, 'snapshot', 'always-copy')
  expect(value?.['missed_reuses']).toBe(57917)
  expect(value?.['low']).toBeCloseTo(57917 - 1423.5, 0)
  expect(value?.['high']).toBeCloseTo(57917 + 1423.5, 0)
  expect(spec.data.values.every((v) => Number(v['low']) >= 0)).toBe(true)
  expect(subtitle(spec)).toContain('Means of 3 seeds; whiskers are 95% intervals.')
})

test('a workload on which nobody missed a reuse has an axis all the same', async () => {
  const none = matrix().map((row) =>
    row.workload === 'direct-io' ? { ...row, values: { ...row.values, missed_reuses: 0 } } : row,
  )
  const svg = await toSvg(draw('missed-reuses', none) as unknown as ChartSpec)
  // Ticks of the last of three panels: 0 and 1 alone, at its two ends.
  const axes = [...svg.matchAll(/role-axis-label[\s\S]*?<\/g>/g)].map(([axis]) =>
    [...axis.matchAll(/translate\(([-0-9.]+),[^>]*>([^<]*)<\/text>/g)].map(([, x, tick]) => [
      tick,
      Number(x),
    ]),
  )
  const last = axes.filter((ticks) => ticks[0]?.[0] === '0')[2]
  expect(last).toEqual([
    ['0', 0],
    ['1', 220],
  ])
})

test('violations are shown by class, and classes that never occur are named instead', () => {
  const spec = draw('violations', matrix())
  expect(new Set(spec.data.values.map((v) => v['class']))).toEqual(
    new Set(['leaks', 'lost_coherence']),
  )
  expect(subtitle(spec)).toContain('None anywhere: lost_writes, lost_events.')
  const leak = spec.data.values.find(
    (v) =>
      v['class'] === 'leaks' && v['policy'] === 'mapcount' && v['workload'] === 'vmsplice-child',
  )
  expect(leak).toMatchObject({ n: 64, text: '64' })
})

test('classes stand side by side while a page has room for all columns, else below each other', () => {
  const among = (n: number) =>
    Array.from({ length: n }, (_, i) =>
      matrix().map((row) => ({
        ...row,
        workload: `${row.workload}${i}`,
        trace_hash: `${row.trace_hash}${i}`,
      })),
    ).flat()
  const columns = (n: number) => (draw('violations', among(n)) as { columns?: number }).columns
  expect([columns(1), columns(6)]).toEqual([2, 1])
})

test('where nothing was violated, the chart says so', () => {
  const spec = draw(
    'violations',
    matrix().filter(({ policy }) => policy === 'clairvoyant'),
  )
  expect(spec.data.values).toEqual([
    { why: 'No violations: every promise was kept in all 3 cells.' },
  ])
})

test('rows without a sweep have no sweep chart', () => {
  expect(draw('sweep', matrix())).toBeUndefined()
})

test('a sweep is drawn against its parameter, and says which lines cover each other', () => {
  const spec = draw('sweep', sweep()) as unknown as Seen & { concat: Seen[] }
  const [panel] = spec.concat
  // always-copy: 900 spurious copies at 5 %, so 180 at 1 %.
  const points = panel?.data.values.filter((v) => v['policy'] === 'always-copy')
  expect(points?.map((v) => [v['value'], v['spurious_copies']])).toEqual([
    ...[
      [0, 0],
      [1, 180],
      [5, 900],
      [25, 4500],
      [100, 18000],
    ],
  ])
  expect(subtitle(spec)).toContain('[page-count] = [page-count-refined]')
  expect(subtitle(spec)).not.toContain('early-decow')
})

test('a sweep puts broken promises in brackets: at the point, in the legend, among lines that cover each other', () => {
  const broken = sweep().map((row) =>
    row.policy === 'mapcount' && row.params.endsWith('pinned=25')
      ? { ...row, values: { ...row.values, violations: 3 } }
      : { ...row, values: { ...row.values, violations: 0 } },
  )
  const spec = draw('sweep', broken) as unknown as Seen & { concat: Seen[] }
  const points = spec.concat[0]?.data.values ?? []
  expect(points.filter((v) => v['brackets'])).toEqual([
    { policy: 'mapcount', value: 25, spurious_copies: 0, brackets: '[   ]' },
  ])
  expect(subtitle(spec)).toContain('One line for: [mapcount] = reuse-swap-page = on-demand-fork')
  expect(subtitle(spec)).toContain('In brackets: the policy broke a promise there')
  const legend = `"labelExpr":"indexof([\\"mapcount\\"], datum.label) >= 0 ? '[' + datum.label`
  expect(JSON.stringify(spec).split(legend)).toHaveLength(3)
  const kept = sweep().map((row) => ({ ...row, values: { ...row.values, violations: 0 } }))
  expect(text(draw('sweep', kept))).not.toMatch(/brackets|'\['/)
})

test.each(['copies', 'sweep'])('counts have whole ticks where all are 0: %s', async (id) => {
  const none = sweep().map((row) => ({
    ...row,
    values: { ...row.values, copies: 0, needed_copies: 0, spurious_copies: 0, fork_copies: 0 },
  }))
  const svg = await toSvg(draw(id, none) as unknown as ChartSpec)
  expect(svg).not.toMatch(/>[0-9]+m</)
})

test('noise leaves the trace as it is and still gets a panel for each rate, and a chart of its own words', () => {
  const rows = sweep().map((row) => ({
    ...row,
    trace_hash: 'one',
    params: row.params.replace('pinned', 'noise'),
  }))
  expect(gridOf(rows).panels.map(({ setting }) => setting)).toEqual(
    ['0', '1', '5', '25', '100'].map((rate) => `noise=${rate}`),
  )
  const spec = draw('sweep', rows)
  expect(spec.title.text.join(' ')).toContain('somebody else held the page')
  expect(JSON.stringify(spec)).toContain('"title":"noise (in 10,000 decisions)"')
})

test('a sweep of which one point finished is no line', () => {
  const rows = sweep().map((row): Row => {
    const { values: _, ...name } = row
    return row.params.endsWith('pinned=5') ? row : { ...name, status: 'error', trace_hash: '' }
  })
  const spec = draw('sweep', rows)
  expect(spec.data.values).toEqual([
    { why: 'A single data point: only pinned=5 finished on direct-io.' },
  ])
})

test('a single cell is told, not drawn', () => {
  const one = matrix().filter(
    ({ policy, workload }) => policy === 'mapcount' && workload === 'snapshot',
  )
  expect(draw('copies', one).data.values).toEqual([
    { why: 'A single data point: mapcount on snapshot: 8,192 pages copied, 0 of them spurious.' },
  ])
  expect(draw('time', one).data.values).toEqual([
    { why: 'A single data point: mapcount on snapshot: an estimated 10.7 ms.' },
  ])
})

test('rows of which none finished have no charts', () => {
  const { values: _, ...name } = matrix()[0]!
  for (const chart of CHARTS) expect(chart.draw([{ ...name, status: 'error' }])).toBeUndefined()
})

test('a policy that did not run leaves a gap that says so', () => {
  const rows = matrix().filter(
    ({ policy, workload }) => policy !== 'mm-id' || workload !== 'direct-io',
  )
  const spec = draw('copies', rows)
  expect(datum(spec, 'direct-io', 'mm-id')).toEqual({
    ...{ panel: 'direct-io', policy: 'mm-id', number: 'not run' },
  })
})

test('too many settings for one picture are cut to the first of each workload, and it says so', () => {
  const broken = (pinned: string) =>
    [0, 1, 2].flatMap((n) =>
      sweep().map((row) => ({
        ...{ ...row, workload: `w${n}`, trace_hash: `${row.trace_hash}${n}` },
        values: { ...row.values, violations: Number(row.params.endsWith(pinned)) },
      })),
    )
  const spec = draw('copies', broken('=0'))
  expect(new Set(spec.data.values.map((v) => v['panel'])).size).toBe(3)
  expect(subtitle(spec)).toContain('3 of 15 settings are shown')
  expect(subtitle(spec)).toContain('In brackets')
  // Those with brackets are not among the settings that are shown.
  expect(subtitle(draw('copies', broken('=25')))).not.toContain('In brackets')
})

/** What every scale of a spec gives the policy mm-id. */
function givenToMmId(node: unknown): unknown[] {
  if (typeof node !== 'object' || node === null) return []
  const { domain, range } = node as { domain?: unknown; range?: unknown }
  const at = Array.isArray(domain) && Array.isArray(range) ? domain.indexOf('mm-id') : -1
  const found = at < 0 ? [] : [(range as unknown[])[at]]
  return [...found, ...Object.values(node).flatMap(givenToMmId)]
}

test('every chart that colours policies gives each its own colour', () => {
  for (const id of ['copies', 'missed-reuses', 'sweep', 'time']) {
    const given = givenToMmId(draw(id, sweep()))
    const colours = given.filter((value) => String(value).startsWith('#'))
    expect(new Set(colours)).toEqual(new Set([COLOURS[POLICY_ORDER.indexOf('mm-id')]]))
  }
})

/** First words of what stands beside the axes of a spec. */
function axisTitles(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return []
  const { x, y } = node as { x?: { title?: unknown }; y?: { title?: unknown } }
  const own = [x?.title, y?.title].filter((title) => typeof title === 'string')
  return [
    ...own.map((title) => title.split(/\W/)[0] ?? ''),
    ...Object.values(node).flatMap(axisTitles),
  ]
}

test('axes are titled by the names of METRICS', () => {
  const titles = Object.fromEntries(
    CHARTS.map(({ id, draw: chart }) => [id, [...new Set(axisTitles(chart(sweep())))]]),
  )
  expect(titles).toEqual({
    copies: ['copies'],
    'missed-reuses': ['missed_reuses'],
    // Policies down and workloads across need no title.
    violations: [],
    sweep: ['pinned', 'spurious_copies'],
    time: ['total_ns'],
  })
  const ids: readonly string[] = ['pinned', ...METRICS.map(({ id }) => id)]
  expect(ids).toEqual(expect.arrayContaining(Object.values(titles).flat()))
})

const failures: FailureRow[] = [
  { policy: 'mm-id', failure: 'CVE-2020-29374', verdict: 'ok' },
  { policy: 'mapcount', failure: 'CVE-2020-29374', verdict: 'leak' },
  { policy: 'mapcount', failure: 'O_DIRECT', verdict: 'lost coherence' },
]

test('known failures: the breach is written into the cell, policies in historical order', () => {
  const spec = knownFailuresHeatmap(failures) as unknown as Seen & {
    encoding: { y: { sort: string[] } }
  }
  expect(spec.encoding.y.sort).toEqual(['mapcount', 'mm-id'])
  expect(spec.data.values.map((v) => v['text'])).toEqual(['', 'leak', 'coher.'])
  expect(knownFailuresHeatmap([])).toBeUndefined()
})

test('a verdict that the legend does not know is refused', () => {
  const odd = [{ ...failures[0]!, verdict: 'fine' as 'ok' }]
  const known = FAILURE_VERDICTS.map(({ verdict }) => verdict).join(', ')
  expect(() => knownFailuresHeatmap(odd)).toThrow(`unknown verdict: fine; expected: ${known}`)
})
