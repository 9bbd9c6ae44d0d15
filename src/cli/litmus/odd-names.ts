/** odd-names: whom an `expect[NAME]` names that nobody goes by; perhaps a policy of one's own, perhaps a slip. */
import { POLICIES } from '../../../policies/index.ts'
import type { LitmusTest } from '../../litmus/program.ts'
import { closest } from '../../params/closest.ts'
import { KERNELS } from '../../sim/kernels.ts'

/** Of a run, and of a machine. */
const STATES = ['drained', 'diskswap', 'live']

/** One line about all such names of the test, none of which is known or among `ours`; undefined if there are none. */
export function oddNames(test: LitmusTest, ours: readonly string[]): string | undefined {
  const known = [...POLICIES, ...KERNELS].map(({ name }) => name)
  const all = [...new Set([...known, ...STATES, ...ours.map(plain)])]
  const expectations = test.operations.flatMap((operation) => operation.expectations)
  const odd = expectations.flatMap(({ line, names }) =>
    names.filter((name) => !all.includes(plain(name))).map((name) => ({ line, name })),
  )
  const [first] = odd
  if (first === undefined) return undefined
  const told = [...new Set(odd.map(({ name }) => name))].map((name) => {
    const near = closest(plain(name), all)
    return near === undefined ? name : `${name} (did you mean ${near}?)`
  })
  return `${test.file}:${first.line}: expect names no policy, kernel or state that is known here: ${told.join(', ')}`
}

/** Without the parameters of a variant. */
function plain(name: string): string {
  return name.replace(/:.*/, '')
}
