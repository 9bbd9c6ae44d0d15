/** columns: what each column of rows.csv means, as results/README.md has it. */
import { METRICS } from '../src/metrics/schema.ts'

const BETTER = { less: 'less is better', more: 'more is better', neither: '' } as const

export function columnsMarkdown(): string {
  const rows = METRICS.map(
    ({ id, unit, better, what }) => `| ${id} | ${unit} | ${what} | ${BETTER[better]} |`,
  )
  return ['| column | unit | meaning | |', '|---|---|---|---|', ...rows].join('\n')
}
