/** own-trace: what is wrong with the trace of a workload of one's own, and which line of its file wrote that. */
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Capability } from '../params/capabilities.ts'
import { OP_LABELS, OP_LOAD, OP_STORE } from '../trace/ops.ts'
import { Rng } from '../trace/rng.ts'
import { type Chunk, SEGMENT, TraceTooLong, TraceWriter } from '../trace/trace.ts'
import { notExited, TraceValidator } from '../trace/validate.ts'
import { completeValues, type GivenValues, type Workload } from '../workload/api.ts'
import { neededBy } from '../workload/needed.ts'
import { firstLine } from './module.ts'
import { within } from './within.ts'

export interface OwnTrace {
  readonly workload: Workload
  readonly values: GivenValues
  readonly seed: number
  /** The workload's file. */
  readonly path: string
}

/** An event that cannot be. */
class InvalidTrace extends Error {}

/** Looks through the pieces of such a trace as they are made. */
export class OwnTraceCheck {
  readonly #own: OwnTrace
  readonly #needs: ReadonlySet<Capability>
  readonly #validator = new TraceValidator()

  constructor(own: OwnTrace) {
    const { workload, values } = own
    this.#own = own
    this.#needs = new Set(workload.needs(completeValues(workload, values)))
  }

  take(chunk: Chunk): void {
    const start = this.#validator.events
    const [first] = this.#validator.take(chunk, 1)
    if (first !== undefined) {
      this.#refuse(first.event, `invalid trace: event ${first.event}: ${first.problem}`)
    }
    this.#expectNeeds(chunk, start)
  }

  /** Who lacks what is needed must be skipped. */
  #expectNeeds({ segments, args }: Chunk, start: number): void {
    let event = start
    for (let s = 0; s < segments.length; s += SEGMENT) {
      const [op = -1, , lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
      if (op === OP_LOAD || op === OP_STORE) {
        event += hi - lo
        continue
      }
      const need = neededBy(op, args.subarray(lo, hi), this.#needs)
      if (need !== undefined) {
        const why = `without ${need}, which event ${event} (${OP_LABELS[op]}) needs`
        this.#refuse(event, `invalid needs of workload ${this.#own.workload.name}: ${why}`)
      }
      event++
    }
  }

  #refuse(event: number, problem: string): never {
    throw new InvalidTrace(`${problem}${placeOf(this.#own.path, writing(this.#own, event))}`)
  }

  end(): void {
    if (this.#validator.alive !== undefined) throw notExited(this.#validator.alive)
  }
}

/** The trace that `make` makes of it; what its `generate` throws is told with the line. */
export function madeBy<T>({ path }: OwnTrace, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof TraceTooLong || error instanceof InvalidTrace) throw error
    const place = placeOf(path, error)
    // It was not thrown there: what `generate` returned is refused.
    if (place === '' && error instanceof Error) throw error
    throw new Error(`invalid trace: generate threw: ${firstLine(error)}${place}`)
  }
}

/** For the trace to come to that event again. */
const SECONDS = 60

/** What is thrown while that event is written: the trace is made once more, up to there. */
function writing({ workload, values, seed }: OwnTrace, event: number): unknown {
  const writer = new TraceWriter(0, { handOut: () => {} })
  const watched = new Proxy(writer, {
    get(_, name) {
      const operation: unknown = Reflect.get(writer, name, writer)
      if (typeof operation !== 'function') return operation
      return (...operands: unknown[]) => {
        const result: unknown = operation.apply(writer, operands)
        if (writer.events > event) throw new Error('here')
        return result
      }
    },
  })
  const rng = new Rng(seed, workload.name)
  const generate = (): void => workload.generate(watched, rng, completeValues(workload, values))
  try {
    return within(SECONDS, 'trace', generate)
  } catch (error) {
    return error
  }
}

/** `; at FILE:LINE` of the innermost call that stands in that file. Columns are not those of the file where jiti ran it. */
function placeOf(path: string, error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const names = [path, pathToFileURL(path).href]
  for (const frame of stack.split('\n').filter((each) => /^ +at /.test(each))) {
    const name = names.find((each) => frame.includes(each))
    if (name === undefined) continue
    const [, line] = /^(?:\?\w+)?:(\d+)/.exec(frame.split(name)[1] ?? '') ?? []
    if (line !== undefined) return `; at ${basename(path)}:${line}`
  }
  return ''
}
