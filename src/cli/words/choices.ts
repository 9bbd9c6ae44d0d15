/**
 * choices: policies as the command line names them: by name or file, with parameters of their own behind a colon, or by
 * the kernel that had them.
 */
import { POLICIES } from '../../../policies/index.ts'
import { loadPolicy } from '../../load/policies.ts'
import { DEFAULT_PROFILE } from '../../metrics/cost.ts'
import { unknown } from '../../params/closest.ts'
import { parseParam } from '../../params/params.ts'
import { type PolicyChoice, refuseFixed, variantName } from '../../plan.ts'
import type { RunSettings } from '../../run.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { parseParams, parseVariant } from './flags.ts'
import { UsageError } from './usage-error.ts'

/** `NAME` or `FILE`, or a variant of it: `NAME:PARAM=VALUE`, with as many parameters as are wanted. */
export async function policyChoice(text: string): Promise<PolicyChoice> {
  const { name, params } = parseVariant(text)
  return variantOf(await loadPolicy(name), params)
}

/** The same of a kernel's policy; what the kernel fixes cannot be set. */
export async function kernelChoice(text: string): Promise<PolicyChoice> {
  const { name, params } = parseVariant(text)
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
  return variantOf({ definition, kernel }, params)
}

/** A policy or, where it is the name of one, a kernel. */
export async function policyOrKernel(text: string): Promise<PolicyChoice> {
  const named = parseVariant(text).name
  const isKernel = KERNELS.some(({ name }) => name === named)
  return isKernel ? await kernelChoice(text) : await policyChoice(text)
}

/** The same choices with parameters as --param gives them: each policy gets those that it has, and each must have one. */
export function withParams(
  choices: readonly PolicyChoice[],
  texts: readonly string[],
): PolicyChoice[] {
  const given = parseParams(texts)
  if (given.size === 0) return [...choices]
  refuseUnknown(choices, given)
  return choices.map((choice) => withOwn(choice, given))
}

export interface Choosing {
  readonly policies: readonly string[]
  readonly kernels: readonly string[]
  /** As --param gives them. */
  readonly params: readonly string[]
}

/** The policies and kernels that are named, or else every policy that came with the program. */
export async function choicesOf({ policies, kernels, params }: Choosing): Promise<PolicyChoice[]> {
  const all = policies.length === 0 && kernels.length === 0
  const choices = [
    ...(all ? POLICIES.map((definition) => ({ definition })) : []),
    ...(await Promise.all(policies.map(policyChoice))),
    ...(await Promise.all(kernels.map(kernelChoice))),
  ]
  return withParams(choices, params)
}

/** The policy's name, or its kernel's, with what it was chosen with: as --policy or --kernel take it. */
export function choiceName({ definition, params, kernel }: PolicyChoice): string {
  return variantName(kernel?.name ?? definition.name, params)
}

/** How litmus tests run under the policy. */
export function settingsOf({ definition, params, kernel }: PolicyChoice): RunSettings {
  return {
    ...{ policy: definition, params: { ...params, ...kernel?.params }, cost: DEFAULT_PROFILE },
    ...(kernel === undefined ? {} : { era: kernel.era }),
  }
}

function refuseUnknown(choices: readonly PolicyChoice[], given: ReadonlyMap<string, string>): void {
  const known = [...new Set(choices.flatMap(({ definition }) => Object.keys(definition.params)))]
  const odd = [...given.keys()].find((name) => !known.includes(name))
  if (odd === undefined) return
  const of = choices.length === 1 ? ` of ${choices[0]?.definition.name}` : ''
  throw new UsageError(unknown(`parameter${of}`, odd, known.sort()))
}

function variantOf(choice: PolicyChoice, given: ReadonlyMap<string, string>): PolicyChoice {
  refuseUnknown([choice], given)
  return withOwn(choice, given)
}

/** The choice with those of the given parameters that its policy has. */
function withOwn(choice: PolicyChoice, given: ReadonlyMap<string, string>): PolicyChoice {
  const { definition } = choice
  const own = [...given].flatMap(([name, text]) => {
    const param = definition.params[name]
    if (param === undefined) return []
    refuseFixed(choice, name)
    return [[name, parseParam(name, param, text)] as const]
  })
  if (own.length === 0) return choice
  return { ...choice, params: { ...choice.params, ...Object.fromEntries(own) } }
}

/** Names tell rows apart, so no two may be alike. */
export function refuseTwins(noun: string, names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index)
  if (twin !== undefined) throw new UsageError(`invalid ${noun}: two are called ${twin}`)
}
