/** calibrate: measures what faults, copies and forks take on this machine, and prints them as a cost profile. */
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'
import { parseWhole } from './words/flags.ts'

const FLAGS = {
  output: { kind: 'text', alias: 'o', value: 'FILE', what: 'write the profile there [stdout]' },
  base: { kind: 'text', value: 'NAME', what: 'profile to take what is not measured from' },
  rounds: { kind: 'text', value: 'N', what: 'measure everything N times, at least 6 [9]' },
} as const satisfies FlagTable

/** Fewer have no 95 % interval. */
const FEWEST_ROUNDS = 6
const MOST_ROUNDS = 1000

export const calibrateCommand: Command = {
  flags: FLAGS,
  command: 'calibrate',
  describe: "measure this machine's costs, for run --cost FILE",
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .example('$0 calibrate -o here.json', 'takes half a minute')
      .example('$0 run --quick --cost here.json', 'estimated times of this machine')
      .epilogue('Needs Linux, root and a C compiler. Exit code 5: something needed is missing.'),
  handler: async (argv) => {
    const { output, base, rounds } = readFlags(argv, FLAGS)
    const { runCalibrate } = await import('./calibrate/profile.ts')
    process.exitCode = await runCalibrate({
      ...{ output, base },
      rounds: parseWhole('rounds', rounds ?? '9', FEWEST_ROUNDS, MOST_ROUNDS),
    })
  },
}
