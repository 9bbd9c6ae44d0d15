/** planned: what a run is going to do: its inputs, its cells, and what its results are known by. */
import { gitCommit, packageVersion } from '../../load/package.ts'
import { expand, type Plan } from '../../plan.ts'
import type { Planned } from '../../results/resume.ts'
import { missingCapability } from '../../run.ts'
import { UsageError } from '../words/usage-error.ts'
import { gatherInputs, type Inputs } from './inputs.ts'
import type { RunOptions } from './options.ts'

/** More reasons than this help nobody. */
const TOLD = 3

export interface PlannedRun {
  readonly inputs: Inputs
  readonly plan: Plan
  readonly planned: Planned
}

/** As planRun, for those to whom a plan without a cell is of no use. */
export async function planCells(options: RunOptions): Promise<PlannedRun> {
  const planned = await planRun(options)
  const { plan } = planned
  if (plan.cells.length > 0) return planned
  throw new UsageError(`invalid plan: no cells; ${whySkipped(plan)}`)
}

/** `no-unmap-gup lacks thp, which pte-mapped-thp needs, ...` */
export function whySkipped({ skipped }: Plan): string {
  const why = skipped.map(
    ({ policy, workload, reason }) => `${policy} lacks ${reason}, which ${workload} needs`,
  )
  return [...new Set(why)].slice(0, TOLD).join(', ')
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
