/**
 * Journal: cells.ndjson, one line per finished cell, on disk before the next cell begins.
 *
 * A line is found again by the key of its cell, whatever plan it belonged to. A crash can tear only the last line,
 * which is then dropped: its cell runs again.
 */
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../files/replace-file.ts'
import { METRIC_IDS, type Row } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'

export const JOURNAL = 'cells.ndjson'

export interface Finished {
  /** Hash of everything that decides the row. */
  readonly key: string
  readonly row: Row
  /** Why the cell failed; only with status error. */
  readonly error?: string
  /** What was violated, the first few in words. */
  readonly breaches?: readonly string[]
  /** How often the policy gave each answer. */
  readonly verdicts?: Readonly<Record<string, number>>
}

/** The finished cells of a results directory by key, a later line over an earlier one; none if there is no journal. */
export function readJournal(dir: string): Map<string, Finished> {
  const file = join(dir, JOURNAL)
  const lines = wholeLines(file)
  return new Map(
    lines.map((line, index) => {
      const finished = parseLine(line)
      if (finished === undefined) {
        throw new Error(`invalid journal: ${file}, line ${index + 1}; expected a finished cell`)
      }
      return [finished.key, finished]
    }),
  )
}

/** The line that a finished cell becomes, with its end. */
export function journalLine({ key, row, ...rest }: Finished): string {
  return `${JSON.stringify({ key, ...row, ...rest })}\n`
}

export class Journal {
  readonly #file: string
  readonly #fd: number
  /** Bytes of whole lines. */
  #whole: number

  /** Appends to the journal of `dir`, after its last whole line. */
  constructor(dir: string) {
    this.#file = join(dir, JOURNAL)
    this.#whole = wholeLines(this.#file).reduce(
      (bytes, line) => bytes + Buffer.byteLength(line) + 1,
      0,
    )
    this.#fd = openSync(this.#file, 'a')
    ftruncateSync(this.#fd, this.#whole)
  }

  append(finished: Finished): void {
    const line = journalLine(finished)
    try {
      writeWhole(this.#fd, this.#file, line)
    } catch (error) {
      // Half a line would spoil the next one.
      ftruncateSync(this.#fd, this.#whole)
      throw new Error(
        `${(error as Error).message}; run again with --resume: what is finished is kept`,
      )
    }
    this.#whole += Buffer.byteLength(line)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function wholeLines(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text.split('\n').slice(0, -1)
}

function parseLine(line: string): Finished | undefined {
  let json: Partial<Finished> & Record<string, unknown>
  try {
    json = JSON.parse(line)
  } catch {
    return undefined
  }
  const { key, error, breaches, verdicts, ...row } = json
  if (typeof key !== 'string' || !isRow(row)) return undefined
  return {
    key,
    row,
    ...(error === undefined ? {} : { error }),
    ...(breaches === undefined ? {} : { breaches }),
    ...(verdicts === undefined ? {} : { verdicts }),
  }
}

/** Has it all that a row of this version has? Journals of other versions have other metrics. */
function isRow(json: Record<string, unknown>): json is Record<string, unknown> & Row {
  const texts = [json['policy'], json['workload'], json['params'], json['trace_hash']]
  if (!texts.every((text) => typeof text === 'string')) return false
  if (!Number.isInteger(json['seed']) || !Number.isInteger(json['events'])) return false
  if (json['status'] === 'error') return true
  const values = json['values'] as Partial<MetricValues> | undefined
  return json['status'] === 'ok' && METRIC_IDS.every((id) => Number.isInteger(values?.[id]))
}
