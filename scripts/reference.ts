/**
 * Reference: writes results/reference again: the rows and the chart specifications of the quick run and the verdicts on
 * the known failures, which tests compare byte for byte (src/test/reference-results.test.ts,
 * src/cli/litmus/known-failures.test.ts), the picture that README.md shows of the rows, and the table of columns in
 * results/README.md. `npm run reference`, after a change that is meant to move them; `git diff results/reference` is
 * then part of the review.
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
const reference = join(root, 'results', 'reference')
const made = mkdtempSync(join(tmpdir(), 'cowbench-reference-'))

/** Has the program make `made/NAME`, and keeps of it the table and what the charts are drawn from. */
function renew(name: string, table: string, words: readonly string[]): void {
  const main = join(root, 'dist', 'src', 'cli', 'main.js')
  const { status } = spawnSync(process.execPath, [main, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error(`cowbench ${words.join(' ')}: exit code ${status}`)
  const [from, kept] = [join(made, name), join(reference, name)]
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(join(kept, 'charts'), { recursive: true })
  cpSync(join(from, table), join(kept, table))
  for (const chart of readdirSync(join(from, 'charts'))) {
    if (chart.endsWith('.vl.json')) cpSync(join(from, 'charts', chart), join(kept, 'charts', chart))
  }
}

try {
  renew('quick', 'rows.csv', ['run', '--quick', '--report', '--name', 'quick', '--out', made])
  const failures = join(made, 'known-failures')
  renew('known-failures', 'known-failures.csv', ['litmus', '--known-failures', '--out', failures])
} finally {
  rmSync(made, { recursive: true, force: true })
}
const picture = await pictureOf(readmeChart(readRows(join(reference, 'quick'))))
writeFileSync(join(root, 'docs', 'violations.svg'), picture)
const readme = join(root, 'results', 'README.md')
writeFileSync(readme, withSection(readFileSync(readme, 'utf8'), 'columns', columnsMarkdown()))
