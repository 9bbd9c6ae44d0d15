/** html.test: report.html needs nothing from outside, allows nothing from outside, and loses nothing on the way in. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Manifest } from '../results/manifest.ts'
import { matrix } from '../test/report-rows.ts'
import { CHARTS } from './charts.ts'
import { type DrawnChart, reportHtml } from './html.ts'

const manifest: Manifest = {
  name: 'quick',
  state: 'partial',
  plan: { policies: ['mapcount', 'mm-id'], seeds: [1, 2], sweeps: { pinned: ['0', '5'] } },
  cowbench: { version: '0.1.0', commit: '52b74ac', code: 'c0de' },
  cost: { profile: 'bare-metal', note: '<script>alert("cost")</script>' },
  skipped: [{ policy: 'early-decow', workload: 'uffd', params: '', reason: 'lacks uffd-wp' }],
  failed: [],
  traces: [{ workload: 'snapshot', seed: 1, events: 10, hash: 'abcd' }],
  parts: {
    '1/1': {
      ...{ command: ['cowbench', 'run'], machine: { node: 'v20.19.0', cpu: 'a CPU' } },
      ...{ started: '2025-01-01T00:00:00Z', wall_seconds: 3, ran: 2, reused: 0 },
      wall_seconds_by_policy: { mapcount: 1 },
    },
  },
  cells: ['k1', 'k2'],
}

const rows = matrix(2)
const charts: DrawnChart[] = CHARTS.flatMap(({ id, what, draw }) => {
  const spec = draw(rows)
  return spec ? [{ id, what, spec }] : []
})
const html = reportHtml({ name: 'quick', rows, charts, manifest })
/** The page without Vega. */
const page = html.replace(/<script>[\s\S]*?<\/script>/g, '')

test('the same report gives the same bytes', () => {
  expect(reportHtml({ name: 'quick', rows, charts, manifest })).toBe(html)
})

test('the policy lets in the four scripts of this page by their hashes, and nothing from a network', () => {
  const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(html) ?? []
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text = '']) => text)
  const hashes = scripts.map(
    (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
  expect(scripts.length).toBe(4)
  expect(policy).toBe(
    `default-src 'none'; script-src ${hashes.join(' ')}; style-src 'unsafe-inline'; img-src data: blob:`,
  )
})

test('nothing is fetched: no source, no stylesheet, no link but to the page itself', () => {
  expect(page).not.toMatch(/<(img|link|iframe|object|embed|script src)/)
  const links = [...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, to]) => to)
  expect(links).toEqual(['#comparison', '#comparison', '#charts', '#run'])
})

test('the specs come through whole, and cannot end their element', () => {
  const [, json = ''] =
    /<script type="application\/json" id="specs">([\s\S]*?)<\/script>/.exec(html) ?? []
  expect(JSON.parse(json)).toEqual(
    JSON.parse(JSON.stringify(Object.fromEntries(charts.map(({ id, spec }) => [id, spec])))),
  )
  expect(json).not.toContain('<')
})

test('a name that looks like markup stays text, in tables and in specs', () => {
  const evil = '</script><b>x'
  const named = rows.map((row) => (row.policy === 'mapcount' ? { ...row, policy: evil } : row))
  const drawn = CHARTS.flatMap(({ id, what, draw }) => {
    const spec = draw(named)
    return spec ? [{ id, what, spec }] : []
  })
  const text = reportHtml({ name: evil, rows: named, charts: drawn, manifest: undefined })
  expect(text).not.toContain('<b>x')
  expect(text).toContain('&lt;/script&gt;&lt;b&gt;x')
  expect(text).toContain('\\u003c/script>\\u003cb>x')
})

test('tables have captions, column heads and row heads', () => {
  const tables = [...page.matchAll(/<table>([\s\S]*?)<\/table>/g)].map(([, table = '']) => table)
  expect(tables.length).toBe(3)
  for (const table of tables) {
    expect(table).toMatch(/<caption>[\s\S]*2 seeds<\/caption>/)
    expect(table.match(/<th scope="col">/g)?.length).toBe(8)
    expect(table.match(/<th scope="row">/g)?.length).toBe(16)
  }
})

test('the facts of the manifest are there, escaped', () => {
  for (const fact of [
    'plan.seeds',
    '1, 2',
    'plan.sweeps.pinned',
    '52b74ac',
    'v20.19.0',
    'partial',
  ]) {
    expect(page).toContain(`>${fact}<`)
  }
  expect(page).toContain('&lt;script&gt;alert(&quot;cost&quot;)&lt;/script&gt;')
  expect(page).toContain('lacks uffd-wp')
  expect(page).toContain('<summary>Not run: 1</summary>')
  expect(page).not.toContain('Ended in an error')
})

test('without a manifest the page says so', () => {
  const bare = reportHtml({ name: 'bare', rows, charts, manifest: undefined })
  expect(bare).toContain('There is no manifest.json beside these rows.')
})
