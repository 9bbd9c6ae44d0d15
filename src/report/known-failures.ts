/** known-failures.csv: verdicts on known failures, kept beside rows.csv or on their own. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { csvRecords } from '../files/csv-records.ts'
import { replaceFile } from '../files/replace-file.ts'
import { FAILURE_VERDICTS, type FailureRow } from './heatmap.ts'

const FILE = 'known-failures.csv'
const COLUMNS = ['policy', 'failure', 'verdict'] as const

/** Returns the path of DIR/known-failures.csv. */
export function writeFailures(dir: string, rows: readonly FailureRow[]): string {
  const path = join(dir, FILE)
  replaceFile(path, stringify([[...COLUMNS], ...rows.map((row) => COLUMNS.map((c) => row[c]))]))
  return path
}

/** The rows of DIR/known-failures.csv, none if there is no such file. Throws Error in one line for foreign rows. */
export function readFailures(dir: string): FailureRow[] {
  const path = join(dir, FILE)
  if (!existsSync(path)) return []
  const [header = [], ...body] = csvRecords(readFileSync(path, 'utf8'), path)
  if (header.join() !== COLUMNS.join()) {
    throw new Error(`invalid columns: ${header.join()}; expected: ${COLUMNS.join()}; in ${path}`)
  }
  return body.map(([policy = '', failure = '', name = '']) => {
    const verdict = FAILURE_VERDICTS.find((known) => known.verdict === name)?.verdict
    if (verdict !== undefined) return { policy, failure, verdict }
    const expected = FAILURE_VERDICTS.map((known) => known.verdict).join(', ')
    throw new Error(`unknown verdict: ${name}; expected: ${expected}; in ${path}`)
  })
}
