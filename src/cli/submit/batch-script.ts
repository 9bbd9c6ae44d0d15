/**
 * batch-script: the Slurm script of a plan: task I of the array runs shard I, and task 0, which is submitted by itself
 * after the others, joins what they have finished. One script for both, so that `--dry-run > job.sh` is all there is.
 */
import { join, resolve } from 'node:path'
import { commandLine, flagWords, typed } from '../shell/typed.ts'

/** A long option of sbatch; without a value, a switch. */
export type SbatchOption = readonly [name: string, value?: string]

export interface BatchPlan {
  /** The results are in `out`/`name`. */
  readonly out: string
  readonly name: string
  readonly shards: number
  /** Shards to run, from 1, in order. */
  readonly wanted: readonly number[]
  /** Words that start this program. */
  readonly program: readonly string[]
  /** Words of `run` that say what is in the plan. */
  readonly plan: readonly string[]
  /** Threads of each task. */
  readonly jobs: number
  readonly report: boolean
  /** Where paths of the plan begin. */
  readonly cwd: string
  readonly options: readonly SbatchOption[]
}

/** The folder of a plan's shards, script and logs. */
export function shardsFolder(out: string, name: string): string {
  return join(out, `${name}.shards`)
}

export function shardName(shard: number | string, shards: number): string {
  return `${shard}of${shards}`
}

export function batchScript(batch: BatchPlan): string {
  const { out, name, shards, program, plan, jobs, report } = batch
  const folder = shardsFolder(out, name)
  const task = '$SLURM_ARRAY_TASK_ID'
  return `${[
    '#!/usr/bin/env bash',
    ...directives(batch).map(([name, value]) => `#SBATCH --${name}${assigned(value)}`),
    '#',
    '# Task I runs shard I, and goes on where an earlier one was stopped; task 0 joins what they have finished.',
    `# By hand: mkdir -p ${typed(folder)}; sbatch THIS; sbatch --array=0 --dependency=afterany:JOB THIS`,
    'set -euo pipefail',
    '',
    `cowbench=(${commandLine(program)})`,
    '',
    'if ((SLURM_ARRAY_TASK_ID == 0)); then',
    `  "\${cowbench[@]}" merge ${typed(folder)}/*${shardName('', shards)} ${commandLine([...flagWords('out', out), ...flagWords('name', name)])}`,
    ...(report ? [`  "\${cowbench[@]}" report ${typed(join(out, name))}`] : []),
    '  exit',
    'fi',
    `exec "\${cowbench[@]}" run ${commandLine(plan)} \\`,
    `  --shard "${task}/${shards}" --resume --jobs ${jobs} \\`,
    `  ${commandLine(flagWords('out', folder))} --name "${shardName(`\${${task.slice(1)}}`, shards)}"`,
  ].join('\n')}\n`
}

function directives(batch: BatchPlan): SbatchOption[] {
  const { out, name, wanted, cwd, options } = batch
  const logs = resolve(cwd, shardsFolder(out, name)).replaceAll('%', '%%')
  const ours = [
    ['job-name', `cowbench-${name}`],
    ['array', ranges(wanted)],
    ['chdir', cwd],
    ['output', `${logs}/slurm-%A_%a.out`],
  ] as const
  return [...ours.filter(([name]) => options.every(([given]) => given !== name)), ...options]
}

/** Slurm reads its lines itself: quotes keep words together, and what follows a backslash stands for itself, even there. */
function assigned(value: string | undefined): string {
  if (value === undefined) return ''
  return /^[\w./,=:@%+-]+$/.test(value) ? `=${value}` : `="${value.replace(/["\\]/g, '\\$&')}"`
}

/** `1-3,7` */
export function ranges(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === number - 1) run[1] = number
    else runs.push([number, number])
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')
}
