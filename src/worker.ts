/**
 * worker: runs cells on a thread, one at a time.
 *
 * Functions do not cross threads: policies come by name or path and are loaded again; traces come in shared memory.
 */
import { parentPort } from 'node:worker_threads'
import { loadPolicy } from './load/policies.ts'
import type { CostProfile } from './metrics/cost.ts'
import { METRIC_IDS } from './metrics/row.ts'
import type { MetricValues } from './metrics/schema.ts'
import type { ParamValue } from './params/params.ts'
import type { PolicyDefinition } from './policy/api.ts'
import { VERDICT_LABELS } from './policy/verdict.ts'
import { simulate } from './run.ts'
import type { NoiseSettings } from './sim/noise.ts'
import type { Trace } from './trace/trace.ts'

export interface CellTask {
  /** Name or absolute path. */
  readonly policy: string
  readonly params: Readonly<Record<string, ParamValue>>
  /** Era of the mechanism; without it, the policy's own. */
  readonly era?: string
  readonly cost: CostProfile
  readonly oracle: 'epoch' | 'eager'
  readonly check: boolean
  readonly trace: Trace
  readonly noise?: NoiseSettings | undefined
}

export type CellOutcome =
  | {
      readonly ok: true
      readonly values: MetricValues
      readonly breaches: readonly string[]
      readonly verdicts: Readonly<Record<string, number>>
    }
  | { readonly ok: false; readonly error: string }

const loaded = new Map<string, PolicyDefinition>()

async function definitionOf(nameOrPath: string): Promise<PolicyDefinition> {
  const known = loaded.get(nameOrPath)
  if (known !== undefined) return known
  const { definition } = await loadPolicy(nameOrPath)
  loaded.set(nameOrPath, definition)
  return definition
}

const port = parentPort
port?.on('message', async (task: CellTask) => {
  port.postMessage(await outcomeOf(task))
})

async function outcomeOf(task: CellTask): Promise<CellOutcome> {
  try {
    const policy = await definitionOf(task.policy)
    const { values, breaches, verdicts } = simulate({ ...task, policy })
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
