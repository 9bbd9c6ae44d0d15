/**
 * worker: runs the cells of ONE policy, so that the simulator's calls of its hooks stay monomorphic and fast.
 *
 * Functions do not cross threads: the policy comes by name or path and is loaded again; traces come in shared memory.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadPolicy } from './load/policies.ts'
import type { CostProfile } from './metrics/cost.ts'
import { METRIC_IDS } from './metrics/row.ts'
import type { MetricValues } from './metrics/schema.ts'
import type { ParamValue } from './params/params.ts'
import { VERDICT_LABELS } from './policy/verdict.ts'
import { simulate } from './run.ts'
import type { Trace } from './trace/trace.ts'

/** What all cells of a worker have in common. */
export interface WorkerJob {
  /** Name or absolute path. */
  readonly policy: string
  /** Era of the mechanism; without it, the policy's own. */
  readonly era?: string
  readonly cost: CostProfile
  readonly oracle: 'epoch' | 'eager'
  readonly check: boolean
}

export interface CellTask {
  readonly params: Readonly<Record<string, ParamValue>>
  readonly trace: Trace
}

export type CellOutcome =
  | {
      readonly ok: true
      readonly values: MetricValues
      readonly breaches: readonly string[]
      readonly verdicts: Readonly<Record<string, number>>
    }
  | { readonly ok: false; readonly error: string }

if (parentPort !== null) {
  const port = parentPort
  const job: WorkerJob = workerData
  const { definition } = await loadPolicy(job.policy)
  port.on('message', (task: CellTask) => {
    port.postMessage(outcomeOf(() => simulate({ ...job, ...task, policy: definition })))
  })
}

function outcomeOf(run: () => ReturnType<typeof simulate>): CellOutcome {
  try {
    const { values, breaches, verdicts } = run()
    const odd = METRIC_IDS.find((id) => !Number.isSafeInteger(values[id]))
    if (odd !== undefined)
      throw new Error(`invalid ${odd}: ${values[odd]}; expected a whole number`)
    const given = [...verdicts.entries()].filter(([, count]) => count > 0)
    return {
      ok: true,
      values,
      breaches,
      verdicts: Object.fromEntries(given.map(([verdict, n]) => [VERDICT_LABELS[verdict] ?? '', n])),
    }
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) }
  }
}
