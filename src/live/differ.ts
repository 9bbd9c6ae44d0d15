/** differ: one test on the running kernel and in the model; this file finds the first operation on which they part. */
import type { MachineFactory } from '../litmus/machine-shape.ts'
import type { LitmusTest } from '../litmus/program.ts'
import type { OperationResult } from '../litmus/result.ts'
import { runLitmus } from '../litmus/run.ts'
import type { LiveDriver } from './driver.ts'
import { resultsOf } from './machine.ts'

export interface Subject {
  readonly driver: LiveDriver
  readonly machine: MachineFactory
  readonly thpAlways: boolean
  /** Does a test in the model: under a policy of one's own it may take for ever. */
  readonly does?: (test: LitmusTest, run: () => OperationResult[]) => OperationResult[]
}

export interface Difference {
  readonly state: 'natural' | 'drained'
  /** What the running kernel did. */
  readonly live: OperationResult
  /** What the model did on the same operation. */
  readonly model: OperationResult
}

export interface Verdict {
  /** Operations on which both agree, up to the first on which they part. */
  readonly agreements: number
  readonly difference: Difference | undefined
  /** The kernel once did what the model did, and once something else. */
  readonly unstable: boolean
}

/** A difference has to be seen this often in a row, to tell it from another process's doing. */
const ATTEMPTS = 5

export async function differ(
  test: LitmusTest,
  { driver, machine, thpAlways, does }: Subject,
  drained: boolean,
): Promise<Verdict> {
  const run = (): OperationResult[] => runLitmus(test, machine, { policy: 'model', drained })
  const model = does === undefined ? run() : does(test, run)
  let first: Verdict | undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const live = resultsOf(test, await driver.run(test, { drained, thpAlways }))
    const at = live.findIndex((result, i) => !same(result, model[i]))
    if (at < 0) {
      return { agreements: live.length, difference: undefined, unstable: attempt > 0 }
    }
    first ??= {
      agreements: at,
      difference: {
        state: drained ? 'drained' : 'natural',
        live: live[at] as OperationResult,
        model: model[at] as OperationResult,
      },
      unstable: false,
    }
  }
  return first as Verdict
}

export function same(a: OperationResult, b: OperationResult | undefined): boolean {
  return b !== undefined && a.outcome === b.outcome && a.flags.join() === b.flags.join()
}
