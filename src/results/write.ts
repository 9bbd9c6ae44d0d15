/** Write: everything in a results directory that follows from its finished cells, in the order of the plan. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { replaceFile } from '../files/replace-file.ts'
import type { Row } from '../metrics/row.ts'
import { SUMMARY_COLUMNS, summaryRecords } from '../metrics/summary.ts'
import { MANIFEST } from './directory.ts'
import type { Finished } from './journal.ts'
import { type Manifest, writeManifest } from './manifest.ts'
import { writeRows } from './rows.ts'

/** What is known of a run before its cells. */
export type ManifestHead = Omit<Manifest, 'state' | 'failed' | 'traces'>

/** Writes rows.csv, summary.csv and manifest.json, and returns the rows. Cells that are not finished have none. */
export function writeResults(
  dir: string,
  head: ManifestHead,
  finished: ReadonlyMap<string, Finished>,
): Row[] {
  const cells = head.cells.map((key) => finished.get(key)).filter((cell) => cell !== undefined)
  const rows = cells.map(({ row }) => row)
  const { cells: keys, ...rest } = head
  const state = cells.length === keys.length ? 'complete' : 'partial'
  const failed = cells.flatMap(({ row: { policy, workload, params, seed }, error }) =>
    error === undefined ? [] : [{ policy, workload, params, seed, error }],
  )
  const manifest = { ...rest, state, failed, traces: tracesOf(rows), cells: keys } as const
  // A directory is known by its manifest: what is left by a disk that fills up now has to be known as well.
  if (!existsSync(join(dir, MANIFEST))) writeManifest(dir, { ...manifest, state: 'partial' })
  writeRows(dir, rows)
  replaceFile(join(dir, 'summary.csv'), stringify([[...SUMMARY_COLUMNS], ...summaryRecords(rows)]))
  writeManifest(dir, manifest)
  return rows
}

function tracesOf(rows: readonly Row[]): Record<string, string | number>[] {
  const traces = new Map<string, Record<string, string | number>>()
  for (const { workload, seed, trace_hash, events } of rows) {
    const key = JSON.stringify([workload, seed, trace_hash])
    if (trace_hash !== '') traces.set(key, { workload, seed, events, hash: trace_hash })
  }
  return [...traces.values()]
}
