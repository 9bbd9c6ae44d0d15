/** workloads: finds a workload by name, or loads one from a file. */
import { WORKLOADS } from '../../workloads/index.ts'
import { unknown } from '../params/closest.ts'
import type { Workload } from '../workload/api.ts'
import { defaultExport, isPath, type SourceFile, sourceFile } from './module.ts'

export interface LoadedWorkload {
  readonly definition: Workload
  /** Where it came from, if it did not come with the program. */
  readonly file?: SourceFile
}

/** A workload by its name or path. Throws Error in one line: unknown, missing or invalid. */
export async function loadWorkload(nameOrPath: string): Promise<LoadedWorkload> {
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
  const file = sourceFile('workload', nameOrPath)
  const definition = await defaultExport('workload', file)
  const reason = whyNoWorkload(definition)
  if (reason !== undefined) throw new Error(`invalid workload file: ${file.path}: ${reason}`)
  return { definition: definition as Workload, file }
}

function whyNoWorkload(value: unknown): string | undefined {
  const { name, params, needs, generate } = (value ?? {}) as Partial<Workload>
  const made = [needs, generate].every((hook) => typeof hook === 'function')
  if (typeof name !== 'string' || typeof params !== 'object' || !made) {
    return 'its default export was not made by defineWorkload'
  }
  if (WORKLOADS.some((workload) => workload.name === name)) {
    return `its name is taken: ${name} comes with the program`
  }
  return undefined
}
