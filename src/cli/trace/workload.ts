/** workload: makes the trace of a workload for `trace info`, piece by piece. */
import { TooLong } from '../../load/within.ts'
import { loadWorkload } from '../../load/workloads.ts'
import { unknown } from '../../params/closest.ts'
import { formatValues, type Params, type ParamValue, parseParam } from '../../params/params.ts'
import { generate, type Made } from '../../stream/produce.ts'
import type { Chunk } from '../../trace/trace.ts'
import { completeValues } from '../../workload/api.ts'
import { parseParams, parseWhole } from '../words/flags.ts'
import { cellSeconds } from '../words/patience.ts'
import { UsageError } from '../words/usage-error.ts'

export interface WorkloadFlags {
  readonly workload: string | undefined
  readonly param: readonly string[] | undefined
  readonly seed: string | undefined
  readonly timeout: string | undefined
}

/** Hands the pieces to `take`. Returns what the file of a trace would say of it. */
export async function workloadTrace(
  { workload: name = '', param = [], seed = '1', timeout }: WorkloadFlags,
  take: (chunk: Chunk) => void,
): Promise<Made & { readonly source: string }> {
  const { definition, file } = await loadWorkload(name)
  const values = completeValues(definition, valuesOf(definition.params, parseParams(param)))
  const workload = file?.path ?? name
  const cellSeed = parseWhole('seed', seed, 0, 2 ** 31 - 1)
  const generated = { workload, hash: file?.hash, values, seed: cellSeed }
  const made = await generate(generated, take, cellSeconds(timeout)).catch((error: unknown) => {
    if (!(error instanceof TooLong)) throw error
    throw new UsageError(`invalid workload: ${definition.name}: ${error.message}; see --timeout`)
  })
  const params = formatValues(values)
  const cell = `${definition.name}${params === '' ? '' : ` (${params})`}`
  return { ...made, source: `${cell}, seed ${seed}` }
}

function valuesOf(params: Params, texts: ReadonlyMap<string, string>): Record<string, ParamValue> {
  const given = [...texts].map(([name, text]) => {
    const param = Object.hasOwn(params, name) ? params[name] : undefined
    if (param === undefined) throw new UsageError(unknown('parameter', name, Object.keys(params)))
    return [name, parseParam(name, param, text)] as const
  })
  return Object.fromEntries(given)
}
