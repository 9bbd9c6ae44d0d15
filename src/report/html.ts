/**
 * report.html: tables, charts and the facts of a run in one file that needs no network and no neighbours.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Row } from '../metrics/row.ts'
import type { Manifest } from '../results/manifest.ts'
import { count } from './format.ts'
import { type Grid, gridOf, violates } from './grid.ts'
import { SCRIPT, STYLE } from './page.ts'
import { looksOf } from './palette.ts'
import type { ChartSpec } from './spec.ts'
import { columnsOf, notesOf, type Section, sectionsOf } from './table.ts'

export interface DrawnChart {
  readonly id: string
  readonly what: string
  readonly spec: ChartSpec
}

export interface Report {
  readonly name: string
  readonly rows: readonly Row[]
  readonly charts: readonly DrawnChart[]
  /** Undefined where the results have lost theirs. */
  readonly manifest: Manifest | undefined
}

/** The same bytes for the same report. */
export function reportHtml(report: Report): string {
  const grid = gridOf(report.rows)
  const specs = Object.fromEntries(report.charts.map(({ id, spec }) => [id, spec]))
  const scripts = [...vegaScripts(), SCRIPT].map(inlineScript)
  const allowed = scripts.map(
    (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
  const policy = `default-src 'none'; script-src ${allowed.join(' ')}; style-src 'unsafe-inline'; img-src data: blob:`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(report.name)}: cowbench report</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#comparison">Skip to the comparison</a>
<header>
<h1>${escaped(report.name)}</h1>
<p>${escaped(headline(grid))}</p>
<nav aria-label="Contents"><ul>
<li><a href="#comparison">Comparison</a></li>
<li><a href="#charts">Charts</a></li>
<li><a href="#run">How it was run</a></li>
</ul></nav>
</header>
<main>
<section id="comparison" aria-labelledby="comparison-title">
<h2 id="comparison-title">Comparison</h2>
${notesOf(grid)
  .map((note) => `<p>${escaped(note)}</p>`)
  .join('\n')}
${sectionsOf(grid)
  .map((section, i) => tableHtml(grid, section, i))
  .join('\n')}
</section>
<section id="charts" aria-labelledby="charts-title">
<h2 id="charts-title">Charts</h2>
<p>The numbers behind them are in the tables above, and in charts/*.vl.json.</p>
${report.charts.map(figureHtml).join('\n')}
</section>
<section id="run" aria-labelledby="run-title">
<h2 id="run-title">How it was run</h2>
${report.manifest ? manifestHtml(report.manifest) : '<p>There is no manifest.json beside these rows.</p>'}
</section>
</main>
${scripts
  .slice(0, -1)
  .map((text) => `<script>${text}</script>`)
  .join('\n')}
<script type="application/json" id="specs">${JSON.stringify(specs).replaceAll('<', '\\u003c')}</script>
<script>${scripts[scripts.length - 1]}</script>
</body>
</html>
`
}

function headline(grid: Grid): string {
  const workloads = new Set(grid.panels.map(({ workload }) => workload)).size
  const broken = new Set(grid.cells.filter(violates).map(({ variant }) => variant)).size
  const failed = grid.failed.length
  return [
    `${plural(grid.variants.length, 'policy', 'policies')} on ${plural(workloads, 'workload', 'workloads')}, ${plural(grid.cells.length, 'cell', 'cells')}, ${plural(grid.seeds, 'seed', 'seeds')} each.`,
    broken === 0
      ? 'No violations.'
      : `${plural(broken, 'policy', 'policies')} broke a promise somewhere.`,
    failed === 0 ? '' : `${plural(failed, 'row', 'rows')} ended in an error.`,
  ]
    .filter((sentence) => sentence !== '')
    .join(' ')
}

const plural = (n: number, one: string, many: string): string =>
  `${count(n)} ${n === 1 ? one : many}`

function tableHtml(grid: Grid, section: Section, nth: number): string {
  const { panel, says, lines, absent } = section
  const columns = columnsOf(grid, section)
  const looks = looksOf(grid.policies)
  const rows = lines.map(({ name, cell }) => {
    const swatch = `<span class="swatch" style="background:${looks.get(cell.policy)?.colour}"></span>`
    const cells = columns.map((column) => {
      const text = escaped(column.cell(cell, grid, count))
      const bad = column.title === 'violations' && violates(cell)
      return `<td${bad ? ' class="bad"' : ''}>${text}</td>`
    })
    return `<tr><th scope="row">${swatch}${escaped(name)}</th>${cells.join('')}</tr>`
  })
  const others = absent.map(
    ({ name, why }) =>
      `<tr><th scope="row">${escaped(name)}</th><td colspan="${columns.length}">${why}</td></tr>`,
  )
  const heads = ['policy', ...columns.map(({ title }) => title)]
  return `<h3 id="table-${nth}">${escaped(panel.name)}</h3>
<div class="wide" role="region" aria-labelledby="table-${nth}" tabindex="0"><table>
<caption>${escaped(says)}</caption>
<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>
${[...rows, ...others].join('\n')}
</tbody>
</table></div>`
}

function figureHtml({ id, what, spec }: DrawnChart): string {
  const about = `${what[0]?.toUpperCase()}${what.slice(1)}`
  return `<figure aria-labelledby="about-${id}">
<h3 id="about-${id}">${escaped(about)}</h3>
<div class="wide chart" id="chart-${id}" role="region" aria-label="${escaped(String(spec.description ?? what))}" tabindex="0"><noscript><p>Drawn by a script: charts/${id}.svg needs none.</p></noscript></div>
<figcaption>Also charts/${id}.svg, charts/${id}.png and charts/${id}.vl.json.</figcaption>
</figure>`
}

/** Long lists stay closed until they are asked for. */
function manifestHtml(manifest: Manifest): string {
  const { skipped, failed, traces, cells, ...rest } = manifest
  const list = (title: string, items: readonly Readonly<Record<string, unknown>>[]): string =>
    items.length === 0
      ? ''
      : `<details><summary>${escaped(title)}: ${count(items.length)}</summary>${recordsHtml(title, items)}</details>`
  return [
    recordsTable(factsOf({ ...rest, cells: cells.length })),
    list('Not run', skipped),
    list('Ended in an error', failed),
    list('Traces', traces),
  ].join('\n')
}

/** `plan.seeds: 1, 2, 3` for everything that a nested value says. */
function factsOf(value: unknown, name = ''): [string, string][] {
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object')) return [[name, value.join(', ')]]
    return value.flatMap((item, i) => factsOf(item, `${name}.${i + 1}`))
  }
  if (typeof value !== 'object' || value === null) return [[name, String(value)]]
  return Object.entries(value).flatMap(([key, item]) =>
    factsOf(item, name === '' ? key : `${name}.${key}`),
  )
}

function recordsTable(facts: readonly (readonly [string, string])[]): string {
  const rows = facts.map(
    ([name, text]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(text)}</td></tr>`,
  )
  return `<div class="wide" role="region" aria-label="Facts" tabindex="0"><table class="facts">
<thead><tr><th scope="col">fact</th><th scope="col">value</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`
}

function recordsHtml(title: string, items: readonly Readonly<Record<string, unknown>>[]): string {
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))]
  const rows = items.map(
    (item) =>
      `<tr>${columns.map((column) => `<td>${escaped(String(item[column] ?? ''))}</td>`).join('')}</tr>`,
  )
  return `<div class="wide" role="region" aria-label="${escaped(title)}" tabindex="0"><table class="facts">
<thead><tr>${columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`
}

/** Vega, Vega-Lite and vega-embed as they are made for browsers. */
function vegaScripts(): string[] {
  const require = createRequire(import.meta.url)
  // None of the three exports its browser build, but it lies beside what it does export.
  return ['vega', 'vega-lite', 'vega-embed'].map((name) =>
    readFileSync(join(dirname(require.resolve(name)), `${name}.min.js`), 'utf8'),
  )
}

/** What a browser would take for the end of the script, it must not; the parser turns CR LF into LF before hashing. */
function inlineScript(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/<\/(script)/gi, '<\\/$1')
    .replaceAll('<!--', '<\\!--')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
