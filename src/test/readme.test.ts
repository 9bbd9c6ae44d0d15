/** What README.md and results/README.md show of the committed quick run, and of its columns. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { columnsMarkdown } from '../../scripts/columns.ts'
import { shows } from '../../scripts/picture.ts'
import { readmeChart } from '../../scripts/readme-chart.ts'
import { withSection } from '../../scripts/with-section.ts'
import { comparisonTable } from '../report/table.ts'
import { readRows } from '../results/rows.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const QUICK = readRows(join(ROOT, 'results', 'reference', 'quick'))

test('the example table in README.md comes from results/reference/quick', () => {
  const shown = QUICK.filter(({ workload }) => workload === 'pte-mapped-thp')
  const table = comparisonTable(shown, 'markdown')
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, between] = /<!-- table:begin -->\n([\s\S]*?)\n<!-- table:end -->/.exec(readme) ?? []
  expect(between).toBe(table.join('\n'))
})

test('its picture is drawn from results/reference/quick; else npm run reference', () => {
  const svg = readFileSync(join(ROOT, 'docs', 'violations.svg'), 'utf8')
  expect(shows(svg, readmeChart(QUICK))).toBe(true)
})

test('results/README.md describes every column as METRICS does; else npm run reference', () => {
  const readme = readFileSync(join(ROOT, 'results', 'README.md'), 'utf8')
  expect(readme).toBe(withSection(readme, 'columns', columnsMarkdown()))
})
