/** choices: policies as the command line names them: by name, by file, or by the kernel that had them. */
import { loadPolicy } from '../load/policies.ts'
import { unknown } from '../params/closest.ts'
import type { PolicyChoice } from '../plan.ts'
import { KERNELS } from '../sim/kernels.ts'
import { UsageError } from './usage-error.ts'

export async function policyChoice(nameOrPath: string): Promise<PolicyChoice> {
  return await loadPolicy(nameOrPath)
}

export async function kernelChoice(name: string): Promise<PolicyChoice> {
  const kernel = KERNELS.find((known) => known.name === name)
  if (kernel === undefined) {
    throw new UsageError(
      unknown(
        'kernel',
        name,
        KERNELS.map((known) => known.name),
      ),
    )
  }
  const { definition } = await loadPolicy(kernel.policy)
  return { definition, kernel }
}

/** Names tell rows apart, so no two may be alike. */
export function refuseTwins(noun: string, names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) throw new UsageError(`invalid ${noun}: two are called ${twin}`)
}
