/** litmus-models: every policy and every modelled kernel, ready to run litmus tests; shared by the litmus suites. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { POLICIES } from '../../policies/index.ts'
import type { MachineFactory } from '../litmus/machine-shape.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { ParamValue } from '../params/params.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { litmusMachine } from '../run.ts'
import { KERNELS } from '../sim/kernels.ts'

export const LITMUS = fileURLToPath(new URL('../../workloads/litmus', import.meta.url))
export const TRUTH = join(LITMUS, 'truth')

const cost = DEFAULT_PROFILE

export interface Model {
  /** A policy's or a kernel's name. */
  readonly name: string
  readonly policy: string
  /** What an `expect[...]` line may call it: the kernel, then the policy. */
  readonly names: readonly string[]
  /** What the policy was never meant for: 'thp'. */
  readonly lacks: readonly string[]
  machines(setting: { swapDisk: boolean }): MachineFactory
}

/** Every policy with its own era and default parameters. */
export const POLICY_MODELS: readonly Model[] = POLICIES.map((policy) =>
  model(policy.name, [policy.name], policy, {}),
)

/** Every recorded kernel that is a policy with parameters and an era. */
export const KERNEL_MODELS: readonly Model[] = KERNELS.map((kernel) =>
  model(
    kernel.name,
    [kernel.name, kernel.policy],
    policyNamed(kernel.policy),
    kernel.params,
    kernel.era,
  ),
)

export const MODELS: readonly Model[] = [...POLICY_MODELS, ...KERNEL_MODELS]

/** A policy in its own era, with parameters that differ from its defaults. */
export function modelOf(name: string, params: Readonly<Record<string, ParamValue>>): Model {
  return model(name, [name], policyNamed(name), params)
}

function policyNamed(name: string): PolicyDefinition {
  const found = POLICIES.find((policy) => policy.name === name)
  if (found === undefined) throw new RangeError(`unknown policy: ${name}`)
  return found
}

function model(
  name: string,
  names: readonly string[],
  policy: PolicyDefinition,
  params: Readonly<Record<string, ParamValue>>,
  era?: string,
): Model {
  const settings = { policy, params, cost, ...(era === undefined ? {} : { era }) }
  return {
    name,
    names,
    policy: policy.name,
    lacks: policy.lacks,
    machines:
      ({ swapDisk }) =>
      () =>
        litmusMachine({ ...settings, swapDisk }),
  }
}
