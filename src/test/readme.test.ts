/** README's example table is the one that the committed quick run gives. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { comparisonTable } from '../report/table.ts'
import { readRows } from '../results/rows.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('the example table in README.md comes from results/reference/quick', () => {
  const rows = readRows(join(ROOT, 'results', 'reference', 'quick'))
  const shown = rows.filter(({ workload }) => workload === 'pte-mapped-thp')
  const table = comparisonTable(shown, 'markdown')
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, between] = /<!-- table:begin -->\n([\s\S]*?)\n<!-- table:end -->/.exec(readme) ?? []
  expect(between).toBe(table.join('\n'))
})
