/** bench: how fast the simulator is on this machine, policy by policy. */

import { RUN_FLAGS, runOptions, whole } from './run/options.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'

/** What the project's own bounds are about (docs/performance.md). */
const WORKLOADS = 'bg,fh,mix'

const FLAGS = {
  policy: RUN_FLAGS.policy,
  kernel: RUN_FLAGS.kernel,
  workload: { ...RUN_FLAGS.workload, what: `workloads, by name or file [${WORKLOADS}]` },
  trace: RUN_FLAGS.trace,
  param: RUN_FLAGS.param,
  rounds: { kind: 'text', value: 'N', what: 'samples of each [5]' },
  quick: { kind: 'switch', what: 'a few short samples: shows that it works, not how fast it is' },
  timeout: { ...RUN_FLAGS.timeout, what: 'a sample that takes longer has failed [600]' },
  json: { kind: 'switch', what: 'one JSON document, with all statistics' },
} as const satisfies FlagTable

const MOST_ROUNDS = 1000

const FULL = { rounds: 5, sampleMs: 500 }
const QUICK = { rounds: 3, sampleMs: 20 }

export const benchCommand: Command = {
  flags: FLAGS,
  command: 'bench',
  describe: "measure the simulator's own speed on this machine",
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .example('$0 bench --policy page-count,mm-id', 'on bg, fh and mix')
      .example('$0 bench --policy ./my-rule.ts,mm-id --workload snapshot', 'what a rule costs')
      .epilogue('Exit codes: 1 a policy or a workload failed; 2 usage.'),
  handler: async (argv) => {
    const { workload, trace, quick, rounds, json } = readFlags(argv, FLAGS)
    const usual = workload === undefined && trace === undefined
    const sizes = quick ? QUICK : FULL
    const { runBench } = await import('./bench/measure.ts')
    process.exitCode = await runBench({
      run: runOptions({
        ...readFlags(argv, RUN_FLAGS),
        ...{ quick: undefined, workload: usual ? [WORKLOADS] : workload },
      }),
      ...sizes,
      rounds: whole('rounds', rounds, 1, MOST_ROUNDS) ?? sizes.rounds,
      json: json ?? false,
    })
  },
}
