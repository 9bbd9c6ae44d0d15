/** workloads: finds a workload by name, or loads one from a file. */
import { WORKLOADS } from '../../workloads/index.ts'
import { unknown } from '../params/closest.ts'
import { defaults } from '../params/params.ts'
import { WORKLOAD_API, type Workload } from '../workload/api.ts'
import {
  firstLine,
  isPath,
  loadModule,
  notMadeBy,
  type SourceFile,
  whyNotOfThisApi,
} from './module.ts'
import { within } from './within.ts'

export interface LoadedWorkload {
  readonly definition: Workload
  /** Where it came from, if it did not come with the program. */
  readonly file?: SourceFile
}

/** A workload by its name or path; a file must have this `hash`. Throws Error in one line: unknown, missing or invalid. */
export async function loadWorkload(
  nameOrPath: string,
  { hash }: { readonly hash?: string | undefined } = {},
): Promise<LoadedWorkload> {
  if (!isPath(nameOrPath)) {
    const definition = WORKLOADS.find((workload) => workload.name === nameOrPath)
    if (definition === undefined) {
      throw new Error(
        unknown(
          'workload',
          nameOrPath,
          WORKLOADS.map((workload) => workload.name),
        ),
      )
    }
    return { definition }
  }
  const { given: definition, file } = await loadModule('workload', nameOrPath, hash)
  const reason = whyNotOfThisApi('workload', definition, WORKLOAD_API) ?? whyNoWorkload(definition)
  if (reason !== undefined) throw new Error(`invalid workload file: ${file.path}: ${reason}`)
  return { definition: definition as Workload, file }
}

/** For `needs` to come back. */
const SECONDS = 5

function whyNoWorkload(value: unknown): string | undefined {
  const { name, params, needs, generate } = (value ?? {}) as Partial<Workload>
  const made = [needs, generate].every((hook) => typeof hook === 'function')
  if (typeof name !== 'string' || typeof params !== 'object' || !made) {
    return notMadeBy('defineWorkload', value)
  }
  if (WORKLOADS.some((workload) => workload.name === name)) {
    return `invalid workload name: ${name} comes with the program; expected another`
  }
  try {
    within(SECONDS, 'needs', () => (value as Workload).needs(defaults(params)))
    return undefined
  } catch (error) {
    return firstLine(error)
  }
}
