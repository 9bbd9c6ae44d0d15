/** partners: why no row of one side has a partner on the other. */
import { MACHINE_PARAMS, paramsOf, type Row } from '../../metrics/row.ts'

/** One of the two sets of rows that were to be compared. */
export interface Side {
  /** A directory, or a policy. */
  readonly name: string
  readonly rows: readonly Row[]
}

interface Facet {
  readonly noun: string
  readonly of: (row: Row) => string
}

const POLICY: Facet = { noun: 'policy', of: ({ policy }) => policy }
const WORKLOAD: Facet = { noun: 'workload', of: ({ workload }) => workload }
const PARAMS: Facet = { noun: 'parameters', of: ({ params }) => params }
const SEED: Facet = { noun: 'seed', of: ({ seed }) => String(seed) }
const MACHINE: Facet = {
  noun: 'parameters',
  of: (row) => [...paramsOf(row)].filter(([name]) => MACHINE_PARAMS.includes(name)).join(';'),
}
const TRACE: Facet = { noun: 'trace', of: (row) => row.trace_hash }

/** What has to be equal for two rows to be compared, as pairRuns and pairPolicies have it, in the order of asking. */
export const RUNS: readonly Facet[] = [POLICY, WORKLOAD, PARAMS, SEED]
export const POLICIES: readonly Facet[] = [WORKLOAD, MACHINE, SEED, TRACE]

/** `no workload in common: zygote in results/a, snapshot in results/b`: the first thing that no two rows share. */
export function whyNoPartner(one: Side, other: Side, facets: readonly Facet[]): string {
  const empty = [one, other].find(({ rows }) => rows.length === 0)
  if (empty !== undefined) return `no row in ${empty.name}`
  let [mine, yours] = [one.rows, other.rows]
  for (const [i, facet] of facets.entries()) {
    const key = (row: Row): string =>
      JSON.stringify(facets.slice(0, i + 1).map(({ of }) => of(row)))
    const [myKeys, yourKeys] = [new Set(mine.map(key)), new Set(yours.map(key))]
    const [myNext, yourNext] = [
      mine.filter((row) => yourKeys.has(key(row))),
      yours.filter((row) => myKeys.has(key(row))),
    ]
    if (myNext.length === 0) {
      const [here, there] = valuesOf(facet, mine, yours)
      return `no ${facet.noun} in common: ${here} in ${one.name}, ${there} in ${other.name}`
    }
    ;[mine, yours] = [myNext, yourNext]
  }
  return `no row that finished both in ${one.name} and in ${other.name}`
}

/** What either side has of it; of parameters only those in which they differ. */
function valuesOf(facet: Facet, mine: readonly Row[], yours: readonly Row[]): [string, string] {
  if (facet !== PARAMS && facet !== MACHINE)
    return [list(mine.map(facet.of)), list(yours.map(facet.of))]
  const settings = (rows: readonly Row[]): string[] =>
    rows.flatMap((row) => [...paramsOf(row)].map(([name, value]) => `${name}=${value}`))
  const [here, there] = [settings(mine), settings(yours)]
  const [own, others] = [
    here.filter((setting) => !there.includes(setting)),
    there.filter((setting) => !here.includes(setting)),
  ]
  return [list(own), list(others)]
}

/** More than this many tell nothing new. */
const MOST = 4

function list(values: readonly string[]): string {
  const each = [...new Set(values)]
  if (each.length === 0) return 'others'
  const more = each.length > MOST ? `, ${each.length - MOST} more` : ''
  return `${each.slice(0, MOST).join(', ')}${more}`
}
