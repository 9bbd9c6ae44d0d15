/**
 * hand-over: hands a plan to Slurm: the shards that are neither finished nor in the queue, and a job that joins all of
 * them once those have ended, well or not (afterany). A job that waits for success (afterok) would wait for ever after
 * one bad node, and a task in which a cell failed, or --fail-on found something, has not succeeded either.
 */
import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replaceFile } from '../../files/replace-file.ts'
import { claimDirectory, MANIFEST } from '../../results/directory.ts'
import { giveBack } from '../../results/in-use.ts'
import { writeResults } from '../../results/write.ts'
import type { RunOptions } from '../run/options.ts'
import { type PlannedRun, planCells } from '../run/planned.ts'
import { isProgram } from '../shell/is-program.ts'
import { counted, print, say } from '../shell/streams.ts'
import { batchScript, ranges, type SbatchOption, shardName } from './batch-script.ts'
import { sbatch } from './slurm.ts'
import { JOBS, jobsSoFar, type Submission, shardDirs, submissionOf } from './submission.ts'

export interface SubmitRequest {
  readonly run: RunOptions
  /** Words of `run` that say what is in the plan. */
  readonly plan: readonly string[]
  readonly shards: number | undefined
  /** Threads of each task. */
  readonly jobs: number
  readonly options: readonly SbatchOption[]
  readonly json: boolean
}

/** Returns the exit code: 5 if there is no Slurm here. */
export async function runSubmit(request: SubmitRequest): Promise<number> {
  const { run, json } = request
  const planned = await planCells(run)
  if (!run.dryRun && !isProgram('sbatch')) {
    say('cowbench: no sbatch on this machine; --dry-run prints the script')
    return 5
  }
  const submission = submissionOf(planned, run, request.shards)
  const { wanted, queued, joined } = submission
  sayState(submission, planned)
  const script = scriptOf(submission, request)
  if (run.dryRun) {
    if (json) print(asJson(submission, planned, { text: script }))
    else if (wanted.length > 0) print(script)
    say(wanted.length > 0 ? `not submitted: shards ${ranges(wanted)}` : 'nothing to submit')
    return 0
  }
  // What earlier jobs have yet to finish, one of them joins.
  const idle = wanted.length === 0 && (joined || queued.length > 0)
  const jobs = idle ? {} : submit(submission, planned, script, run.ifExists === 'overwrite')
  if (json) print(asJson(submission, planned, jobs))
  else {
    const { array, merge } = jobs
    if (array !== undefined) print(`job ${array}: shards ${ranges(wanted)}`)
    if (merge !== undefined) print(`job ${merge}: joins the shards in ${submission.dir}`)
  }
  if (idle) say('nothing to submit')
  return 0
}

function sayState(
  { shards, finished, queued, earlier, dir }: Submission,
  { plan }: PlannedRun,
): void {
  const { cells, skipped } = plan
  const left = skipped.length > 0 ? `; ${skipped.length} skipped for want of a capability` : ''
  say(`${counted(cells.length, 'cell')} in ${counted(shards, 'shard')}, for ${dir}${left}`)
  if (finished.length > 0) say(`finished: shards ${ranges(finished)}`)
  if (queued.length > 0) say(`in the queue, as ${earlier.join(', ')}: shards ${ranges(queued)}`)
}

interface Jobs {
  readonly array?: string | undefined
  readonly merge?: string
}

function submit(
  submission: Submission,
  planned: PlannedRun,
  script: string,
  overwrite: boolean,
): Jobs {
  const { folder, wanted, earlier } = submission
  if (overwrite) clear(submission)
  place(submission, planned)
  const file = join(folder, 'job.sh')
  replaceFile(file, script)
  const take = (...options: readonly string[]): string => {
    const job = sbatch(file, ...options)
    replaceFile(join(folder, JOBS), `${[...jobsSoFar(folder), job].join('\n')}\n`)
    return job
  }
  const array = wanted.length > 0 ? take() : undefined
  // Also after earlier jobs: two must not join shards in one place at the same time.
  const before = [...earlier, ...(array === undefined ? [] : [array])]
  const after = before.length > 0 ? [`--dependency=afterany:${before.join(':')}`] : []
  return { array, merge: take('--array=0', ...after) }
}

function clear({ dir, folder }: Submission): void {
  for (const shard of shardDirs(folder)) {
    claimDirectory(shard, 'overwrite')
    giveBack(shard)
    if (readdirSync(shard).length === 0) rmdirSync(shard)
  }
  claimDirectory(dir, 'overwrite')
}

/** Gives every shard its directory, with no rows yet: a task that finds its plan changed will refuse to run. */
function place({ dir, folder, shards }: Submission, { planned, plan, inputs }: PlannedRun): void {
  claimDirectory(dir, 'resume')
  const skipped = plan.skipped.map((skip) => ({ ...skip }))
  for (let i = 1; i <= shards; i++) {
    const shard = join(folder, shardName(i, shards))
    if (existsSync(join(shard, MANIFEST))) continue
    claimDirectory(shard, 'resume')
    writeResults(shard, { ...planned, name: inputs.name, skipped, parts: {} }, new Map())
    giveBack(shard)
  }
  // The jobs may begin at once.
  giveBack(dir)
}

function scriptOf(
  { name, shards, wanted }: Submission,
  { run: { out, report }, plan, jobs, options }: SubmitRequest,
): string {
  return batchScript({
    ...{ out, name, shards, wanted, plan, jobs, options, report },
    ...{ program: thisProgram(), cwd: process.cwd() },
  })
}

/** Words that start this program on a machine that has the same files. */
function thisProgram(): string[] {
  const built = import.meta.url.endsWith('.js')
  const main = new URL(built ? '../cli/main.js' : '../../../dist/src/cli/main.js', import.meta.url)
  return [process.execPath, ...process.execArgv, fileURLToPath(main)]
}

function asJson(
  { dir, folder, shards, finished, queued, wanted }: Submission,
  { plan }: PlannedRun,
  { array, merge, text }: Jobs & { readonly text?: string },
): string {
  const facts = {
    ...{ dir, cells: plan.cells.length, shards, finished, queued, submitted: wanted },
    jobs: { array: array ?? null, merge: merge ?? null },
    ...{ script: join(folder, 'job.sh'), ...(text === undefined ? {} : { text }) },
  }
  return JSON.stringify(facts, null, 2)
}
