/**
 * model-differences: runs random traces twice (in the simulator and in the reference model; with the eager oracle and
 * with the other), and tells of the shortest on which the counts differ.
 */
import fc from 'fast-check'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { type SimulateResult, simulate } from '../run.ts'
import type { Trace } from '../trace/trace.ts'
import { traceText } from './perf-text.ts'
import { type Recipe, recipes, traceOf, usesLargeFolios } from './random-trace.ts'
import { referenceRun } from './reference/reference-run.ts'

/**
 * Both leave pages below shared tables unaccounted and lose some of them. Which ones no record tells in such detail, and
 * an oracle that sees no page tables classes what follows otherwise: these two are held to their records alone.
 */
export const PROTOTYPES: readonly string[] = ['on-demand-fork', 'cow-pte-owner']

/** One line for each count that differs. */
export type Compare = (policy: PolicyDefinition, trace: Trace) => string[]

/** Random traces, and where to find them again. */
export interface Search {
  readonly seed: number
  readonly traces: number
  /** Most operations of one trace. */
  readonly events: number
  /** Counterexample path of an earlier report: replays that one. */
  readonly path?: string
}

/** Simulator and reference model, over all metrics that the reference has. */
export const againstReference: Compare = (policy, trace) => {
  const simulated: Readonly<Record<string, number>> = run(policy, trace, 'epoch').values
  return Object.entries(referenceRun(trace, policy.name))
    .filter(([metric, expected]) => metric in simulated && simulated[metric] !== expected)
    .map(([metric, expected]) => `${metric}: reference ${expected}, simulator ${simulated[metric]}`)
}

/** An oracle that is told of every access, and one that is not; and whether anything is left at the end. */
export const eagerAgainstEpoch: Compare = (policy, trace) => {
  const eager = run(policy, trace, 'eager')
  const epoch = run(policy, trace, 'epoch')
  const told: Readonly<Record<string, number>> = eager.values
  const differing = Object.entries(epoch.values)
    .filter(([metric, value]) => told[metric] !== value)
    .map(([metric, value]) => `${metric}: eager ${told[metric]}, epoch ${value}`)
  if (eager.breaches.join() !== epoch.breaches.join()) {
    differing.push(`breaches: eager ${eager.breaches.join()}, epoch ${epoch.breaches.join()}`)
  }
  if (epoch.framesLeft !== 0) differing.push(`frames left: ${epoch.framesLeft}`)
  if (epoch.tablesLeft !== 0) differing.push(`tables left: ${epoch.tablesLeft}`)
  return differing
}

function run(policy: PolicyDefinition, trace: Trace, oracle: 'eager' | 'epoch'): SimulateResult {
  const cost = DEFAULT_PROFILE
  return simulate({ policy, params: {}, cost, trace, oracle, check: oracle === 'eager' })
}

/** The traces of a search, one at a time. */
export function* randomTraces(policy: PolicyDefinition, search: Search): Generator<Trace> {
  const some = { seed: search.seed, numRuns: search.traces }
  for (const recipe of fc.sample(recipesFor(policy, search.events), some)) {
    yield traceFor(policy, recipe)
  }
}

/** Throws an Error that holds all it takes to see the difference again, if one of the traces shows any. */
export function expectNoDifference(
  policy: PolicyDefinition,
  compare: Compare,
  search: Search,
): void {
  const report = firstDifference(policy, compare, search)
  if (report !== undefined) throw new Error(report)
}

/** A report on the shortest trace on which `compare` found a difference, or on which a run broke off. */
export function firstDifference(
  policy: PolicyDefinition,
  compare: Compare,
  { seed, traces, events, path }: Search,
): string | undefined {
  const same = fc.property(recipesFor(policy, events), (recipe) => {
    const differing = outcome(policy, compare, recipe)
    if (differing.length > 0) throw new Error(differing.join('\n'))
  })
  const replay = path === undefined ? {} : { path, endOnFailure: true }
  const checked = fc.check(same, { seed, numRuns: traces, ...replay })
  if (!checked.failed) return undefined
  const recipe = checked.counterexample?.[0] as Recipe
  return [
    `policy ${policy.name}, seed ${seed}, path ${checked.counterexamplePath}, up to ${events} operations:`,
    ...outcome(policy, compare, recipe),
    ...traceText(traceFor(policy, recipe)),
  ].join('\n')
}

function outcome(policy: PolicyDefinition, compare: Compare, recipe: Recipe): string[] {
  try {
    return compare(policy, traceFor(policy, recipe))
  } catch (error) {
    return [String(error)]
  }
}

/**
 * on-demand-fork forgets MADV_DONTNEED of a part of a table. The oracle takes the trace's word for it that the page is
 * gone, the reference model knows that it is not, and so they class the next store differently.
 */
function traceFor(policy: PolicyDefinition, recipe: Recipe): Trace {
  return traceOf(recipe, policy.name !== 'on-demand-fork')
}

/** Recipes that a policy is meant for: the proposals of 2009 know no large folios. */
function recipesFor(policy: PolicyDefinition, events: number): fc.Arbitrary<Recipe> {
  // Biased towards small numbers, which meet often; and not, for long traces.
  const all = fc.oneof(recipes(events), fc.noBias(recipes(events)))
  return policy.lacks.includes('thp') ? all.filter((recipe) => !usesLargeFolios(recipe)) : all
}
