/** Manifest: manifest.json, what was run, with what, where and for how long. The only file that holds a clock's time. */
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'
import { MANIFEST } from './directory.ts'

/** Version of the layout of manifests. */
const FORMAT = 1

export interface Manifest {
  /** The name that was given; of a shard, or where none was, one made of the plan. */
  readonly name: string
  /** `partial` until every cell of the plan has a row. */
  readonly state: 'partial' | 'complete'
  readonly plan: Readonly<Record<string, unknown>>
  readonly cowbench: Build
  readonly cost: Readonly<Record<string, unknown>>
  readonly skipped: readonly Readonly<Record<string, string>>[]
  readonly failed: readonly Readonly<Record<string, string | number>>[]
  readonly traces: readonly Readonly<Record<string, string | number>>[]
  /** Who ran which shard; a run that is not divided is shard 1/1. */
  readonly parts: Readonly<Record<string, Part>>
  /** Keys of all cells of the plan, in the order of rows.csv. */
  readonly cells: readonly string[]
}

export interface Build {
  readonly version: string
  readonly commit: string
  /** Hash of everything that can change a row. */
  readonly code: string
}

export interface Part {
  readonly command: readonly string[]
  readonly machine: Readonly<Record<string, string | number>>
  readonly started: string
  readonly wall_seconds: number
  readonly ran: number
  readonly reused: number
  readonly wall_seconds_by_policy: Readonly<Record<string, number>>
}

export function writeManifest(dir: string, manifest: Manifest): void {
  const text = JSON.stringify({ format: FORMAT, ...manifest }, null, 2)
  replaceFile(join(dir, MANIFEST), `${text}\n`)
}

/** Throws Error in one line that names the file: missing, or made by another version. */
export function readManifest(dir: string): Manifest {
  const file = join(dir, MANIFEST)
  let json: { format?: unknown } & Partial<Manifest>
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw new Error(`invalid manifest: ${file}; expected JSON`)
    throw new Error(`missing manifest: ${file}; expected a results directory, as run writes it`)
  }
  if (json?.format !== FORMAT || !Array.isArray(json.cells)) {
    throw new Error(`unsupported manifest: ${file}; expected format ${FORMAT}`)
  }
  const { format: _, ...manifest } = json
  return manifest as Manifest
}

export function thisMachine(): Record<string, string | number> {
  const processors = cpus()
  return {
    node: process.version,
    v8: process.versions.v8,
    flags: process.execArgv.join(' '),
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    cpu: processors[0]?.model ?? 'unknown',
    cpus: processors.length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
  }
}
