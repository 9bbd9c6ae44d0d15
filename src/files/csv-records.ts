/** csv-records: what a file of comma-separated values holds, line by line. */
import { parse } from 'csv-parse/sync'

/** Of the file's `text`. Throws Error with one line that names the file, and the line where it is wrong. */
export function csvRecords(text: string, file: string): string[][] {
  try {
    return parse(text) as string[][]
  } catch (error) {
    throw new Error(`invalid CSV: ${(error as Error).message}; in ${file}`)
  }
}
