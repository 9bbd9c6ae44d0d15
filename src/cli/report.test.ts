/** report.test: report says in every form that there is nothing to report. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { writeRows } from '../results/rows.ts'
import { reportCommand } from './report.ts'

let dir: string
let out: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cowbench-report-of-none-'))
  out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(dir, { recursive: true, force: true })
})

test.each([
  {},
  { format: 'text' },
  { format: 'markdown' },
  { format: 'lkml' },
  { metric: ['copies'] },
  { metric: ['copies'], across: 'workload' },
])('results without a row are refused: %j', async (flags) => {
  writeRows(dir, [])
  await expect(reportCommand.handler({ dir, ...flags } as never)).rejects.toThrow(
    `missing rows: ${join(dir, 'rows.csv')} holds only a header`,
  )
  expect(out).toBe('')
})
