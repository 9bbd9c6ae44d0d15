import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { columnsMarkdown } from './columns.ts'

test('results/README.md describes every column as METRICS does', () => {
  const readme = readFileSync(new URL('../../results/README.md', import.meta.url), 'utf8')
  expect(readme).toContain(columnsMarkdown())
})
