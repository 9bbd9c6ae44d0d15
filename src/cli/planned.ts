/** planned: what a run is going to do: its inputs, its cells, and what its results are known by. */
import { gitCommit, packageVersion } from '../load/package.ts'
import { expand, type Plan } from '../plan.ts'
import type { Planned } from '../results/resume.ts'
import { missingCapability } from '../run.ts'
import { gatherInputs, type Inputs } from './run-inputs.ts'
import type { RunOptions } from './run-options.ts'

export interface PlannedRun {
  readonly inputs: Inputs
  readonly plan: Plan
  readonly planned: Planned
}

/** Throws in one line what is wrong with the plan. */
export async function planRun(options: RunOptions): Promise<PlannedRun> {
  const inputs = await gatherInputs(options)
  const plan = expand(inputs.plan, ({ definition, kernel }, needs) =>
    missingCapability(definition, needs, kernel?.era),
  )
  const { code } = inputs.plan.conditions
  const planned: Planned = {
    plan: inputs.description,
    cowbench: { version: packageVersion(), commit: gitCommit(), code },
    cost: { name: options.costName, ...options.cost },
    cells: plan.cells.map(({ key }) => key),
  }
  return { inputs, plan, planned }
}
