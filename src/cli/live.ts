/** live: runs litmus tests on the running kernel, with real processes, as if it were one more policy. */
import {
  addFlags,
  type Command,
  type FlagTable,
  readFlags,
  refuseFlags,
} from './words/flag-table.ts'
import { parseWhole } from './words/flags.ts'
import { answerSeconds, TIMEOUT_FLAG } from './words/patience.ts'
import { UsageError } from './words/usage-error.ts'

const FLAGS = {
  against: { kind: 'text', value: 'NAME', what: 'policy or kernel to compare with' },
  drained: { kind: 'switch', what: 'drain the LRU batches before every operation' },
  record: { kind: 'text', value: 'FILE', what: 'write what this kernel did, as a truth file' },
  selftests: { kind: 'switch', what: "the matrix of the kernel's own COW test, not files" },
  random: { kind: 'text', value: 'N', what: 'N random tests, here and in the model' },
  seed: { kind: 'text', value: 'S', what: 'of the random tests [1]' },
  program: { kind: 'text', value: 'CMD', what: 'record a program and compare its counts' },
  timeout: TIMEOUT_FLAG,
  json: { kind: 'switch', what: 'one line of JSON for every operation, as litmus prints' },
} as const satisfies FlagTable

const MOST_TESTS = 10_000_000

export const liveCommand: Command = {
  flags: FLAGS,
  command: 'live [files..]',
  describe: 'run litmus tests on the running kernel',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('files', {
        ...{ type: 'string', array: true },
        describe: '.cow files or folders [all but those of more/]',
      })
      .example('$0 live my.cow --json', 'what every operation shows here')
      .example('$0 live --against mm-id', 'agreement with a policy')
      .example('$0 live --random 1000 --seed 7 --against 6.18.44', 'search for a difference')
      .example('$0 live --selftests', 'the selftest matrix, cell by cell')
      .example('$0 live --record truth.json', 'add this kernel to what models are held against')
      .epilogue(
        'Needs Linux, root and a C compiler. Exit codes: 4 the model disagrees with this kernel; ' +
          '5 something needed is missing.',
      ),
  handler: async (argv) => {
    const flags = readFlags(argv, FLAGS)
    const { against, drained, record, selftests, random, seed, program, ...others } = flags
    const files = ((argv['files'] as unknown[] | undefined) ?? []).map(String)
    const mode = (['program', 'random', 'selftests'] as const).find((flag) => flags[flag])
    if (mode !== undefined && files.length > 0) {
      throw new UsageError(`unsupported ${files[0]} with --${mode}: it runs no files`)
    }
    if (mode === 'program') {
      refuseFlags(flags, ['random', 'selftests', 'record', 'drained'], 'with --program')
    }
    if (mode === 'random') refuseFlags(flags, ['selftests', 'record', 'drained'], 'with --random')
    if (random === undefined) refuseFlags(flags, ['seed'], 'without --random')
    const { runLive } = await import('./live/run-tests.ts')
    process.exitCode = await runLive({
      files,
      selftests: selftests ?? false,
      ...{ against, record, program, drained: drained ?? false, json: others.json ?? false },
      seconds: answerSeconds(others.timeout),
      random: random === undefined ? undefined : parseWhole('random', random, 1, MOST_TESTS),
      seed: parseWhole('seed', seed ?? '1', 0, Number.MAX_SAFE_INTEGER),
    })
  },
}
