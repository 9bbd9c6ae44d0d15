/** produce: puts a trace into a ring, as it is generated or read from its file. */
import { type LongTrace, streamLong } from '../load/long-trace.ts'
import { TraceHash } from '../load/trace-hash.ts'
import { loadWorkload } from '../load/workloads.ts'
import type { ParamValue } from '../params/params.ts'
import type { Chunk } from '../trace/trace.ts'
import { notExited, TraceValidator } from '../trace/validate.ts'
import { streamTrace } from '../workload/api.ts'
import type { Ring } from './ring.ts'

/** Where a trace comes from that is never there as a whole. */
export type Source =
  | { readonly file: LongTrace }
  | {
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

/** Writes the whole trace and ends the ring, or breaks it and throws what is wrong with the trace. */
export async function produce(source: Source, ring: Ring): Promise<Produced> {
  try {
    const produced = 'file' in source ? await read(source.file, ring) : await generate(source, ring)
    ring.end()
    return produced
  } catch (error) {
    ring.break()
    throw error
  }
}

async function read(file: LongTrace, ring: Ring): Promise<Produced> {
  await streamLong(file, (chunk) => ring.write(chunk))
  const { hash, events } = file.header
  return { hash, events }
}

async function generate(
  { workload, hash: expected, values, seed }: Exclude<Source, { file: LongTrace }>,
  ring: Ring,
): Promise<Produced> {
  const { definition, file } = await loadWorkload(workload, { hash: expected })
  const hash = new TraceHash()
  // A workload that did not come with the program may write events that cannot be.
  const validator = file === undefined ? undefined : new TraceValidator()
  const events = streamTrace(definition, values, seed, (chunk: Chunk) => {
    const [first] = validator?.take(chunk, 1) ?? []
    if (first) throw new Error(`invalid trace: event ${first.event}: ${first.problem}`)
    hash.add(chunk)
    ring.write(chunk)
  })
  if (validator?.alive !== undefined) throw notExited(validator.alive)
  return { hash: hash.digest(), events }
}
