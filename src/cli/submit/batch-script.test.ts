/** batch-script.test: the script as Slurm gets it, and as bash understands it. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { type BatchPlan, batchScript, ranges } from './batch-script.ts'

const SMALL: BatchPlan = {
  ...{ out: 'results', name: 'mine', shards: 4, wanted: [1, 2, 3, 4], jobs: 1, report: false },
  ...{
    program: ['/usr/bin/node', '/opt/main.js'],
    plan: ['--quick'],
    cwd: '/srv/plans',
    options: [],
  },
}

test('the whole script of a small plan', () => {
  const options = [['partition', 'long'], ['cpus-per-task', '2'], ['exclusive']] as const
  expect(batchScript({ ...SMALL, jobs: 2, options })).toBe(
    `#!/usr/bin/env bash
#SBATCH --job-name=cowbench-mine
#SBATCH --array=1-4
#SBATCH --chdir=/srv/plans
#SBATCH --output=/srv/plans/results/mine.shards/slurm-%A_%a.out
#SBATCH --partition=long
#SBATCH --cpus-per-task=2
#SBATCH --exclusive
#
# Task I runs shard I, and goes on where an earlier one was stopped; task 0 joins what they have finished.
# By hand: mkdir -p results/mine.shards; sbatch THIS; sbatch --array=0 --dependency=afterany:JOB THIS
set -euo pipefail

cowbench=(/usr/bin/node /opt/main.js)

if ((SLURM_ARRAY_TASK_ID == 0)); then
  "\${cowbench[@]}" merge results/mine.shards/*of4 --out results --name mine
  exit
fi
exec "\${cowbench[@]}" run --quick \\
  --shard "$SLURM_ARRAY_TASK_ID/4" --resume --jobs 2 \\
  --out results/mine.shards --name "\${SLURM_ARRAY_TASK_ID}of4"
`,
  )
})

/** Quotes of both kinds, what a shell expands, what begins a comment, what Slurm expands. */
const ODD = `it's "50%" $HOME #1 \\n`

test('the lines of Slurm: what is left to run, and words of any kind as one', () => {
  const script = batchScript({
    ...{ ...SMALL, wanted: [2, 4], report: true, name: 'a 5% b', cwd: '/w x', out: 'o' },
    options: [
      ['job-name', 'mine'],
      ['comment', ODD],
    ],
  })
  expect(script.split('\n').filter((line) => line.startsWith('#SBATCH'))).toEqual([
    '#SBATCH --array=2,4',
    '#SBATCH --chdir="/w x"',
    '#SBATCH --output="/w x/o/a 5%% b.shards/slurm-%A_%a.out"',
    '#SBATCH --job-name=mine',
    `#SBATCH --comment="it's \\"50%\\" $HOME #1 \\\\n"`,
  ])
})

/** The words of the commands that a task runs. */
function commandsOf(task: number, batch: Partial<BatchPlan>): string[][] {
  const program = [process.execPath, '-p', 'JSON.stringify(process.argv.slice(1))', '--']
  const { status, stdout, stderr } = spawnSync('bash', ['-s'], {
    input: batchScript({ ...SMALL, ...batch, program }),
    ...{ encoding: 'utf8', env: { ...process.env, SLURM_ARRAY_TASK_ID: String(task) } },
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[])
}

test('a task runs its shard into a directory of its own, with every word as it was given', () => {
  expect(commandsOf(3, { plan: ['--policy', ODD], out: ODD, name: `-${ODD}` })).toEqual([
    [
      ...['run', '--policy', ODD, '--shard', '3/4', '--resume', '--jobs', '1'],
      ...['--out', `${ODD}/-${ODD}.shards`, '--name', '3of4'],
    ],
  ])
})

test('task 0 joins the shards, and draws the report where one is wanted', () => {
  const merge = ['merge', `${ODD}/x.shards/*of4`, '--out', ODD, '--name', 'x']
  expect(commandsOf(0, { out: ODD, name: 'x' })).toEqual([merge])
  expect(commandsOf(0, { out: ODD, name: 'x', report: true })).toEqual([
    merge,
    ['report', `${ODD}/x`],
  ])
})

test.each([
  [[1], '1'],
  [[1, 2, 3], '1-3'],
  [[2, 4, 5, 9, 10, 12], '2,4-5,9-10,12'],
])('ranges of %j', (numbers, text) => expect(ranges(numbers)).toBe(text))
