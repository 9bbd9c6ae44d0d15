/** observe: runs a litmus test several times on the running kernel; this file tells what is stable from what is not. */
import type { LitmusTest } from '../litmus/program.ts'
import type { OperationResult } from '../litmus/result.ts'
import type { TruthOperation } from '../litmus/truth.ts'
import type { LiveDriver } from './driver.ts'
import { resultsOf } from './machine.ts'

/** How often each test is run, with fresh processes, in each LRU state. */
export const REPEATS = 5

export interface Observed {
  readonly result: OperationResult
  /** Other outcomes that were seen, flags included. */
  readonly unstable: readonly string[]
}

export interface ObserveOptions {
  readonly drained: boolean
  readonly thpAlways: boolean
  readonly repeats?: number
}

/** One entry per operation: what was seen most often, and what else was seen. */
export async function observe(
  driver: LiveDriver,
  test: LitmusTest,
  { drained, thpAlways, repeats = REPEATS }: ObserveOptions,
): Promise<Observed[]> {
  const runs: OperationResult[][] = []
  for (let i = 0; i < repeats; i++) {
    runs.push(resultsOf(test, await driver.run(test, { drained, thpAlways })))
  }
  return test.operations.map((_, i) => usual(runs.map((run) => run[i] as OperationResult)))
}

function usual(results: readonly OperationResult[]): Observed {
  const seen = new Map<string, { result: OperationResult; times: number }>()
  for (const result of results) {
    const key = [result.outcome, ...result.flags].join(' ')
    const known = seen.get(key)
    if (known === undefined) seen.set(key, { result, times: 1 })
    else known.times++
  }
  // The sort is stable: of two that were seen equally often, the first one seen.
  const [first, ...others] = [...seen].sort(([, a], [, b]) => b.times - a.times)
  if (first === undefined) throw new Error('no run of the test')
  return { result: first[1].result, unstable: others.map(([key]) => key) }
}

/** A test's record, as truth files hold it. */
export function truthOf(
  natural: readonly Observed[],
  drained: readonly Observed[],
): TruthOperation[] {
  return natural.map(({ result, unstable }, i) => {
    const { n, op, outcome, flags } = result
    const other = drained[i] as Observed
    return {
      ...{ n, op, outcome, flags },
      unstable: unstable.length > 0 ? unstable.map(outcomeOf) : undefined,
      drained: other.result.outcome,
      flagsDrained: other.result.flags,
      drainedUnstable: other.unstable.map(outcomeOf),
      artefact: false,
    }
  })
}

function outcomeOf(key: string): string {
  return key.split(' ')[0] ?? ''
}
