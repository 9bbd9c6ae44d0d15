/** sample: the part of a trace that lies in some of the 2 MiB ranges. */

import { say } from '../shell/streams.ts'
import { type FlagTable, readFlags } from '../words/flag-table.ts'
import { parseWhole } from '../words/flags.ts'
import { UsageError } from '../words/usage-error.ts'
import { type Argv, fieldOf, lookThrough, OUTPUT, outputOf } from './input.ts'

export const SAMPLE = {
  ...OUTPUT,
  rate: { kind: 'text', value: 'R', what: 'share of the 2 MiB ranges to keep [0.1]' },
  seed: { kind: 'text', value: 'S', what: 'which ranges are chosen [1]' },
} as const satisfies FlagTable

/** Of a sample, which is held in memory: 1 GiB of page numbers. */
const MOST_WORDS = 2 ** 28
/** Reads the trace twice: what belongs together is known only at its end. */
export async function sample(argv: Argv): Promise<void> {
  const output = await outputOf(argv)
  const flags = readFlags(argv, SAMPLE)
  const rate = Number(flags.rate ?? '0.1')
  if (!(rate > 0 && rate <= 1)) {
    throw new UsageError(`invalid --rate: ${flags.rate}; expected a number over 0, up to 1`)
  }
  const seed = parseWhole('seed', flags.seed ?? '1', 0, Number.MAX_SAFE_INTEGER)
  const { RangeGroups, TraceSampler } = await import('../../trace/sample.ts')
  const { TraceTooLong } = await import('../../trace/trace.ts')
  const { writeTrace } = await import('../../load/trace-file.ts')
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
