/** names: what a comparison is called: policy and workload, and the parameters that tell it from its like. */
import type { PairGroup } from '../../metrics/paired.ts'
import { paramsOf } from '../../metrics/row.ts'

type Params = ReadonlyMap<string, string>

/** `my-rule on zygote (references=2)`; without the parameters where a policy has one group on a workload. */
export function groupNames(groups: readonly PairGroup[]): ReadonlyMap<PairGroup, string> {
  const params = new Map(groups.map((group) => [group, settingsOf(group)]))
  return new Map(
    groups.map((group) => {
      const { policy, workload } = group
      const like = groups.filter((one) => one.policy === policy && one.workload === workload)
      const told = varied(
        params.get(group) ?? new Map(),
        like.map((one) => params.get(one) ?? new Map()),
      )
      return [group, `${policy} on ${workload}${told.length > 0 ? ` (${told.join(', ')})` : ''}`]
    }),
  )
}

/** `name=value` of the parameters in which `own` differs from any of `all`. */
function varied(own: Params, all: readonly Params[]): string[] {
  // A kernel fixes parameters of its policy: its name says them all.
  const sameKernel = all.filter((other) => other.get('kernel') === own.get('kernel'))
  return [...own]
    .filter(([name, value]) =>
      (name === 'kernel' ? all : sameKernel).some((other) => other.get(name) !== value),
    )
    .map(([name, value]) => `${name}=${value}`)
}

/** All rows of a group have the same. */
function settingsOf({ pairs }: PairGroup): Params {
  return new Map(pairs.slice(0, 1).flatMap(([, row]) => [...paramsOf(row)]))
}
