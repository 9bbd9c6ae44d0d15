/**
 * cells: runs a workload under policies, for tests of what its header says to expect.
 */
import { POLICIES } from '../../policies/index.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { COST_PROFILES, DEFAULT_COST } from '../metrics/cost.ts'
import type { MetricId, MetricValues } from '../metrics/schema.ts'
import { defaults } from '../params/params.ts'
import { missingCapability, simulate } from '../run.ts'
import { NOISE_PARAMS, type NoiseSettings, type NoiseValues } from '../sim/noise.ts'
import { buildTrace, completeValues, type GivenValues } from '../workload/api.ts'

export type Cells = ReadonlyMap<string, MetricValues>

export const ALL = POLICIES.map(({ name }) => name)

/** Values that make a small cell of each workload. */
export const SMALL: Readonly<Record<string, GivenValues>> = {
  'prefork-server': { requests: 2500 },
  snapshot: { snapshots: 2, pages: 4096 },
  zygote: { apps: 10, pages: 4096 },
  'fork-exec': { commands: 50 },
  'cow-table-fork': { runs: 12, areas: 16 },
  'pte-mapped-thp': { areas: 2, rounds: 2 },
  'thp-mremap': { areas: 4, rounds: 2 },
  'swap-churn': { rounds: 2, pages: 4096 },
  'ksm-merge': { rounds: 2 },
  khugepaged: { ranges: 16 },
  'uffd-snapshot': { snapshots: 2, pages: 4096, stores: 4096 },
  'postcopy-minor': { pages: 4096, accesses: 8192 },
  checkpoint: { passes: 2, pages: 2048 },
  'direct-io': { requests: 1000 },
  'vmsplice-child': { rounds: 2 },
  mixed: { operations: 6000 },
}

/** One cell for each of `policies` that has what the workload needs, in historical order. */
export function cells(
  name: string,
  given: GivenValues,
  policies: readonly string[] = ALL,
  noise: Partial<NoiseValues> = {},
): Cells {
  const workload = WORKLOADS.find((w) => w.name === name)
  if (!workload) throw new Error(`unknown workload: ${name}`)
  const needs = workload.needs(completeValues(workload, given))
  const trace = buildTrace(workload, given, 1)
  const cost = COST_PROFILES[DEFAULT_COST]
  if (!cost) throw new Error(`unknown cost profile: ${DEFAULT_COST}`)
  const able = POLICIES.filter(
    (policy) => policies.includes(policy.name) && missingCapability(policy, needs) === undefined,
  )
  return new Map(
    able.map((policy) => {
      const options = { policy, params: {}, cost, trace, oracle: 'epoch', check: false } as const
      return [policy.name, simulate({ ...options, noise: noiseOf(noise) }).values]
    }),
  )
}

/** At seed 1; what is not given is silent. */
export function noiseOf(values: Partial<NoiseValues>): NoiseSettings {
  return { values: { ...(defaults(NOISE_PARAMS) as NoiseValues), ...values }, seed: 1 }
}

const smallCells = new Map<string, Cells>()

/** All cells of the workload with its small values. */
export function small(name: string): Cells {
  const known = smallCells.get(name) ?? cells(name, SMALL[name] ?? {})
  smallCells.set(name, known)
  return known
}

/** Policies whose cell shows `metric` above zero. */
export function showing(metric: MetricId, table: Cells): string[] {
  return [...table].filter(([, values]) => values[metric] > 0).map(([policy]) => policy)
}

export function value(table: Cells, policy: string, metric: MetricId): number {
  const cell = table.get(policy)
  if (!cell) throw new Error(`${policy} was skipped`)
  return cell[metric]
}
