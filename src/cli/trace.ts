/** trace: foreign recordings into trace files, and facts about traces. */
import type { LoadedTrace } from '../load/trace-file.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './flag-table.ts'
import { print, say } from './streams.ts'
import { UsageError } from './usage-error.ts'

const OUTPUT = {
  output: { kind: 'text', alias: 'o', value: 'FILE', what: 'trace file to write, .gz to pack it' },
} as const satisfies FlagTable
const JSON_FLAG = {
  json: { kind: 'switch', what: 'as a JSON object' },
} as const satisfies FlagTable

type Argv = Readonly<Record<string, unknown>>

export const traceCommand: Command = {
  flags: { ...OUTPUT, ...JSON_FLAG },
  subcommands: ['import', 'convert', 'info', 'validate'],
  command: 'trace',
  describe: 'import recordings; inspect, check and convert trace files',
  builder: (yargs) =>
    yargs
      .command({
        command: 'import <file>',
        describe: 'perf script text (plain, .gz) into a trace file',
        builder: (y) => addFlags(y, OUTPUT),
        handler: (argv) => convert(argv, true),
      })
      .command({
        command: 'convert <file>',
        describe: 'any trace into a trace file',
        builder: (y) => addFlags(y, OUTPUT),
        handler: (argv) => convert(argv, false),
      })
      .command({
        command: 'info <file>',
        describe: 'what a trace consists of, and what its import left out',
        builder: (y) => addFlags(y, JSON_FLAG),
        handler: info,
      })
      .command({
        command: 'validate <file>',
        describe: 'look for events that cannot be',
        handler: validate,
      })
      .demandCommand(1, 'missing command')
      .example('$0 trace import redis.perf.txt.gz -o redis.trace', '')
      .example('$0 trace info redis.trace', ''),
  handler: () => {},
}

async function load(argv: Argv): Promise<LoadedTrace> {
  const { loadTrace } = await import('../load/trace-file.ts')
  return await loadTrace(String(argv['file']))
}

async function convert(argv: Argv, foreign: boolean): Promise<void> {
  const { output } = readFlags(argv, OUTPUT)
  if (output === undefined) throw new UsageError('missing --output: expected -o FILE')
  const { trace, source, program, statistics, recording } = await load(argv)
  const { writeTrace } = await import('../load/trace-file.ts')
  const { formatStatistics } = await import('../load/import/statistics.ts')
  const origin = {
    source,
    ...(program === undefined ? {} : { program }),
    ...(statistics === undefined ? {} : { statistics: { ...statistics } }),
  }
  writeTrace(output, trace, origin, recording)
  if (foreign && statistics !== undefined) print(formatStatistics(statistics))
  say(`${trace.events} events, ${trace.processes} processes in ${output}`)
}

async function info(argv: Argv): Promise<void> {
  const { json } = readFlags(argv, JSON_FLAG)
  const { trace, hash, source, program, statistics } = await load(argv)
  const { describeTrace } = await import('../trace/facts.ts')
  const { formatStatistics } = await import('../load/import/statistics.ts')
  const { operations, ...facts } = describeTrace(trace)
  if (json) {
    print(JSON.stringify({ hash, source, program, ...facts, operations, statistics }, null, 2))
    return
  }
  const lines = {
    hash,
    source,
    ...(program === undefined ? {} : { program }),
    ...facts,
    ...operations,
  }
  for (const [name, value] of Object.entries(lines)) print(`${name}: ${value}`)
  if (statistics !== undefined) print(formatStatistics(statistics))
}

/** Exit code 2 if there are problems: the trace is not fit to be run. */
async function validate(argv: Argv): Promise<void> {
  const { trace } = await load(argv)
  const { validateTrace } = await import('../trace/validate.ts')
  const problems = validateTrace(trace)
  for (const { event, problem } of problems) print(`event ${event}: ${problem}`)
  if (problems.length > 0) process.exitCode = 2
  else print(`valid: ${trace.events} events`)
}
