/**
 * Plan: policies x workloads x parameter grid x seeds, spelled out as cells in an order that never changes.
 *
 * A cell is everything that decides one row, and its key is a hash of exactly that. A parameter belongs to whoever
 * declares it: a sweep over a workload's parameter leaves the other workloads alone. Those of the machine
 * (src/sim/noise.ts) are everybody's, and stand in a row only if the plan names one of them.
 */
import { createHash } from 'node:crypto'
import type { CostProfile } from './metrics/cost.ts'
import type { CellName } from './metrics/row.ts'
import { unknown } from './params/closest.ts'
import {
  defaults,
  formatValue,
  formatValues,
  type Params,
  type ParamValue,
  parseParam,
} from './params/params.ts'
import type { PolicyDefinition } from './policy/api.ts'
import { NOISE_PARAMS, type NoiseValues } from './sim/noise.ts'

export type Settings = Readonly<Record<string, ParamValue>>

export interface PolicyChoice {
  readonly definition: PolicyDefinition
  /** The file that a policy of one's own comes from, and a hash of its text. */
  readonly file?: { readonly path: string; readonly hash: string }
  /** Parameters that were chosen with it: they make it a variant of the policy. */
  readonly params?: Settings
  /** A kernel that this policy stands for: the era of its mechanism, and the parameters that it fixes. */
  readonly kernel?: { readonly name: string; readonly era: string; readonly params: Settings }
}

export interface WorkloadChoice {
  readonly name: string
  readonly params: Params
  /** Capabilities of the mechanism that its events need with these parameters. */
  readonly needs: (values: Settings) => readonly string[]
  /** The file of a workload of one's own, or of a recorded trace, and a hash of what is in it. */
  readonly file?: { readonly path: string; readonly hash: string }
}

/** What one trace is made from. Cells that share a trace share this object. */
export interface TraceChoice {
  readonly workload: WorkloadChoice
  readonly values: Settings
  readonly seed: number
}

export interface Cell {
  /** The same for two cells exactly if their rows must be the same. */
  readonly key: string
  readonly policy: PolicyChoice
  readonly policyValues: Settings
  readonly trace: TraceChoice
  /** What holds pages beside the trace, where the plan says anything of it. */
  readonly noise?: NoiseValues
  readonly name: CellName
}

export interface Skipped {
  readonly policy: string
  readonly workload: string
  readonly params: string
  readonly reason: string
}

export interface PlanInput {
  readonly policies: readonly PolicyChoice[]
  readonly workloads: readonly WorkloadChoice[]
  /** Parameters as the command line gives them, by name. */
  readonly params: ReadonlyMap<string, string>
  readonly sweeps: ReadonlyMap<string, readonly string[]>
  readonly seeds: readonly number[]
  readonly conditions: Conditions
}

/** What else decides a row. */
export interface Conditions {
  readonly cost: CostProfile
  readonly oracle: 'epoch' | 'eager'
  readonly check: boolean
  /** Hash of the program itself. */
  readonly code: string
}

export interface Plan {
  readonly cells: readonly Cell[]
  readonly skipped: readonly Skipped[]
}

/** Stands among the parameters of a row whose policy was chosen by its kernel. */
const KERNEL = 'kernel'

/** Owner of the parameters that every cell has. */
const MACHINE: { readonly params: Params } = { params: NOISE_PARAMS }

/** More than this is a typing mistake in a sweep. */
const MOST_CELLS = 1_000_000

/**
 * The cells of a plan, policies outermost, seeds innermost. `missing` says what a policy lacks that is needed. Throws
 * RangeError for a parameter that nobody has or that is out of range, and for parameters that contradict each other.
 */
export function expand(
  input: PlanInput,
  missing: (policy: PolicyChoice, needs: readonly string[]) => string | undefined,
): Plan {
  checkNames(input)
  checkSize(input)
  const traces = new Map<string, TraceChoice>()
  const cells: Cell[] = []
  const skipped: Skipped[] = []
  for (const policy of input.policies) {
    for (const workload of input.workloads) {
      for (const texts of grid(input, policy, workload)) {
        const policyValues = policySettings(policy, texts)
        const values = settings(workload.params, texts)
        const noise = noiseValues(texts)
        const params = paramsColumn(policy, policyValues, workload, { ...values, ...noise })
        const reason = missing(policy, workload.needs(values))
        if (reason !== undefined) {
          skipped.push({ policy: policy.definition.name, workload: workload.name, params, reason })
          continue
        }
        for (const seed of input.seeds) {
          const trace = shared(traces, { workload, values, seed })
          const name = { policy: policy.definition.name, workload: workload.name, params, seed }
          const key = cellKey(policy, policyValues, trace, noise, input.conditions)
          cells.push({ key, policy, policyValues, trace, ...(noise && { noise }), name })
        }
      }
    }
  }
  return { cells, skipped }
}

/** Shard `i` of `n`, from 1: every n-th cell, so that each shard gets some of every policy and workload. */
export function shardOf(cells: readonly Cell[], i: number, n: number): Cell[] {
  return cells.filter((_, index) => index % n === i - 1)
}

/** How a policy is called where its kernel matters. */
export function policyLabel(policy: PolicyChoice): string {
  const name = variantName(policy.definition.name, policy.params)
  return policy.kernel === undefined ? name : `${name} (kernel ${policy.kernel.name})`
}

function checkNames(input: PlanInput): void {
  const declarers = [...input.policies.map((p) => p.definition), ...input.workloads]
  for (const { name, params } of declarers) {
    if (Object.hasOwn(params, KERNEL)) {
      throw new RangeError(`invalid parameter of ${name}: ${KERNEL}; rows name the kernel so`)
    }
    const taken = Object.keys(params).find((param) => Object.hasOwn(NOISE_PARAMS, param))
    if (taken !== undefined) {
      throw new RangeError(`invalid parameter of ${name}: ${taken}; the machine has one`)
    }
  }
  const owners = [...declarers, MACHINE]
  const known = [...new Set(owners.flatMap((owner) => Object.keys(owner.params)))].sort()
  const given = [
    ...[...input.params].map(([name, text]) => [name, [text]] as const),
    ...input.sweeps,
  ]
  for (const [name, texts] of given) {
    if (!known.includes(name)) throw new RangeError(unknown('parameter', name, known))
    for (const { params } of owners.filter((owner) => Object.hasOwn(owner.params, name))) {
      for (const text of texts) parseParam(name, params[name]!, text)
    }
    for (const policy of input.policies) refuseFixed(policy, name)
  }
  for (const [name, texts] of input.sweeps) {
    if (input.params.has(name)) {
      throw new RangeError(`invalid sweep: ${name}; it is already set to ${input.params.get(name)}`)
    }
    if (new Set(texts).size < texts.length) {
      throw new RangeError(`invalid sweep: ${name}=${texts.join(',')}; expected each value once`)
    }
  }
}

/** Throws where the policy was chosen with a value of its own for this parameter. */
export function refuseFixed({ definition, params, kernel }: PolicyChoice, name: string): void {
  for (const [who, fixed] of [
    [`kernel ${kernel?.name}`, kernel?.params],
    [variantName(definition.name, params), params],
  ] as const) {
    if (fixed === undefined || !Object.hasOwn(fixed, name)) continue
    const value = formatValue(fixed[name]!)
    throw new RangeError(`invalid parameter: ${name}; ${who} fixes it at ${value}`)
  }
}

/** A policy with parameters, as it is typed: `page-count:reclaimPin=no`. */
export function variantName(policy: string, params: Settings = {}): string {
  const settings = Object.entries(params).map(([name, value]) => `:${name}=${formatValue(value)}`)
  return [policy, ...settings].join('')
}

/** Before any of them is made: a product of sweeps does not fit into memory. */
function checkSize(input: PlanInput): void {
  let cells = 0
  for (const policy of input.policies) {
    for (const workload of input.workloads) {
      let points = input.seeds.length
      for (const [name, values] of input.sweeps) {
        if (declares(policy, workload, name)) points *= values.length
      }
      cells += points
    }
  }
  if (cells > MOST_CELLS) {
    throw new RangeError(`invalid plan: ${cells} cells; expected at most ${MOST_CELLS}`)
  }
}

/** Has this pair a parameter of that name? */
function declares(policy: PolicyChoice, workload: WorkloadChoice, name: string): boolean {
  const owners = [policy.definition, workload, MACHINE]
  return owners.some(({ params }) => Object.hasOwn(params, name))
}

/** Every combination of the swept parameters that this pair has, the first sweep slowest, with the fixed ones. */
function grid(
  input: PlanInput,
  policy: PolicyChoice,
  workload: WorkloadChoice,
): Map<string, string>[] {
  const has = (name: string): boolean => declares(policy, workload, name)
  let points = [new Map([...input.params].filter(([name]) => has(name)))]
  for (const [name, values] of input.sweeps) {
    if (has(name))
      points = points.flatMap((point) => values.map((v) => new Map(point).set(name, v)))
  }
  return points
}

function settings(params: Params, texts: ReadonlyMap<string, string>): Settings {
  const given = [...texts].filter(([name]) => Object.hasOwn(params, name))
  return {
    ...defaults(params),
    ...Object.fromEntries(
      given.map(([name, text]) => [name, parseParam(name, params[name]!, text)]),
    ),
  }
}

function noiseValues(texts: ReadonlyMap<string, string>): NoiseValues | undefined {
  const given = Object.keys(NOISE_PARAMS).some((name) => texts.has(name))
  return given ? (settings(NOISE_PARAMS, texts) as NoiseValues) : undefined
}

function policySettings(policy: PolicyChoice, texts: ReadonlyMap<string, string>): Settings {
  return {
    ...settings(policy.definition.params, texts),
    ...policy.params,
    ...policy.kernel?.params,
  }
}

function paramsColumn(
  policy: PolicyChoice,
  policyValues: Settings,
  workload: WorkloadChoice,
  values: Settings,
): string {
  const kernel = policy.kernel === undefined ? {} : { [KERNEL]: policy.kernel.name }
  const all: Record<string, ParamValue> = { ...values }
  for (const [name, value] of Object.entries({ ...policyValues, ...kernel })) {
    if (Object.hasOwn(all, name) && all[name] !== value) {
      throw new RangeError(
        `invalid parameter: ${name}; policy ${policyLabel(policy)} and workload ${workload.name} both have it, with different values`,
      )
    }
    all[name] = value
  }
  return formatValues(all)
}

function shared(traces: Map<string, TraceChoice>, trace: TraceChoice): TraceChoice {
  const key = JSON.stringify([trace.workload.name, formatValues(trace.values), trace.seed])
  const known = traces.get(key)
  if (known !== undefined) return known
  traces.set(key, trace)
  return trace
}

function cellKey(
  policy: PolicyChoice,
  policyValues: Settings,
  trace: TraceChoice,
  noise: NoiseValues | undefined,
  conditions: Conditions,
): string {
  const { cost, oracle, check, code } = conditions
  const decides = [
    [
      policy.definition.name,
      policy.file?.hash ?? '',
      policy.kernel?.name ?? '',
      formatValues(policyValues),
    ],
    [trace.workload.name, trace.workload.file?.hash ?? '', formatValues(trace.values), trace.seed],
    noise === undefined ? '' : formatValues(noise),
    [Object.entries(cost).sort(([a], [b]) => (a < b ? -1 : 1)), oracle, check, code],
  ]
  return createHash('sha256').update(JSON.stringify(decides)).digest('hex').slice(0, 32)
}
