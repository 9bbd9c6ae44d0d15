/** chosen-model: which model stands beside the running kernel. */
import type { Facilities } from '../../live/facilities.ts'
import type { RunSettings } from '../../run.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { policyOrKernel, settingsOf } from '../words/choices.ts'
import { UsageError } from '../words/usage-error.ts'

export interface Model {
  /** As it was asked for. */
  readonly name: string
  readonly policy: string
  /** Is it a policy of one's own? */
  readonly own: boolean
  readonly settings: RunSettings
}

/** The policy or kernel that was named, or else the model of the running kernel. */
export async function modelOf(
  name: string | undefined,
  { kernel: running }: Pick<Facilities, 'kernel'>,
): Promise<Model> {
  if (name === undefined && !KERNELS.some((kernel) => kernel.name === running)) {
    throw new UsageError(`missing --against: no model of Linux ${running} is known`)
  }
  const asked = name ?? running
  const choice = await policyOrKernel(asked)
  return {
    name: asked,
    policy: choice.definition.name,
    own: choice.file !== undefined,
    settings: settingsOf(choice),
  }
}
