/** policies: finds a policy by name, or loads one from a file and checks that it answers what it will be asked. */
import { POLICIES } from '../../policies/index.ts'
import { unknown } from '../params/closest.ts'
import { defaults } from '../params/params.ts'
import {
  COPY,
  definePolicy,
  POLICY_API,
  type Policy,
  type PolicyDefinition,
} from '../policy/api.ts'
import { checkedPolicy, type Pulse } from './checked-policy.ts'
import {
  firstLine,
  isPath,
  loadModule,
  notMadeBy,
  type SourceFile,
  whyNotOfThisApi,
} from './module.ts'
import { within } from './within.ts'

export interface LoadedPolicy {
  readonly definition: PolicyDefinition
  /** Where it came from, if it did not come with the program. */
  readonly file?: SourceFile
}

/**
 * A policy by its name or path. Of a path, `pulse` is told of its answers, and `hash` is what the file must have: whoever
 * loads it again must get what was loaded before. Throws Error in one line: unknown, missing or invalid.
 */
export async function loadPolicy(
  nameOrPath: string,
  { pulse, hash }: { readonly pulse?: Pulse | undefined; readonly hash?: string | undefined } = {},
): Promise<LoadedPolicy> {
  if (!isPath(nameOrPath)) {
    const definition = POLICIES.find((policy) => policy.name === nameOrPath)
    if (definition === undefined) {
      throw new Error(
        unknown(
          'policy',
          nameOrPath,
          POLICIES.map((policy) => policy.name),
        ),
      )
    }
    return { definition }
  }
  const { given: definition, file } = await loadModule('policy', nameOrPath, hash)
  const reason = whyNotOfThisApi('policy', definition, POLICY_API) ?? whyNoPolicy(definition)
  if (reason !== undefined) throw new Error(`invalid policy file: ${file.path}: ${reason}`)
  return { definition: checkedPolicy(definition as PolicyDefinition, pulse), file }
}

/** Every policy has all of these hooks, each of the type that it has here. */
const MODEL = definePolicy({
  ...{ name: 'model', summary: '', era: '', kernel: '6.18' },
  hooks: () => ({ wpReuse: () => COPY }),
}).create({})

/** For `hooks` to come back. */
const SECONDS = 5

const TABLES: readonly string[] = ['copy', 'lazy', 'owner', 'accounted']

function whyNoPolicy(value: unknown): string | undefined {
  const { name, params, create } = (value ?? {}) as Partial<PolicyDefinition>
  if (typeof name !== 'string' || typeof params !== 'object' || typeof create !== 'function') {
    return notMadeBy('definePolicy', value)
  }
  if (POLICIES.some((policy) => policy.name === name)) {
    return `invalid policy name: ${name} comes with the program; expected another`
  }
  let policy: Policy
  try {
    policy = within(SECONDS, 'hooks', () => (value as PolicyDefinition).create(defaults(params)))
  } catch (error) {
    return firstLine(error)
  }
  for (const hook of Object.keys(MODEL) as (keyof Policy)[]) {
    const expected = typeof MODEL[hook]
    if (typeof policy[hook] !== expected) {
      return `invalid hook: ${hook} is ${typeof policy[hook]}; expected: ${expected}`
    }
  }
  return TABLES.includes(policy.tables)
    ? undefined
    : `invalid hook: tables is ${policy.tables}; expected: ${TABLES.join(', ')}`
}
