/** live-model: which model stands beside the running kernel. */
import type { Facilities } from '../live/facilities.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { RunSettings } from '../run.ts'
import { KERNELS } from '../sim/kernels.ts'
import { kernelChoice, policyChoice } from './choices.ts'
import { UsageError } from './usage-error.ts'

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
  const isKernel = (text: string) => KERNELS.some((kernel) => kernel.name === text)
  const asked = name ?? running
  if (name === undefined && !isKernel(asked)) {
    throw new UsageError(`missing --against: no model of Linux ${asked} is known`)
  }
  const { definition, kernel, file } = isKernel(asked)
    ? await kernelChoice(asked)
    : await policyChoice(asked)
  return {
    name: asked,
    policy: definition.name,
    own: file !== undefined,
    settings: {
      ...{ policy: definition, params: kernel?.params ?? {}, cost: DEFAULT_PROFILE },
      ...(kernel === undefined ? {} : { era: kernel.era }),
    },
  }
}
