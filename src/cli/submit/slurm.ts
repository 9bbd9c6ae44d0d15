/** slurm: what is asked of Slurm: to take a script, and which tasks are still in its queue. */
import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { UsageError } from '../words/usage-error.ts'

/** Has Slurm take the script `file`; returns the job's number. Throws UsageError with what Slurm says against it. */
export function sbatch(file: string, ...options: readonly string[]): string {
  // NUMBER, or NUMBER;CLUSTER
  return (
    asked('sbatch', ['--parsable', ...options, file])
      .trim()
      .split(';')[0] ?? ''
  )
}

/** The tasks of this user's arrays that wait or run, by the number of their job. */
export function tasksInQueue(): Map<string, number[]> {
  const user = `--user=${userInfo().username}`
  const text = asked('squeue', ['--noheader', '--array', user, '--format=%F %K'])
  const tasks = new Map<string, number[]>()
  for (const [, job = '', task] of text.matchAll(/^(\d+) (\d+)\s*$/gm)) {
    tasks.set(job, [...(tasks.get(job) ?? []), Number(task)])
  }
  return tasks
}

function asked(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...{ encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 },
  })
  if (status === 0) return stdout
  // Several lines, each with the program's name: one tells it all.
  const lines = stderr.trim().split('\n')
  const said = lines.map((line) => line.replace(/^\w+: (error|fatal): /, '')).join('; ')
  throw new UsageError(`invalid submission: ${program}: ${error?.message ?? said}`)
}
