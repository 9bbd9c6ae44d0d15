/** traces: the traces of a run in shared memory, each made once and dropped after its last cell. */
import { LONG } from '../../load/long-trace.ts'
import { madeBy, OwnTraceCheck } from '../../load/own-trace.ts'
import { traceHash } from '../../load/trace-hash.ts'
import { within } from '../../load/within.ts'
import type { TraceChoice } from '../../plan.ts'
import type { Produced, Source } from '../../stream/produce.ts'
import { type Trace, TraceTooLong } from '../../trace/trace.ts'
import { buildTrace, type Workload } from '../../workload/api.ts'
import type { TraceOrigin } from './inputs.ts'
import type { TraceSource } from './pool-options.ts'

export class Traces implements TraceSource {
  readonly #origins: ReadonlyMap<unknown, TraceOrigin>
  readonly #held = new Map<TraceChoice, Trace>()
  readonly #facts = new Map<TraceChoice, Produced>()
  readonly #failed = new Map<TraceChoice, Error>()
  readonly #long: number
  readonly #seconds: number

  /**
   * `origins` says for each workload where its events come from; traces of more than `long` are not held; a workload of
   * one's own may take `seconds` to make one.
   */
  constructor(origins: ReadonlyMap<unknown, TraceOrigin>, long = LONG, seconds = 600) {
    this.#origins = origins
    this.#long = long
    this.#seconds = seconds
  }

  source(choice: TraceChoice): Source | undefined {
    const { workload, values, seed } = choice
    const origin = this.#origin(workload)
    if ('file' in origin) return { file: origin.file }
    if ('trace' in origin) return undefined
    const found = this.#failed.get(choice) instanceof TraceTooLong
    if (!found && origin.workload.events(values) <= this.#long) return undefined
    const { file } = workload
    return { workload: file?.path ?? workload.name, hash: file?.hash, values, seed }
  }

  get(choice: TraceChoice): Trace {
    const held = this.#held.get(choice)
    if (held !== undefined) return held
    const failed = this.#failed.get(choice)
    if (failed !== undefined) throw failed
    try {
      const trace = this.#make(choice)
      this.#held.set(choice, trace)
      return trace
    } catch (error) {
      this.#failed.set(choice, error as Error)
      throw error
    }
  }

  /** As many as the workload says, or as its other traces had; if nobody knows, the trace is made to find out. */
  events(choice: TraceChoice): number {
    const { workload, values } = choice
    const origin = this.#origin(workload)
    if ('file' in origin) return origin.file.header.events
    if ('trace' in origin) return origin.trace.events
    const known = this.#facts.get(choice)?.events ?? origin.workload.events(values)
    if (known > 0) return known
    const others = [...this.#facts].filter(([other]) => other.workload === workload)
    if (others.length > 0) return Math.max(...others.map(([, facts]) => facts.events))
    try {
      return this.get(choice).events
    } catch {
      return 0 // Too long, or its cells will say why.
    }
  }

  learn(choice: TraceChoice, { hash, events }: Produced): void {
    this.#facts.set(choice, { hash, events })
  }

  drop(choice: TraceChoice): void {
    this.#held.delete(choice)
  }

  /** What a trace was, also after it was dropped; nothing if it could not be made. */
  facts(choice: TraceChoice): Produced {
    return this.#facts.get(choice) ?? { hash: '', events: 0 }
  }

  #make(choice: TraceChoice): Trace {
    const origin = this.#origin(choice.workload)
    if ('file' in origin) throw new TraceTooLong(origin.file.path)
    const trace = 'trace' in origin ? shared(origin.trace) : this.#build(origin.workload, choice)
    const hash = 'trace' in origin ? origin.hash : traceHash(trace)
    this.#facts.set(choice, { hash, events: trace.events })
    return trace
  }

  #build(workload: Workload, { workload: { file }, values, seed }: TraceChoice): Trace {
    const build = (): Trace => buildTrace(workload, values, seed, true, this.#long)
    if (file === undefined) return build()
    const own = { workload, values, seed, path: file.path }
    const trace = within(this.#seconds, 'trace', () => madeBy(own, build))
    // It may write events that cannot be.
    const check = new OwnTraceCheck(own)
    check.take(trace)
    check.end()
    return trace
  }

  #origin(workload: unknown): TraceOrigin {
    const origin = this.#origins.get(workload)
    if (origin === undefined) throw new Error('a workload that nobody loaded')
    return origin
  }
}

function shared(trace: Trace): Trace {
  return { ...trace, segments: sharedColumn(trace.segments), args: sharedColumn(trace.args) }
}

function sharedColumn(column: Int32Array): Int32Array {
  if (column.buffer instanceof SharedArrayBuffer) return column
  const copy = new Int32Array(new SharedArrayBuffer(column.byteLength))
  copy.set(column)
  return copy
}
