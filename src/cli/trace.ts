/** trace: foreign recordings into trace files, and facts about traces. */
import type { TraceProblem } from '../trace/validate.ts'
import { print, say } from './shell/streams.ts'
import { INFO, info, KERNEL_COUNTS, systemReuses } from './trace/info.ts'
import { type Argv, fieldOf, load, lookThrough, OUTPUT, outputOf } from './trace/input.ts'
import { SAMPLE, sample } from './trace/sample.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'

const VALIDATE = {
  json: { kind: 'switch', what: 'as a JSON object' },
} as const satisfies FlagTable

const FLAGS = {
  import: { ...OUTPUT, ...KERNEL_COUNTS },
  convert: OUTPUT,
  info: INFO,
  validate: VALIDATE,
  sample: SAMPLE,
} as const satisfies Record<string, FlagTable>

/** More problems than this tell nothing new. */
const MOST_PROBLEMS = 20

export const traceCommand: Command = {
  flags: { ...OUTPUT, ...KERNEL_COUNTS, ...INFO, ...SAMPLE },
  subcommands: Object.keys(FLAGS),
  flagsOf: FLAGS,
  command: 'trace',
  describe: 'import recordings; inspect, check, convert and sample trace files',
  builder: (yargs) =>
    yargs
      .command({
        command: 'import <file>',
        describe: 'perf script text (plain, .gz) or perf.data into a trace file',
        builder: (y) =>
          addFlags(y, FLAGS.import).example(
            '$0 trace import redis.perf.txt.gz -o redis.trace',
            'what run --trace reads',
          ),
        handler: (argv) => convert(argv, true),
      })
      .command({
        command: 'convert <file>',
        describe: 'any trace into a trace file',
        builder: (y) =>
          addFlags(y, FLAGS.convert).example(
            '$0 trace convert redis.trace -o redis.trace.gz',
            'packed',
          ),
        handler: (argv) => convert(argv, false),
      })
      .command({
        command: 'info [file]',
        describe: 'what a trace or a workload consists of, and what an import left out',
        builder: (y) =>
          addFlags(y, FLAGS.info)
            .example('$0 trace info redis.trace', 'events, processes, faults')
            .example('$0 trace info redis.trace --against-policy mm-id', 'is the model right?')
            .example('$0 trace info --workload ./my-load.ts', 'what it came to'),
        handler: info,
      })
      .command({
        command: 'validate <file>',
        describe: 'look for events that cannot be',
        builder: (y) =>
          addFlags(y, FLAGS.validate)
            .example('$0 trace validate redis.trace', 'valid, or what is not')
            .example('$0 trace validate redis.trace --json', 'for a program to read'),
        handler: validate,
      })
      .command({
        command: 'sample <file>',
        describe: 'a trace of some of the memory, for one that is too long',
        builder: (y) =>
          addFlags(y, FLAGS.sample).example(
            '$0 trace sample long.trace -o tenth.trace --rate 0.1',
            'counts of pages are a tenth',
          ),
        handler: sample,
      })
      .demandCommand(1, 'missing command')
      .example('$0 trace import redis.perf.txt.gz -o redis.trace', '')
      .example('$0 trace info redis.trace', '')
      .example('$0 trace info redis.trace --against-policy mm-id', 'is the model right?'),
  handler: () => {},
}

async function convert(argv: Argv, foreign: boolean): Promise<void> {
  const output = await outputOf(argv)
  const { trace, source, program, statistics, recording, system } = await load(argv)
  const { writeTrace } = await import('../load/trace-file.ts')
  const { formatStatistics } = await import('../load/import/statistics.ts')
  const origin = {
    source,
    ...(program === undefined ? {} : { program }),
    ...(statistics === undefined ? {} : { statistics: { ...statistics } }),
    ...fieldOf('system', systemReuses(argv, system)),
  }
  writeTrace(output, trace, origin, recording)
  if (foreign && statistics !== undefined) print(formatStatistics(statistics))
  say(`${trace.events} events, ${trace.processes} processes in ${output}`)
}

/** Exit code 2 if there are problems: the trace is not fit to be run. */
async function validate(argv: Argv): Promise<void> {
  const { TraceValidator } = await import('../trace/validate.ts')
  let validator: InstanceType<typeof TraceValidator> | undefined
  const problems: TraceProblem[] = []
  const { events } = await lookThrough(argv, (chunk, { processes }) => {
    validator ??= new TraceValidator(processes)
    problems.push(...validator.take(chunk, MOST_PROBLEMS - problems.length))
  })
  problems.push(...(validator?.end(events, MOST_PROBLEMS - problems.length) ?? []))
  const valid = problems.length === 0
  if (!valid) process.exitCode = 2
  if (readFlags(argv, VALIDATE).json) {
    print(JSON.stringify({ valid, events, problems }, null, 2))
    return
  }
  for (const { event, problem } of problems) print(`event ${event}: ${problem}`)
  if (valid) print(`valid: ${events} events`)
}
