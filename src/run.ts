/**
 * Run: trace -> machine (policy) -> oracle -> row. Read this first; the steps are numbered.
 */
import type { CostProfile } from './metrics/cost.ts'
import { type MetricValues, VIOLATIONS } from './metrics/schema.ts'
import { describe } from './oracle/describe.ts'
import { Oracle } from './oracle/oracle.ts'
import { ReachedOracle } from './oracle/reached.ts'
import { unknown } from './params/closest.ts'
import { defaults, type ParamValue } from './params/params.ts'
import type { Policy, PolicyDefinition } from './policy/api.ts'
import { Engine } from './sim/engine.ts'
import { ERAS, type Era, type EraName, eraLacks } from './sim/era.ts'
import type { Machine } from './sim/machine.ts'
import { Noise, type NoiseSettings } from './sim/noise.ts'
import type { Kernel } from './state/kernel.ts'
import type { ChunkedTrace, Trace } from './trace/trace.ts'

/** A policy with its parameters, in an era of the mechanism, at a cost. */
export interface RunSettings {
  readonly policy: PolicyDefinition
  /** Policy parameters that differ from their defaults; names that the policy does not have are ignored. */
  readonly params: Readonly<Record<string, ParamValue>>
  /** Mechanism era (src/sim/era.ts); without it, the policy's own. */
  readonly era?: string
  readonly cost: CostProfile
  /** What else holds pages; nothing does by default. */
  readonly noise?: NoiseSettings | undefined
}

/** What simulate() runs: a policy with parameters, on a trace, judged by the oracle. */
export interface SimulateOptions extends RunSettings {
  readonly trace: Trace | ChunkedTrace
  /** `eager` tells the oracle of every access; both must report the same. */
  readonly oracle: 'epoch' | 'eager'
  /** Recompute the mechanism's counts from their parts along the way; throws on the first that is wrong. */
  readonly check: boolean
  /** Shared memory whose first number becomes that of the event under way, for whoever waits for an endless policy. */
  readonly reached?: Int32Array
}

/** A policy, or the mechanism, failed at an event of the trace; `cause` is what was thrown. */
export class FailedEvent extends Error {
  /** Number of the event, from 0. */
  readonly event: number

  constructor(event: number, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause)
    super(message.includes(`event ${event}`) ? message : `${message}; at event ${event}`, { cause })
    this.event = event
  }
}

/** What came of a simulation. */
export interface SimulateResult {
  readonly values: MetricValues
  /** How often each verdict was given, by its number (REUSE, COPY...). */
  readonly verdicts: readonly number[]
  /** One sentence for each of the first thousand breaches. */
  readonly breaches: readonly string[]
  /** Loads and stores, and one for each other operation. */
  readonly events: number
  /** Frames and page tables still in use at the end: 0 if the trace let every process exit and dropped every pin. */
  readonly framesLeft: number
  readonly tablesLeft: number
  /** Write faults on shared mappings: the kernel counts them as reuses too (pgreuse), a policy is not asked. */
  readonly sharedReuses: number
}

/**
 * Runs a trace under a policy, judged by the oracle. Throws FailedEvent where an event cannot be simulated, and RangeError
 * for an era that does not exist.
 */
export function simulate(options: SimulateOptions): SimulateResult {
  // 1. An oracle, which knows the trace and the verdicts, and a machine, which knows neither name nor purpose of either.
  const oracle = options.reached === undefined ? new Oracle() : new ReachedOracle(options.reached)
  const engine = new Engine({
    ...machineOptions(options),
    judge: oracle,
    eager: options.oracle === 'eager',
    check: options.check,
  })
  // 2. Every event, in order. The machine asks the policy, tells the oracle, and acts.
  try {
    engine.run(options.trace)
  } catch (error) {
    throw new FailedEvent(oracle.event, error)
  }
  // 3. The mechanism's counts and the oracle's, as one row.
  const { machine } = engine
  return {
    values: metricValues(machine, oracle),
    verdicts: machine.verdicts,
    breaches: oracle.breaches.map(describe),
    events: machine.events,
    framesLeft: machine.frames.used - machine.pageCacheFrames,
    tablesLeft: machine.tables.used,
    sharedReuses: machine.counts.sharedReuses,
  }
}

/** The same for one operation at a time. */
export interface LitmusSettings extends RunSettings {
  readonly swapDisk?: boolean
  /** Default: an oracle of its own. */
  readonly judge?: Oracle
}

/** A machine for one operation at a time, as litmus tests and explorers use it; every access is judged. */
export function litmusMachine(settings: LitmusSettings, kernel?: Kernel): Engine {
  return new Engine({
    ...machineOptions(settings),
    kernel,
    judge: settings.judge ?? new Oracle(),
    eager: true,
    swapDisk: settings.swapDisk ?? false,
  })
}

/** Machines one after the other: each takes over the memory of the one before, which must not be used any more. */
export class LitmusMachines {
  #kernel: Kernel | undefined

  next(settings: LitmusSettings): Engine {
    this.#kernel?.restart()
    const engine = litmusMachine(settings, this.#kernel)
    this.#kernel = engine.machine.k
    return engine
  }
}

/**
 * The first capability that a workload needs and this policy, or the era (by default its own), does not have; undefined if
 * there is none. Throws RangeError for an era that does not exist.
 */
export function missingCapability(
  policy: PolicyDefinition,
  needs: readonly string[],
  era?: string,
): string | undefined {
  const lacks = [...policy.lacks, ...eraLacks(eraOf(policy, era))]
  return needs.find((need) => lacks.includes(need))
}

/** Policy parameters in full: the defaults, and what `params` says otherwise. */
export function policyWith(
  definition: PolicyDefinition,
  params: Readonly<Record<string, ParamValue>>,
): Policy {
  const values: Record<string, ParamValue> = { ...defaults(definition.params) }
  for (const name of Object.keys(values)) {
    const given = params[name]
    if (given !== undefined) values[name] = given
  }
  return definition.create(values as never)
}

function machineOptions({ policy, params, era, cost, noise }: RunSettings) {
  return {
    policy: policyWith(policy, params),
    era: eraOf(policy, era),
    cost,
    noise: noise && Noise.of(noise),
  }
}

/** The mechanism era of that name; without one, the policy's own. Throws RangeError for a name that is none. */
export function eraOf(policy: PolicyDefinition, name: string | undefined): Era {
  const era = name ?? policy.kernel
  if (!Object.hasOwn(ERAS, era)) {
    throw new RangeError(unknown('era', era, Object.keys(ERAS)))
  }
  return ERAS[era as EraName]
}

function metricValues(
  { counts, frames, tables, faultTimes }: Machine,
  oracle: Oracle,
): MetricValues {
  const judged = oracle.counts
  const fork_ns = rounded(counts.forkNs)
  const fault_ns = rounded(counts.faultNs)
  const exit_ns = rounded(counts.exitNs)
  const swap_ns = rounded(counts.swapNs)
  return {
    ...judged,
    load_faults: counts.loadFaults,
    store_faults: counts.storeFaults,
    pmd_splits: counts.pmdSplits,
    table_shares: counts.tableShares,
    table_copies: counts.tableCopies,
    violations: VIOLATIONS.reduce((sum, id) => sum + judged[id], 0),
    uffd_events: counts.missingEvents + counts.minorEvents + counts.wpEvents,
    refused_unmaps: counts.refusedUnmaps,
    collapses: counts.collapses,
    vain_pte_scans: counts.vainPteScans,
    peak_frames: frames.peak,
    peak_table_frames: tables.peak,
    fork_ns,
    fault_ns,
    exit_ns,
    swap_ns,
    total_ns: fork_ns + fault_ns + exit_ns + swap_ns,
    fork_ns_max: rounded(counts.forkNsMax),
    fault_ns_p99: rounded(faultTimes.percentile(99)),
    fault_ns_max: rounded(faultTimes.max),
  }
}

/** Half up: every number of a row is a whole one. */
function rounded(ns: number): number {
  return Math.floor(ns + 0.5)
}
