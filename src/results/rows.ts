/** Rows on disk: writes and reads rows.csv. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { csvRecords } from '../files/csv-records.ts'
import { replaceFile } from '../files/replace-file.ts'
import { fromRecord, ROW_COLUMNS, type Row, toRecord } from '../metrics/row.ts'

export function writeRows(dir: string, rows: readonly Row[]): void {
  replaceFile(join(dir, 'rows.csv'), stringify([[...ROW_COLUMNS], ...rows.map(toRecord)]))
}

/**
 * The rows of a results directory, in the order of the file. Throws Error with one line that names the file and what is
 * wrong with it: missing, cut short, or made by another version (its columns are not ROW_COLUMNS).
 */
export function readRows(dir: string): Row[] {
  const file = join(dir, 'rows.csv')
  const [header = [], ...body] = csvRecords(readText(file), file)
  const missing = ROW_COLUMNS.find((column) => !header.includes(column))
  if (missing !== undefined) throw new Error(`missing column: ${missing}; expected in ${file}`)
  const unknown = header.find((column) => !ROW_COLUMNS.includes(column))
  if (unknown !== undefined) throw new Error(`unknown column: ${unknown}; in ${file}`)
  return body.map((fields, index) => {
    try {
      return fromRecord(Object.fromEntries(header.map((column, i) => [column, fields[i] ?? ''])))
    } catch (error) {
      throw new Error(`${(error as Error).message}; in ${file}, line ${index + 2}`)
    }
  })
}

/** As readRows, for whom no row is nothing to show: that is an error as well. */
export function readSomeRows(dir: string): Row[] {
  const rows = readRows(dir)
  if (rows.length > 0) return rows
  throw new Error(`missing rows: ${join(dir, 'rows.csv')} holds only a header`)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new Error(`missing rows: ${file}; expected a results directory, as run writes it`)
    }
    throw new Error(`invalid rows: ${file} cannot be read (${code})`)
  }
}
