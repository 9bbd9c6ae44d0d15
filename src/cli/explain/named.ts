/** named: which file, and which policies or kernels, the words of `explain` name. */
import { isPath } from '../../load/module.ts'
import type { PolicyChoice } from '../../plan.ts'
import { kernelChoice, policyChoice, policyOrKernel } from '../words/choices.ts'
import { parseList, parseVariant } from '../words/flags.ts'
import { UsageError } from '../words/usage-error.ts'
import type { ExplainFlags } from './flags.ts'

/** The shell gives `--diff A B` as A and a word that is no file. */
export function filesAndPolicies(
  words: readonly string[],
  { diff }: ExplainFlags,
): { file: string | undefined; compared: string[] } {
  const isPolicy = (word: string): boolean =>
    /\.[cm]?[jt]s$/.test(parseVariant(word).name) ||
    (!isPath(word) && !/\.(cow|gz|trace|txt|bin)$/.test(word))
  const compared = [...parseList('diff', diff ?? [])]
  if (compared.length === 1) compared.push(...words.filter(isPolicy))
  const files = words.filter((word) => !compared.includes(word))
  if (files.length > 1) throw new UsageError(`unknown argument: ${files[1]}; expected: one file`)
  if (diff !== undefined && compared.length !== 2) {
    throw new UsageError(`invalid --diff: ${compared.join(',')}; expected two policies: A,B`)
  }
  return { file: files[0], compared }
}

export async function choicesOf(
  { policy, kernel }: ExplainFlags,
  compared: readonly string[],
): Promise<PolicyChoice[]> {
  const policies = parseList('policy', policy ?? [])
  const kernels = parseList('kernel', kernel ?? [])
  if (compared.length > 0) {
    if (policies.length + kernels.length > 0)
      throw new UsageError('unsupported --policy beside --diff')
    return await Promise.all(compared.map(policyOrKernel))
  }
  if (policies.length + kernels.length !== 1) {
    const given = [...policies, ...kernels].join(',')
    throw new UsageError(
      given === ''
        ? 'missing --policy: expected: one policy or --kernel, or --diff A,B'
        : `invalid --policy: ${given}; expected: one policy or kernel, or --diff A,B`,
    )
  }
  return [
    ...(await Promise.all(policies.map(policyChoice))),
    ...(await Promise.all(kernels.map(kernelChoice))),
  ]
}
