/** litmus: runs .cow tests under policies or kernels, checks their expectations, or compares with a recorded kernel. */
import { addFlags, type Command, type FlagTable, readFlags } from './flag-table.ts'
import { parseList } from './flags.ts'

const FLAGS = {
  policy: { kind: 'texts', value: 'A,B', what: 'policies, by name or file [all]' },
  kernel: { kind: 'texts', value: 'A,B', what: 'policies as these kernels had them' },
  drained: { kind: 'switch', what: 'drain the LRU batches before every operation' },
  swap: { kind: 'text', value: 'zram or disk', what: 'disk: the swapcache is always used [zram]' },
  against: {
    kind: 'texts',
    value: 'TRUTH.json',
    what: 'compare with what a kernel was seen to do',
  },
  json: { kind: 'switch', what: 'one line of JSON for every operation and policy' },
} as const satisfies FlagTable

export const litmusCommand: Command = {
  flags: FLAGS,
  command: 'litmus [files..]',
  describe: 'run litmus tests, and check what they expect',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('files', { type: 'string', array: true, describe: '.cow files or folders [all]' })
      .example('$0 litmus my.cow --policy mapcount,mm-id', 'what every operation shows')
      .example('$0 litmus --kernel 6.18.44 --against truth.json', 'agreement with a record')
      .epilogue(
        'Exit codes: 4 an expectation is not met, or the model disagrees with a recorded kernel.',
      ),
  handler: async (argv) => {
    const { policy, kernel, drained, swap, against, json } = readFlags(argv, FLAGS)
    const { runLitmusTests } = await import('./litmus-run.ts')
    process.exitCode = await runLitmusTests({
      files: ((argv['files'] as unknown[] | undefined) ?? []).map(String),
      policies: parseList('policy', policy ?? []),
      kernels: parseList('kernel', kernel ?? []),
      swap: swap ?? 'zram',
      against: against ?? [],
      ...{ drained: drained ?? false, json: json ?? false },
    })
  },
}
