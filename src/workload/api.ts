/**
 * The contract between workloads and the rest: how one is declared, what its generator may use, how a trace is built.
 *
 * A workload writes the events of one access pattern, and of nothing else: what a kernel does about them, and which
 * kernel, is not its business. The same workload, parameters and seed give the same trace, byte for byte.
 */
import { type Capability, expectCapabilities } from '../params/capabilities.ts'
import { unknown } from '../params/closest.ts'
import {
  expectName,
  expectParams,
  expectShape,
  onlyDeclared,
  type Shape,
} from '../params/declared.ts'
import { defaults, formatValue, type Params, parseParam, type Values } from '../params/params.ts'
import { Rng } from '../trace/rng.ts'
import { type Chunk, type Trace, TraceWriter } from '../trace/trace.ts'

export type { Capability } from '../params/capabilities.ts'
export { choice, flag, int } from '../params/params.ts'
export * from '../trace/hpage.ts'
export * from '../trace/ops.ts'
export type { Rng, Zipf } from '../trace/rng.ts'
export * from '../trace/settings.ts'
export * from '../trace/steps.ts'
export type { Trace, TraceWriter } from '../trace/trace.ts'
export * from './address-space.ts'
export * from './buffers.ts'
export * from './mappings.ts'
export * from './zipf-rounds.ts'

/** Version of this contract; a workload file made for another one is refused. */
export const WORKLOAD_API = 1

/** A workload as it was declared: what `--workload` names. */
export interface Workload {
  readonly name: string
  /** The WORKLOAD_API that it was written for. */
  readonly api: number
  /** One line for lists. */
  readonly summary: string
  readonly params: Params
  /** Does `run --quick` include it? */
  readonly inQuickRun: boolean
  /** Capabilities of the mechanism that a trace with these parameters needs. */
  needs(values: Values<Params>): readonly Capability[]
  /** About how many events there will be, so that the columns are allocated once; 0 where nobody counted. */
  events(values: Values<Params>): number
  /** Writes the trace of these parameters and this seed. */
  generate(t: TraceWriter, rng: Rng, values: Values<Params>): void
}

/** What defineWorkload() takes. */
export interface WorkloadSpec<S extends Params> {
  /** Lower case letters, digits and hyphens; `--workload` and the rows of results call it so. */
  readonly name: string
  /** One line for lists. */
  readonly summary: string
  /** The WORKLOAD_API that the file was written for. Default: this one. */
  readonly api?: number
  /** By name, each made by int(), choice() or flag(). */
  readonly params: S
  /** Does `run --quick` include it? Default: yes. */
  readonly inQuickRun?: boolean
  /** Capabilities that these parameters call for, as in `[p.order > 0 && 'thp']`. Default: none. */
  readonly needs?: (p: Values<S>) => readonly (Capability | false)[]
  /** About how many events there will be, where that is known beforehand. */
  readonly events?: (p: Values<S>) => number
  /** Writes the trace. By its end every process has exited. `rng` is the workload's own stream. */
  readonly generate: (t: TraceWriter, rng: Rng, p: Values<S>) => void
}

const SPEC: Shape = {
  ...{ name: 'string', summary: 'string', params: 'object', generate: 'function' },
  ...{ 'api?': 'number', 'inQuickRun?': 'boolean', 'needs?': 'function', 'events?': 'function' },
}

/** Declares a workload. Throws RangeError where its declaration, or what its functions return, cannot be right. */
export function defineWorkload<const S extends Params>(spec: WorkloadSpec<S>): Workload {
  expectShape(spec, SPEC)
  const { name, summary, params, needs, events, generate } = spec
  expectName('workload', name)
  expectParams(params)
  return Object.freeze({
    name,
    api: spec.api ?? WORKLOAD_API,
    summary,
    params,
    inQuickRun: spec.inQuickRun ?? true,
    needs: (values) =>
      needs ? capabilities(name, () => needs(onlyDeclared(values as Values<S>))) : [],
    events: (values) => events?.(onlyDeclared(values as Values<S>)) ?? 0,
    generate: (t, rng, values) =>
      expectNothing(name, generate(t, rng, onlyDeclared(values as Values<S>))),
  } satisfies Workload)
}

function capabilities(workload: string, needs: () => readonly (Capability | false)[]) {
  let given: readonly (Capability | false)[]
  try {
    given = needs()
  } catch (error) {
    const why = error instanceof Error ? error.message : error
    throw new RangeError(`invalid needs of workload ${workload}: they throw: ${why}`)
  }
  if (!Array.isArray(given)) {
    throw new RangeError(`invalid needs of workload ${workload}: ${given}; expected an array`)
  }
  const needed = given.filter((need) => need !== false)
  expectCapabilities(`capability that workload ${workload} needs`, needed)
  return needed
}

/** What is written after `generate` has returned is in no trace: it may neither wait nor yield. */
function expectNothing(workload: string, returned: unknown): void {
  if (returned === undefined) return
  const { then, next } = Object(returned)
  if (returned instanceof Promise) returned.catch(() => {}) // It is of no use to anybody.
  const what =
    typeof then === 'function' ? 'a promise' : typeof next === 'function' ? 'a generator' : returned
  throw new RangeError(
    `invalid generate of workload ${workload}: it returned ${what}; expected undefined: it may be neither async nor a generator`,
  )
}

/** Any of a workload's parameters; those that are not given take their defaults. */
export type GivenValues = Readonly<Record<string, number | string | boolean>>

/** All values of `workload`'s parameters. Throws RangeError for an unknown parameter or a value out of range. */
export function completeValues(workload: Workload, given: GivenValues): Values<Params> {
  for (const [id, value] of Object.entries(given)) checkValue(id, value, workload.params)
  return { ...defaults(workload.params), ...given }
}

/**
 * The trace of `workload` with these parameters and this seed (a whole number from 0 to 2^53 - 1); `shared` puts it where
 * worker threads can read it. Throws TraceTooLong if a column would take more than `most` words of four bytes, RangeError
 * for a parameter or seed that cannot be, and what the workload throws itself.
 */
export function buildTrace(
  workload: Workload,
  given: GivenValues,
  seed: number,
  shared = false,
  most = Number.POSITIVE_INFINITY,
): Trace {
  const values = completeValues(workload, given)
  const writer = new TraceWriter(workload.events(values), { most })
  workload.generate(writer, new Rng(seed, workload.name), values)
  return writer.finish(shared)
}

/**
 * Hands the chunks of that trace to `take`, each good until it returns, so that a trace of any length takes the memory
 * of one chunk. Returns what it comes to. Throws as buildTrace() does.
 */
export function streamTrace(
  workload: Workload,
  given: GivenValues,
  seed: number,
  take: (chunk: Chunk) => void,
): Pick<Trace, 'events' | 'processes'> {
  const writer = new TraceWriter(0, { handOut: take })
  workload.generate(writer, new Rng(seed, workload.name), completeValues(workload, given))
  const { events, processes } = writer.finish()
  return { events, processes }
}

function checkValue(id: string, value: number | string | boolean, params: Params): void {
  const param = Object.hasOwn(params, id) ? params[id] : undefined
  if (!param) throw new RangeError(unknown('parameter', id, Object.keys(params)))
  const text = formatValue(value)
  // `yes` for a flag, or 10 given as a string, would pass the parser.
  if (parseParam(id, param, text) !== value)
    throw new RangeError(`invalid ${id}: ${text}; expected a ${typeof param.default}`)
}
