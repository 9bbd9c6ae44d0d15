/** Merge: joins the shards of one plan. Joining them again, in any order or with the result, changes nothing. */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'
import type { Row } from '../metrics/row.ts'
import { claimDirectory, MANIFEST } from './directory.ts'
import { type Finished, JOURNAL, journalLine, readJournal } from './journal.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { writeResults } from './write.ts'

export interface Merged {
  readonly rows: readonly Row[]
  /** Cells of the plan that no shard has finished. */
  readonly missing: number
}

/**
 * Adds to what `target` holds of the same plan. Throws Error in one line if the directories are not parts of one plan, or
 * `target` holds another; then nothing has been written.
 */
export function mergeResults(dirs: readonly string[], target: string): Merged {
  const into = existsSync(join(target, MANIFEST)) ? [target] : []
  const sources = [...dirs, ...into].map((dir) => ({ dir, manifest: readManifest(dir) }))
  const [first] = sources
  if (first === undefined) throw new Error('missing shards: expected at least one directory')
  for (const { dir, manifest } of sources) {
    if (manifest.cells.join() === first.manifest.cells.join()) continue
    if (dirs.includes(dir)) {
      throw new Error(`invalid shard: ${dir}; expected the plan of ${first.dir}`)
    }
    throw new Error(
      `invalid results directory: ${dir} holds another plan than ${first.dir}; expected another --name`,
    )
  }
  const finished = new Map<string, Finished>()
  for (const [key, cell] of sources.flatMap(({ dir }) => [...readJournal(dir)])) {
    // A cell that failed in one place and not in the other was the machine's failure.
    if (finished.get(key)?.row.status !== 'ok') finished.set(key, cell)
  }
  claimDirectory(target, 'resume')
  const { plan, cowbench, cost, skipped, cells } = first.manifest
  const ours = cells.flatMap((key) => finished.get(key) ?? [])
  replaceFile(join(target, JOURNAL), ours.map(journalLine).join(''))
  const parts = partsOf(sources.map(({ manifest }) => manifest))
  const head = { name: basename(target), plan, cowbench, cost, skipped, parts, cells }
  const rows = writeResults(target, head, finished)
  return { rows, missing: cells.length - rows.length }
}

/** Of a part that several tell of the first counts, as of a cell. */
function partsOf(manifests: readonly Manifest[]): Manifest['parts'] {
  const parts = manifests.toReversed().flatMap((manifest) => Object.entries(manifest.parts))
  return Object.fromEntries(parts.sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })))
}
