/** info: what a trace or a workload consists of, and where a policy and a recording's kernel agree. */
import type { LoadedTrace } from '../../load/trace-file.ts'
import type { SystemReuses } from '../../trace/recording.ts'
import type { Chunk } from '../../trace/trace.ts'
import { print } from '../shell/streams.ts'
import { type FlagTable, type FlagValues, readFlags, refuseFlags } from '../words/flag-table.ts'
import { parseWhole } from '../words/flags.ts'
import { answerSeconds, TIMEOUT_FLAG } from '../words/patience.ts'
import { UsageError } from '../words/usage-error.ts'
import { type Argv, fieldOf, load, lookThrough, type Seen } from './input.ts'

const PGREUSE = {
  pgreuse: {
    kind: 'text',
    value: 'N',
    what: 'how much pgreuse of /proc/vmstat grew during the recording',
  },
} as const satisfies FlagTable
export const KERNEL_COUNTS = {
  ...PGREUSE,
  others: { kind: 'text', value: 'WHAT', what: 'what else ran meanwhile and was not recorded' },
} as const satisfies FlagTable
const CELL = {
  workload: { kind: 'text', value: 'W', what: 'the trace of this workload, by name or file' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter of the workload' },
  seed: { kind: 'text', value: 'S', what: 'seed of the workload [1]' },
} as const satisfies FlagTable
export const INFO = {
  'against-policy': {
    kind: 'text',
    value: 'NAME',
    what: 'where this policy and the recording kernel agree',
  },
  timeout: {
    ...TIMEOUT_FLAG,
    what: `${TIMEOUT_FLAG.what}; the trace of a workload of your own [600]`,
  },
  ...PGREUSE,
  ...CELL,
  json: { kind: 'switch', what: 'as a JSON object' },
} as const satisfies FlagTable

type InfoFlags = FlagValues<typeof INFO>

/** Is a workload's trace asked for, rather than a file? */
function isWorkload(file: unknown, flags: InfoFlags): boolean {
  if (flags.workload === undefined) {
    if (file === undefined) {
      throw new UsageError('missing argument: expected: a trace file or --workload')
    }
    refuseFlags(flags, ['param', 'seed'], 'without --workload')
    if (flags['against-policy'] === undefined) {
      refuseFlags(flags, ['timeout'], 'without --against-policy or --workload')
    }
    return false
  }
  if (file !== undefined) {
    throw new UsageError(`unsupported --workload with ${file}: one trace is looked at`)
  }
  const unfit = ['against-policy', 'pgreuse'] as const
  refuseFlags(flags, unfit, 'with --workload: it is for recordings')
  return true
}

export async function info(argv: Argv): Promise<void> {
  const flags = readFlags(argv, INFO)
  const { json, timeout, 'against-policy': policy } = flags
  const { TraceDescriber } = await import('../../trace/facts.ts')
  const { formatStatistics } = await import('../../load/import/statistics.ts')
  const describer = new TraceDescriber()
  const take = (chunk: Chunk): void => describer.take(chunk)
  const seen: Seen = isWorkload(argv['file'], flags)
    ? await (await import('./workload.ts')).workloadTrace(flags, take)
    : await lookThrough(argv, take)
  const { hash, source, program, statistics } = seen
  const { operations, ...facts } = describer.facts(seen)
  const system = systemReuses(argv, seen.system)
  const against =
    policy === undefined
      ? undefined
      : await agreementOf(policy, answerSeconds(timeout), seen.loaded ?? (await load(argv)), system)
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
  const { choiceName, policyChoice, settingsOf } = await import('../words/choices.ts')
  const { againstRecording } = await import('../../against-recording.ts')
  const { compareReuses, formatAgreement } = await import('./against-policy.ts')
  const { patientSteps } = await import('../own-files/patiently.ts')
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
export function systemReuses(
  argv: Argv,
  known: SystemReuses | undefined,
): SystemReuses | undefined {
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
