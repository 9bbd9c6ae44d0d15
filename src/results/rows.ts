/** Rows on disk: writes rows.csv, whole or not at all. */
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { fieldsOf, ROW_COLUMNS, type Row } from '../metrics/row.ts'
import { replaceFile } from './replace-file.ts'

export function writeRows(dir: string, rows: readonly Row[]): void {
  replaceFile(join(dir, 'rows.csv'), stringify([[...ROW_COLUMNS], ...rows.map(fieldsOf)]))
}
