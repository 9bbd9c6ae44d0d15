/** run: policies x workloads x parameters x seeds, into a results directory. */

import { RUN_FLAGS, runOptions } from './run/options.ts'
import { addFlags, type Command, readFlags } from './words/flag-table.ts'

export const runCommand: Command = {
  flags: RUN_FLAGS,
  command: 'run',
  describe: 'simulate policies on workloads, and print how they compare',
  builder: (yargs) =>
    addFlags(yargs, RUN_FLAGS)
      .example('$0 run --quick', 'all policies on all workloads, small')
      .example('$0 run --policy mapcount,mm-id --workload snapshot --seeds 5', 'five seeds')
      .example("$0 run --workload zygote --sweep children=1..16:5 --fail-on 'violations>0'", '')
      .epilogue(
        'Exit codes: 0 fine; 1 a cell failed; 2 usage, --fail-on with every cell skipped, results in use by another process, or no space for them; 3 --fail-on found a violation; 4 --fail-on found a threshold passed; 130, 143 interrupted.',
      ),
  handler: async (argv) => {
    const options = runOptions(readFlags(argv, RUN_FLAGS))
    const { executeRun } = await import('./run/execute.ts')
    process.exitCode = await executeRun(options, process.argv.slice(2))
  },
}
