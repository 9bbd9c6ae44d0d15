/** trace: foreign recordings into trace files, and facts about traces. */
import type { ImportStatistics } from '../load/import/statistics.ts'
import type { LoadedTrace } from '../load/trace-file.ts'
import type { SystemReuses } from '../trace/recording.ts'
import type { Chunk, Trace } from '../trace/trace.ts'
import type { TraceProblem } from '../trace/validate.ts'
import {
  addFlags,
  type Command,
  type FlagTable,
  type FlagValues,
  readFlags,
  refuseFlags,
} from './flag-table.ts'
import { parseWhole } from './flags.ts'
import { answerSeconds, TIMEOUT_FLAG } from './patience.ts'
import { print, say } from './streams.ts'
import { UsageError } from './usage-error.ts'

const OUTPUT = {
  output: { kind: 'text', alias: 'o', value: 'FILE', what: 'trace file to write, .gz to pack it' },
} as const satisfies FlagTable
const PGREUSE = {
  pgreuse: {
    kind: 'text',
    value: 'N',
    what: 'how much pgreuse of /proc/vmstat grew during the recording',
  },
} as const satisfies FlagTable
const KERNEL_COUNTS = {
  ...PGREUSE,
  others: { kind: 'text', value: 'WHAT', what: 'what else ran meanwhile and was not recorded' },
} as const satisfies FlagTable
const CELL = {
  workload: { kind: 'text', value: 'W', what: 'the trace of this workload, by name or file' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter of the workload' },
  seed: { kind: 'text', value: 'S', what: 'seed of the workload [1]' },
} as const satisfies FlagTable
const INFO = {
  'against-policy': {
    kind: 'text',
    value: 'NAME',
    what: 'where this policy and the recording kernel agree',
  },
  timeout: TIMEOUT_FLAG,
  ...PGREUSE,
  ...CELL,
  json: { kind: 'switch', what: 'as a JSON object' },
} as const satisfies FlagTable

const SAMPLE = {
  ...OUTPUT,
  rate: { kind: 'text', value: 'R', what: 'share of the 2 MiB ranges to keep [0.1]' },
  seed: { kind: 'text', value: 'S', what: 'which ranges are chosen [1]' },
} as const satisfies FlagTable

const FLAGS = {
  import: { ...OUTPUT, ...KERNEL_COUNTS },
  convert: OUTPUT,
  info: INFO,
  validate: {},
  sample: SAMPLE,
} as const satisfies Record<string, FlagTable>

/** Of a sample, which is held in memory: 1 GiB of page numbers. */
const MOST_WORDS = 2 ** 28
/** More problems than this tell nothing new. */
const MOST_PROBLEMS = 20

type Argv = Readonly<Record<string, unknown>>

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
        builder: (y) => y.example('$0 trace validate redis.trace', 'valid, or what is not'),
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

async function load(argv: Argv): Promise<LoadedTrace> {
  const { loadTrace } = await import('../load/trace-file.ts')
  return await loadTrace(String(argv['file']))
}

type Totals = Pick<Trace, 'events' | 'processes'>
/** What a trace comes to, and what its file says of it. */
type Seen = Omit<LoadedTrace, 'trace'> & Totals & { readonly loaded?: LoadedTrace }

/** Hands a trace to `take`, in pieces if it is too long for memory. Returns what its file says of it. */
async function lookThrough(
  argv: Argv,
  take: (chunk: Chunk, totals: Totals) => void,
): Promise<Seen> {
  const { longTrace, streamLong } = await import('../load/long-trace.ts')
  const long = longTrace(String(argv['file']))
  if (long !== undefined) {
    const { header } = long
    await streamLong(long, (chunk) => take(chunk, header))
    return { ...header, statistics: header.statistics as ImportStatistics | undefined }
  }
  const loaded = await load(argv)
  take(loaded.trace, loaded.trace)
  const { events, processes } = loaded.trace
  return { ...loaded, events, processes, loaded }
}

type InfoFlags = FlagValues<typeof INFO>

/** Is a workload's trace asked for, rather than a file? */
function isWorkload(file: unknown, flags: InfoFlags): boolean {
  if (flags.workload === undefined) {
    if (file === undefined) {
      throw new UsageError('missing argument: expected: a trace file or --workload')
    }
    refuseFlags(flags, ['param', 'seed'], 'without --workload')
    return false
  }
  if (file !== undefined) {
    throw new UsageError(`unsupported --workload with ${file}: one trace is looked at`)
  }
  const unfit = ['against-policy', 'pgreuse', 'timeout'] as const
  refuseFlags(flags, unfit, 'with --workload: it is for recordings')
  return true
}

/** Where to write to, which is not what is read. */
async function outputOf(argv: Argv): Promise<string> {
  const { output } = readFlags(argv, OUTPUT)
  if (output === undefined) throw new UsageError('missing --output: expected -o FILE')
  const { isSameFile } = await import('../files/same-file.ts')
  if (isSameFile(String(argv['file']), output)) {
    throw new UsageError(`invalid --output: ${output} is the input; expected another file`)
  }
  return output
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

/** Reads the trace twice: what belongs together is known only at its end. */
async function sample(argv: Argv): Promise<void> {
  const output = await outputOf(argv)
  const flags = readFlags(argv, SAMPLE)
  const rate = Number(flags.rate ?? '0.1')
  if (!(rate > 0 && rate <= 1)) {
    throw new UsageError(`invalid --rate: ${flags.rate}; expected a number over 0, up to 1`)
  }
  const seed = parseWhole('seed', flags.seed ?? '1', 0, Number.MAX_SAFE_INTEGER)
  const { RangeGroups, TraceSampler } = await import('../trace/sample.ts')
  const { TraceTooLong } = await import('../trace/trace.ts')
  const { writeTrace } = await import('../load/trace-file.ts')
  const groups = new RangeGroups()
  const seen = await lookThrough(argv, (chunk) => groups.take(chunk))
  const sampler = new TraceSampler(groups, rate, seed, MOST_WORDS)
  const { loaded } = seen
  try {
    if (loaded !== undefined) sampler.take(loaded.trace, loaded.recording)
    else await lookThrough(argv, (chunk) => sampler.take(chunk))
  } catch (error) {
    if (!(error instanceof TraceTooLong)) throw error
    throw new UsageError(
      `invalid --rate: ${rate} of ${seen.events} events is more than fits; expected less`,
    )
  }
  const { trace, recording, counts } = sampler.finish(seen.processes)
  const { ranges, keptRanges, accesses, keptAccesses } = counts
  if (keptRanges === 0) {
    throw new UsageError(
      `invalid --rate: ${rate} leaves none of ${ranges} ranges; expected more, or another --seed`,
    )
  }
  const origin = {
    source: `${seen.source}, ${rate} of its ranges (seed ${seed})`,
    ...fieldOf('program', seen.program),
  }
  writeTrace(output, trace, origin, loaded?.recording && recording)
  const part = (some: number, all: number): string =>
    `${some} of ${all} (${((100 * some) / all).toFixed(1)} %)`
  say(
    `ranges of 2 MiB: ${part(keptRanges, ranges)}, loads and stores: ${part(keptAccesses, accesses)}, ` +
      `${trace.events} events in ${output}`,
  )
}

async function info(argv: Argv): Promise<void> {
  const flags = readFlags(argv, INFO)
  const { json, timeout, 'against-policy': policy } = flags
  const seconds = answerSeconds(timeout)
  const { TraceDescriber } = await import('../trace/facts.ts')
  const { formatStatistics } = await import('../load/import/statistics.ts')
  const describer = new TraceDescriber()
  const take = (chunk: Chunk): void => describer.take(chunk)
  const seen: Seen = isWorkload(argv['file'], flags)
    ? await (await import('./workload-trace.ts')).workloadTrace(flags, take)
    : await lookThrough(argv, take)
  const { hash, source, program, statistics } = seen
  const { operations, ...facts } = describer.facts(seen)
  const system = systemReuses(argv, seen.system)
  const against =
    policy === undefined
      ? undefined
      : await agreementOf(policy, seconds, seen.loaded ?? (await load(argv)), system)
  if (json) {
    const all = { hash, source, program, ...facts, operations, statistics, system }
    print(JSON.stringify({ ...all, ...fieldOf('against', against?.json) }, null, 2))
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
  if (against !== undefined) print(against.text)
}

async function agreementOf(
  name: string,
  seconds: number,
  { trace, recording, statistics }: LoadedTrace,
  system: SystemReuses | undefined,
): Promise<{ json: object; text: string }> {
  if (recording === undefined) {
    throw new UsageError('unsupported --against-policy: the trace is no recording of a kernel')
  }
  const { choiceName, policyChoice, settingsOf } = await import('./choices.ts')
  const { againstRecording } = await import('../against-recording.ts')
  const { compareReuses, formatAgreement } = await import('./against-policy.ts')
  const { patientSteps } = await import('./patiently.ts')
  const choice = await policyChoice(name)
  const policy = choiceName(choice)
  const settings = settingsOf(choice)
  const place = 'an access of the recording'
  const agreement =
    choice.file === undefined
      ? againstRecording(settings, trace, recording)
      : againstRecording(settings, trace, recording, (step) =>
          patientSteps(policy, seconds, place, step),
        )
  const kernel = system && compareReuses(agreement, system, statistics?.seconds)
  return {
    json: { policy, ...agreement, ...fieldOf('kernel', kernel) },
    text: formatAgreement(policy, agreement, kernel),
  }
}

/** What the flags say about the recording kernel, and else what came with the trace. */
function systemReuses(argv: Argv, known: SystemReuses | undefined): SystemReuses | undefined {
  const flags = readFlags(argv, KERNEL_COUNTS)
  const pgreuse =
    flags.pgreuse === undefined
      ? known?.pgreuse
      : parseWhole('pgreuse', flags.pgreuse, 0, Number.MAX_SAFE_INTEGER)
  if (pgreuse === undefined) {
    if (flags.others === undefined) return undefined
    throw new UsageError('missing --pgreuse: --others says what else is counted in it')
  }
  return {
    pgreuse,
    // Counted beside the number that came with the trace.
    ...(flags.pgreuse === undefined ? fieldOf('byOthers', known?.byOthers) : {}),
    ...fieldOf('others', flags.others ?? known?.others),
  }
}

function fieldOf<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: V }
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
  for (const { event, problem } of problems) print(`event ${event}: ${problem}`)
  if (problems.length > 0) process.exitCode = 2
  else print(`valid: ${events} events`)
}
