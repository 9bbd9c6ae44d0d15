/** submission: where a plan stands that was, or will be, handed to Slurm: what of it is finished, under way, and left. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Cell, shardOf } from '../../plan.ts'
import { MANIFEST } from '../../results/directory.ts'
import { type Finished, readJournal } from '../../results/journal.ts'
import { expectSame } from '../../results/resume.ts'
import type { RunOptions } from '../run/options.ts'
import type { PlannedRun } from '../run/planned.ts'
import { isProgram } from '../shell/is-program.ts'
import { UsageError } from '../words/usage-error.ts'
import { shardName, shardsFolder } from './batch-script.ts'
import { tasksInQueue } from './slurm.ts'

/** Shards are numbers from 1, in order. */
export interface Submission {
  readonly name: string
  /** Where the results come together. */
  readonly dir: string
  /** Where the shards, the script and the logs are. */
  readonly folder: string
  readonly shards: number
  readonly finished: readonly number[]
  /** Shards that jobs in the queue have yet to finish. */
  readonly queued: readonly number[]
  readonly wanted: readonly number[]
  /** Earlier jobs of this plan that have not ended. */
  readonly earlier: readonly string[]
  /** Does the folder of the results have them all? */
  readonly joined: boolean
}

/** As many as most queues start at once. */
const SHARDS = 16
const FEWER = 8

/**
 * A number that divides the seeds, if one is near: seeds are innermost, so a trace is then made in one shard only, for
 * all its policies.
 */
function usualShards(seeds: number, cells: number): number {
  for (let shards = SHARDS; shards >= FEWER; shards--) if (seeds % shards === 0) return shards
  return Math.min(SHARDS, cells)
}

/** Of the folder: the numbers of the jobs so far, one a line. */
export const JOBS = 'jobs.txt'

/** Throws in one line what stands against it. `shards`: how many are asked for. */
export function submissionOf(
  { planned, plan: { cells }, inputs }: PlannedRun,
  { out, name = inputs.name, ifExists, seeds }: RunOptions,
  shards: number | undefined,
): Submission {
  const fresh = ifExists === 'overwrite'
  const dir = join(out, name)
  const folder = shardsFolder(out, name)
  if (`${folder}${process.cwd()}`.includes('\n')) {
    throw new UsageError('invalid path: Slurm takes none that has several lines')
  }
  if (!fresh) expectSame(planned, dir)
  const earlierShards = fresh ? undefined : shardsIn(folder)
  if (shards !== undefined) expectShards(shards, earlierShards, cells.length, folder)
  const count = shards ?? earlierShards ?? usualShards(seeds.length, cells.length)
  const all = Array.from({ length: count }, (_, i) => i + 1)
  const tasks = earlierTasks(folder)
  const common = { name, dir, folder, shards: count, earlier: [...tasks.keys()] }
  if (fresh) {
    if (tasks.size > 0) throw inUse(folder, common.earlier)
    return { ...common, finished: [], queued: [], wanted: all, joined: false }
  }
  const dirs = all.map((i) => join(folder, shardName(i, count)))
  for (const shard of dirs) expectSame(planned, shard)
  const joined = readJournal(dir)
  const finished = all.filter((i) => {
    const own = readJournal(dirs[i - 1] ?? '')
    return shardOf(cells, i, count).every((cell) => isIn(own, cell) || isIn(joined, cell))
  })
  const inQueue = [...tasks.values()].flat()
  const queued = all.filter((i) => inQueue.includes(i) && !finished.includes(i))
  return {
    ...{ ...common, finished, queued },
    wanted: all.filter((i) => !finished.includes(i) && !queued.includes(i)),
    joined: cells.every((cell) => isIn(joined, cell)),
  }
}

function isIn(journal: ReadonlyMap<string, Finished>, { key }: Cell): boolean {
  return journal.get(key)?.row.status === 'ok'
}

function expectShards(
  asked: number,
  earlier: number | undefined,
  cells: number,
  folder: string,
): void {
  if (asked > cells) {
    throw new UsageError(
      `invalid --shards: ${asked}; expected a whole number from 1 to ${cells}, the number of cells`,
    )
  }
  if (earlier !== undefined && asked !== earlier) {
    throw new UsageError(
      `invalid --shards: ${asked}; ${folder} has ${earlier}; expected ${earlier}, another --name, or --overwrite`,
    )
  }
}

/** The directories of the shards in a folder, of however many there were to be. */
export function shardDirs(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names
    .filter((name) => /^\d+of\d+$/.test(name))
    .map((name) => join(folder, name))
    .filter((dir) => existsSync(join(dir, MANIFEST)))
}

function shardsIn(folder: string): number | undefined {
  const [count] = shardDirs(folder).map((dir) => Number(/\d+$/.exec(dir)?.[0]))
  return count
}

/** The numbers of the jobs that were submitted so far. */
export function jobsSoFar(folder: string): string[] {
  const file = join(folder, JOBS)
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

/** Tasks in the queue, by their job. */
function earlierTasks(folder: string): Map<string, readonly number[]> {
  const jobs = jobsSoFar(folder)
  // A dry run may be made where there is no Slurm.
  if (jobs.length === 0 || !isProgram('squeue')) return new Map()
  return new Map([...tasksInQueue()].filter(([job]) => jobs.includes(job)))
}

function inUse(folder: string, jobs: readonly string[]): UsageError {
  const words = jobs.join(' ')
  return new UsageError(
    `invalid --overwrite: ${folder} is in use by ${words}; expected scancel ${words} before it`,
  )
}
