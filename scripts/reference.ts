/**
 * Reference: writes results/reference/quick again: the rows and the chart specifications of the quick run,
 * which src/test/reference-results.test.ts compares byte for byte, the picture that README.md shows of them, and
 * the table of columns in results/README.md. `npm run reference`, after a change that is meant to move them;
 * `git diff results/reference` is then part of the review.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRows } from '../src/results/rows.ts'
import { columnsMarkdown } from './columns.ts'
import { pictureOf } from './picture.ts'
import { readmeChart } from './readme-chart.ts'
import { withSection } from './with-section.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const kept = join(root, 'results', 'reference', 'quick')
const made = mkdtempSync(join(tmpdir(), 'cowbench-reference-'))
const main = join(root, 'dist', 'src', 'cli', 'main.js')
const { status } = spawnSync(
  process.execPath,
  [main, 'run', '--quick', '--report', '--name', 'quick', '--out', made],
  { stdio: ['ignore', 'ignore', 'inherit'] },
)
if (status === 0) {
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(join(kept, 'charts'), { recursive: true })
  const from = join(made, 'quick')
  cpSync(join(from, 'rows.csv'), join(kept, 'rows.csv'))
  for (const name of readdirSync(join(from, 'charts'))) {
    if (name.endsWith('.vl.json')) cpSync(join(from, 'charts', name), join(kept, 'charts', name))
  }
  const picture = await pictureOf(readmeChart(readRows(kept)))
  writeFileSync(join(root, 'docs', 'violations.svg'), picture)
  const readme = join(root, 'results', 'README.md')
  writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'columns', columnsMarkdown()))
}
rmSync(made, { recursive: true, force: true })
process.exitCode = status ?? 1
