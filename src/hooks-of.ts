/** hooks-of: the answers of a policy that comes with the program, for a policy that differs from it in some. */
import { POLICIES } from '../policies/index.ts'
import { unknown } from './params/closest.ts'
import { defaults, type ParamValue } from './params/params.ts'
import type { GivenHooks } from './policy/api.ts'

/**
 * Every hook of the policy called `name`, for `hooks: () => ({ ...hooksOf('mm-id'), wpReuse: mine })`. What is given
 * after it replaces that hook and no other: `wpReuse` does not speak for `pmdReuse` there. `values`: parameters that
 * differ from their defaults. Throws RangeError `unknown policy: ...`.
 */
export function hooksOf(
  name: string,
  values: Readonly<Record<string, ParamValue>> = {},
): GivenHooks {
  const definition = POLICIES.find((policy) => policy.name === name)
  if (definition === undefined) {
    const names = POLICIES.map((policy) => policy.name)
    throw new RangeError(unknown('policy', name, names))
  }
  const params: Readonly<Record<string, ParamValue>> = defaults(definition.params)
  const odd = Object.keys(values).find((key) => !Object.hasOwn(params, key))
  if (odd !== undefined) throw new RangeError(unknown('parameter', odd, Object.keys(params)))
  const { name: _, ...hooks } = definition.create({ ...params, ...values } as never)
  return hooks
}
