/** compare: two runs, or two policies of one run, cell by cell on the same traces. */
import { COMPARE_FLAGS } from './compare/flags.ts'
import { addFlags, type Command, readFlags } from './words/flag-table.ts'

export const compareCommand: Command = {
  flags: COMPARE_FLAGS,
  command: 'compare <base> [new]',
  describe: 'paired differences of two runs, or of two policies in one',
  builder: (yargs) =>
    addFlags(yargs, COMPARE_FLAGS)
      .positional('base', { type: 'string', describe: 'results directory to compare with' })
      .positional('new', { type: 'string', describe: 'results directory to judge' })
      .example('$0 compare results/before results/after', 'the same cells of two runs')
      .example('$0 compare results/quick --policy page-count --against mm-id', 'two policies')
      .example('$0 compare DIR --policy P:limit=2 --against P:limit=1', 'two values of a parameter')
      .example("$0 compare a b --fail-on 'copies:+5%'", 'exit code 4 if copies grew by more')
      .epilogue(
        'better, worse: the 95 % interval of the differences over the seeds leaves out 0 (of one seed: they differ). Exit codes: 2 --fail-on with nothing to compare, or about times of different cost profiles; 3 a --fail-on condition about violations holds, 4 another one.',
      ),
  handler: async (argv) => {
    const { compareResults } = await import('./compare/judge.ts')
    const next = argv['new'] === undefined ? undefined : String(argv['new'])
    const flags = readFlags(argv, COMPARE_FLAGS)
    process.exitCode = compareResults(String(argv['base']), next, flags)
  },
}
