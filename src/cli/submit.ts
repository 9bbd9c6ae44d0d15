/** submit: the plan of a run as an array job of Slurm, one task a shard, and a job after it that joins them. */

import { RUN_FLAGS, runOptions, whole, withConfig } from './run/options.ts'
import { flagWords } from './shell/typed.ts'
import type { SbatchOption } from './submit/batch-script.ts'
import {
  addFlags,
  type Command,
  type FlagTable,
  type FlagValues,
  readFlags,
} from './words/flag-table.ts'
import { UsageError } from './words/usage-error.ts'

const { shard: _, resume: __, ...PLAN_FLAGS } = RUN_FLAGS

const FLAGS = {
  ...PLAN_FLAGS,
  jobs: { kind: 'text', value: 'N', what: 'threads of each task [its CPUs]' },
  'dry-run': { kind: 'switch', what: 'print the script for sbatch and submit nothing' },
  shards: { kind: 'text', value: 'N', what: 'tasks [those there are, else 16 at most]' },
  partition: { kind: 'text', value: 'NAME', what: 'sbatch --partition' },
  time: { kind: 'text', value: 'LIMIT', what: 'sbatch --time, of each task' },
  mem: { kind: 'text', value: 'SIZE', what: 'sbatch --mem, of each task' },
  'cpus-per-task': { kind: 'text', value: 'N', what: 'CPUs of each task [--jobs, or 1]' },
  sbatch: { kind: 'texts', value: 'OPTION[=VALUE]', what: 'any other long option of sbatch' },
  json: { kind: 'switch', what: 'one JSON document, with the numbers of the jobs' },
} as const satisfies FlagTable

export type SubmitFlags = FlagValues<typeof FLAGS>

export const submitCommand: Command = {
  flags: FLAGS,
  command: 'submit',
  describe: 'run a plan as a Slurm array job',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .example('$0 submit --quick --dry-run', 'the script, and nothing is submitted')
      .example('$0 submit --workload snapshot --seeds 100 --shards 8 --time 1:00:00', '')
      .example('$0 submit --config plan.json --partition long --sbatch account=mm', '')
      .epilogue(
        'The same plan again submits what is not finished. Exit codes: 2 usage, or Slurm refused; 5 no sbatch here. Tasks end as run does.',
      ),
  handler: async (argv) => {
    const flags = withConfig(readFlags(argv, FLAGS), FLAGS)
    const jobs = whole('jobs', flags.jobs, 1, MOST_CPUS)
    const cpus = whole('cpus-per-task', flags['cpus-per-task'], 1, MOST_CPUS) ?? jobs ?? 1
    const { runSubmit } = await import('./submit/hand-over.ts')
    process.exitCode = await runSubmit({
      run: runOptions({ ...flags, config: undefined, shard: undefined, resume: undefined }),
      plan: planWords(flags),
      shards: whole('shards', flags.shards, 1, MOST_SHARDS),
      jobs: jobs ?? cpus,
      options: sbatchOptions(flags, cpus),
      json: flags.json ?? false,
    })
  },
}

const MOST_SHARDS = 1_000_000
const MOST_CPUS = 256

/** What of a plan is not said by what it makes of its results. */
const NOT_OF_TASKS: readonly string[] = [
  ...['jobs', 'name', 'out', 'overwrite', 'report', 'dry-run', 'json', 'config'],
]

/** Words that say to `run` what these flags say, whatever file they came from. */
function planWords(flags: SubmitFlags): string[] {
  const names = Object.keys(PLAN_FLAGS).filter((name) => !NOT_OF_TASKS.includes(name))
  return names.flatMap((name) => {
    const value = flags[name as keyof SubmitFlags]
    if (typeof value === 'boolean') return value ? [`--${name}`] : []
    return [value ?? []].flat().flatMap((text) => flagWords(name, text))
  })
}

/** What submit says itself, or does not leave open. */
const OURS = ['array', 'chdir', 'parsable', 'wrap', 'test-only', 'help', 'usage', 'version']

function sbatchOptions(flags: SubmitFlags, cpus: number): SbatchOption[] {
  const { partition, time, mem } = flags
  const named = { partition, time, mem, 'cpus-per-task': String(cpus) }
  const others = (flags.sbatch ?? []).map((text): SbatchOption => {
    const [, name = '', value] = /^([a-z][a-z-]*)(?:=(.+))?$/.exec(text) ?? []
    if (name === '') {
      throw new UsageError(
        `invalid --sbatch: ${text}; expected a long option of sbatch without its dashes, such as account=NAME or exclusive`,
      )
    }
    if (OURS.includes(name)) throw new UsageError(`unsupported --sbatch: ${name}; submit sets it`)
    if (Object.hasOwn(named, name)) {
      throw new UsageError(`unsupported --sbatch: ${name}; expected --${name}`)
    }
    return value === undefined ? [name] : [name, value]
  })
  const given = Object.entries(named).flatMap(([name, value]): SbatchOption[] => {
    if (value?.includes('\n')) throw new UsageError(`invalid --${name}: it has several lines`)
    return value === undefined ? [] : [[name, value]]
  })
  return [...given, ...others]
}
