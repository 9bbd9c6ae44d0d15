/** litmus: runs .cow tests under policies or kernels, checks their expectations, or compares with a recorded kernel. */
import {
  addFlags,
  type Command,
  type FlagTable,
  readFlags,
  refuseFlags,
} from './words/flag-table.ts'
import { parseList } from './words/flags.ts'
import { answerSeconds, TIMEOUT_FLAG } from './words/patience.ts'
import { SWAP_FLAG } from './words/swap-device.ts'
import { UsageError } from './words/usage-error.ts'

const FLAGS = {
  policy: { kind: 'texts', value: 'A,B', what: 'policies: NAME, FILE or NAME:PARAM=VALUE [all]' },
  kernel: { kind: 'texts', value: 'A,B', what: 'policies as these kernels had them' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter of the policies' },
  drained: { kind: 'switch', what: 'drain the LRU batches before every operation' },
  swap: SWAP_FLAG,
  against: {
    kind: 'texts',
    value: 'TRUTH.json',
    what: 'compare with what a kernel was seen to do',
  },
  'known-failures': {
    kind: 'switch',
    what: 'these policies on the known failures of the past: a table and a chart in --out',
  },
  out: { kind: 'text', value: 'DIR', what: 'of --known-failures [results/known-failures]' },
  timeout: TIMEOUT_FLAG,
  json: { kind: 'switch', what: 'one line of JSON for every operation and policy' },
} as const satisfies FlagTable

export const litmusCommand: Command = {
  flags: FLAGS,
  command: 'litmus [files..]',
  describe: 'run litmus tests, and check what they expect',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('files', {
        ...{ type: 'string', array: true },
        describe: '.cow files or folders [all but those of more/]',
      })
      .example('$0 litmus my.cow --policy mapcount,mm-id', 'what every operation shows')
      .example('$0 litmus my.cow --policy page-count,page-count:reclaimPin=no', 'two variants')
      .example('$0 litmus --kernel 6.18.44 --against truth.json', 'agreement with a record')
      .example('$0 litmus --known-failures', 'which policy still has which failure')
      .epilogue(
        'Exit codes: 4 an expectation is not met, or the model disagrees with a recorded kernel.',
      ),
  handler: async (argv) => {
    const flags = readFlags(argv, FLAGS)
    const { policy, kernel, param, drained, swap, against, json, ...others } = flags
    const files = ((argv['files'] as unknown[] | undefined) ?? []).map(String)
    if (others['known-failures']) {
      const why = 'with --known-failures: it runs tests of its own'
      if (files.length > 0) throw new UsageError(`unsupported ${files[0]} ${why}`)
      refuseFlags(flags, ['drained', 'swap', 'against', 'json'], why)
      const { drawKnownFailures } = await import('./litmus/known-failures.ts')
      process.exitCode = await drawKnownFailures(others.out ?? 'results/known-failures', {
        policies: parseList('policy', policy ?? []),
        kernels: parseList('kernel', kernel ?? []),
        params: param ?? [],
        seconds: answerSeconds(others.timeout),
      })
      return
    }
    if (others.out !== undefined) throw new UsageError('unsupported --out without --known-failures')
    if (against !== undefined) {
      refuseFlags(flags, ['swap'], 'with --against: a record says where its tests swap to')
    }
    const { runLitmusTests } = await import('./litmus/run-tests.ts')
    process.exitCode = await runLitmusTests({
      files,
      policies: parseList('policy', policy ?? []),
      kernels: parseList('kernel', kernel ?? []),
      params: param ?? [],
      swap: swap ?? 'zram',
      seconds: answerSeconds(others.timeout),
      against: against ?? [],
      ...{ drained: drained ?? false, json: json ?? false },
    })
  },
}
