/** record: runs a program under perf with the events that a trace needs, and imports what was seen. */
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'
import { parseWhole } from './words/flags.ts'

const FLAGS = {
  output: { kind: 'text', alias: 'o', value: 'FILE', what: 'trace to write [PROGRAM.trace.gz]' },
  text: { kind: 'text', value: 'FILE', what: "keep perf's text as well, .gz to pack it" },
  pid: { kind: 'text', value: 'PID', what: 'record this process, and what it forks from now on' },
  seconds: { kind: 'text', value: 'N', what: 'of --pid: stop after N seconds [when it ends]' },
  outcomes: {
    kind: 'switch',
    what: 'also tell which faults copied, and whose reuses were counted',
  },
  strip: { kind: 'switch', what: 'no names of programs and files, no addresses as they were' },
  overhead: { kind: 'switch', what: 'run CMD once more without perf, to know what perf costs' },
} as const satisfies FlagTable

/** A day. */
const MOST_SECONDS = 86_400

export const recordCommand: Command = {
  flags: FLAGS,
  runsAnother: true,
  command: 'record [cmd..]',
  describe: 'record a program with perf, and import it',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('cmd', { type: 'string', array: true, describe: 'the command, after --' })
      .example('$0 record -o redis.trace.gz -- redis-server --port 7000', '')
      .example('$0 record --pid 1234 --seconds 10 --strip -o worker.trace.gz', '')
      .epilogue('Needs Linux, root and perf. Exit code 5: something needed is missing.'),
  handler: async (argv) => {
    const flags = readFlags(argv, FLAGS)
    const { runRecord } = await import('./record/to-trace.ts')
    process.exitCode = await runRecord({
      // What comes after -- is left where the command's own name is.
      command: [...wordsOf(argv['cmd']), ...wordsOf(argv['_']).slice(1)],
      output: flags.output,
      text: flags.text,
      pid: numberIn('pid', flags.pid, 2 ** 22),
      seconds: numberIn('seconds', flags.seconds, MOST_SECONDS),
      outcomes: flags.outcomes ?? false,
      strip: flags.strip ?? false,
      overhead: flags.overhead ?? false,
    })
  },
}

function wordsOf(words: unknown): string[] {
  return Array.isArray(words) ? words.map(String) : []
}

function numberIn(flag: string, text: string | undefined, most: number): number | undefined {
  return text === undefined ? undefined : parseWhole(flag, text, 1, most)
}
