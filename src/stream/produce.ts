/** produce: puts a trace into a ring, as it is generated or read from its file. */
import { type LongTrace, streamLong } from '../load/long-trace.ts'
import { madeBy, OwnTraceCheck } from '../load/own-trace.ts'
import { TraceHash } from '../load/trace-hash.ts'
import { within } from '../load/within.ts'
import { loadWorkload } from '../load/workloads.ts'
import type { ParamValue } from '../params/params.ts'
import type { Chunk, Trace } from '../trace/trace.ts'
import { streamTrace } from '../workload/api.ts'
import type { Ring } from './ring.ts'

/** Where a trace comes from that is never there as a whole. */
export type Source = { readonly file: LongTrace } | Generated

export interface Generated {
  /** Name or absolute path. */
  readonly workload: string
  /** Of a workload's file when the run began. */
  readonly hash?: string | undefined
  readonly values: Readonly<Record<string, ParamValue>>
  readonly seed: number
}

export interface Produced {
  readonly hash: string
  readonly events: number
}

/** What the trace of a workload came to. */
export interface Made extends Produced {
  readonly processes: number
}

/** Writes the whole trace and ends the ring, or breaks it and throws what is wrong with the trace. */
export async function produce(source: Source, ring: Ring): Promise<Produced> {
  try {
    const produced = await put(source, ring)
    ring.end()
    return produced
  } catch (error) {
    ring.break()
    throw error
  }
}

async function put(source: Source, ring: Ring): Promise<Produced> {
  const write = (chunk: Chunk): void => ring.write(chunk)
  if (!('file' in source)) {
    const { hash, events } = await generate(source, write)
    return { hash, events }
  }
  await streamLong(source.file, write)
  const { hash, events } = source.file.header
  return { hash, events }
}

/**
 * Hands the chunks of a workload's trace to `take`, and says what it came to. With `seconds` a workload of one's own that
 * takes longer ends with TooLong.
 */
export async function generate(
  { workload, hash: expected, values, seed }: Generated,
  take: (chunk: Chunk) => void,
  seconds?: number,
): Promise<Made> {
  const { definition, file } = await loadWorkload(workload, { hash: expected })
  const hash = new TraceHash()
  // A workload that did not come with the program may write events that cannot be.
  const own = file && { workload: definition, values, seed, path: file.path }
  const check = own && new OwnTraceCheck(own)
  const made = (): Pick<Trace, 'events' | 'processes'> =>
    streamTrace(definition, values, seed, (chunk) => {
      check?.take(chunk)
      hash.add(chunk)
      take(chunk)
    })
  const make = own ? () => madeBy(own, made) : made
  const totals = own && seconds !== undefined ? within(seconds, 'trace', make) : make()
  check?.end()
  return { hash: hash.digest(), ...totals }
}
