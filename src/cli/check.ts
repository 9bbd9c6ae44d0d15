/** check: searches small worlds for the shortest story in which a policy fails. */
import {
  addFlags,
  type Command,
  type FlagTable,
  readFlags,
  refuseFlags,
} from './words/flag-table.ts'
import { parseList, parseWhole } from './words/flags.ts'
import { answerSeconds, TIMEOUT_FLAG } from './words/patience.ts'
import { SWAP_FLAG } from './words/swap-device.ts'

const FLAGS = {
  depth: { kind: 'text', value: 'N', what: 'every sequence of N actions [6]' },
  time: {
    kind: 'text',
    value: 'T',
    what: 'then T seconds of random sequences in the widest model [0]',
  },
  seed: { kind: 'text', value: 'S', what: 'of the random sequences [1]' },
  model: { kind: 'texts', value: 'A,B', what: 'small worlds to search [all, smallest first]' },
  goal: { kind: 'text', value: 'violation or missed-reuse', what: 'to look for [violation]' },
  against: { kind: 'text', value: 'P2', what: 'the shortest sequence that P2 answers differently' },
  every: { kind: 'switch', what: 'go on after the first finding: one of each kind' },
  kernel: { kind: 'text', value: 'NAME', what: 'the policy as this kernel had it' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter of the policy' },
  swap: SWAP_FLAG,
  memory: { kind: 'text', value: 'MIB', what: 'for the states of one small world [1024]' },
  jobs: { kind: 'text', value: 'N', what: 'threads [2]' },
  timeout: TIMEOUT_FLAG,
  out: { kind: 'text', value: 'DIR', what: 'write each finding to a file there' },
  json: { kind: 'switch', what: 'one JSON document' },
} as const satisfies FlagTable

const MOST_DEPTH = 40

export const checkCommand: Command = {
  flags: FLAGS,
  command: 'check [policy]',
  describe: 'search for the shortest failure of a policy',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('policy', { type: 'string', describe: 'NAME, FILE or NAME:PARAM=VALUE' })
      .example('$0 check mapcount > found.cow', 'the shortest failure, as a litmus test')
      .example('$0 check ./my-rule.ts --depth 8', 'everything that 8 actions can do')
      .example('$0 check mm-id --against order0-copy', 'where two policies part')
      .example('$0 check page-count --against page-count:reclaimPin=no', 'what a parameter does')
      .example('$0 check page-count --goal missed-reuse', 'the shortest copy that nobody needed')
      .epilogue(
        'Exit codes: 2 usage, or no model is left to search; 3 a violation was found; 130 interrupted, with what was covered until then.',
      ),
  handler: async (argv) => {
    const flags = readFlags(argv, FLAGS)
    const {
      depth,
      time,
      seed,
      model,
      goal,
      against,
      every,
      kernel,
      param,
      swap,
      memory,
      jobs,
      timeout,
      out,
      json,
    } = flags
    const seconds = parseWhole('time', time ?? '0', 0, 1_000_000)
    if (seconds === 0) refuseFlags(flags, ['seed'], 'without --time')
    const { runCheck } = await import('./check/search.ts')
    process.exitCode = await runCheck({
      policy: argv['policy'] === undefined ? undefined : String(argv['policy']),
      ...{ kernel, against, out, swap: swap ?? 'zram', goal: goal ?? 'violation' },
      ...{ every: every ?? false, json: json ?? false },
      params: param ?? [],
      models: parseList('model', model ?? []),
      depth: parseWhole('depth', depth ?? '6', 1, MOST_DEPTH),
      seconds,
      seed: parseWhole('seed', seed ?? '1', 0, 2 ** 31 - 1),
      memory: parseWhole('memory', memory ?? '1024', 1, 1 << 20),
      jobs: parseWhole('jobs', jobs ?? '2', 1, 64),
      answerSeconds: answerSeconds(timeout),
    })
  },
}
