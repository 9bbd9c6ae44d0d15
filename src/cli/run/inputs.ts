/** inputs: the policies, workloads and traces that a run names, loaded, and a description of them for its manifest. */
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { POLICIES } from '../../../policies/index.ts'
import { WORKLOADS } from '../../../workloads/index.ts'
import { type LongTrace, longTrace } from '../../load/long-trace.ts'
import { codeHash, packageRoot } from '../../load/package.ts'
import { loadTrace } from '../../load/trace-file.ts'
import { loadWorkload } from '../../load/workloads.ts'
import { DEFAULT_COST } from '../../metrics/cost.ts'
import { defaults, formatValue, type Params, rangeOf } from '../../params/params.ts'
import { type PlanInput, type PolicyChoice, variantName, type WorkloadChoice } from '../../plan.ts'
import type { Trace } from '../../trace/trace.ts'
import type { Workload } from '../../workload/api.ts'
import { choiceName, kernelChoice, policyChoice, refuseTwins } from '../words/choices.ts'
import { UsageError } from '../words/usage-error.ts'
import type { RunOptions } from './options.ts'

/** Where the events of a workload come from. */
export type TraceOrigin =
  | { readonly workload: Workload }
  | { readonly trace: Trace; readonly hash: string }
  | { readonly file: LongTrace }

export interface Inputs {
  readonly plan: PlanInput
  readonly origins: ReadonlyMap<WorkloadChoice, TraceOrigin>
  /** For the manifest. */
  readonly description: Readonly<Record<string, unknown>>
  /** A name made of the plan: equal for equal plans. */
  readonly name: string
}

/** The recorded trace that belongs to every quick run. */
const QUICK_TRACE = 'workloads/recorded/redis-bgsave.perf.txt.gz'

export async function gatherInputs(options: RunOptions): Promise<Inputs> {
  const policies = await policyChoices(options)
  const origins = await workloadOrigins(options)
  const workloads = [...origins.keys()]
  const { params, sweeps, seeds, cost, oracle, check } = options
  const conditions = { cost, oracle, check, code: codeHash() }
  const description = {
    policies: policies
      .filter(({ kernel }) => kernel === undefined)
      .map((choice) => described(choiceName(choice), choice.definition.params, choice.file)),
    kernels: policies.filter(({ kernel }) => kernel !== undefined).map(choiceName),
    workloads: workloads.map(({ name, params, file }) => described(name, params, file)),
    params: Object.fromEntries(params),
    sweeps: Object.fromEntries(sweeps),
    ...{ seeds, oracle, check },
  }
  return {
    plan: { policies, workloads, params, sweeps, seeds, conditions },
    origins,
    description,
    name: planName(options, policies, workloads, JSON.stringify([description, cost])),
  }
}

/** A file's parameters are known nowhere else. Paths stay out of manifests: they say nothing on another machine. */
function described(
  name: string,
  params: Params,
  file: { readonly hash: string } | undefined,
): unknown {
  if (file === undefined) return name
  const declared = Object.entries(params).map(([id, param]) => {
    const { what } = param
    return [id, { default: formatValue(param.default), range: rangeOf(param), what }]
  })
  const known = declared.length === 0 ? {} : { params: Object.fromEntries(declared) }
  return { name, hash: file.hash, ...known }
}

async function policyChoices({ policies, kernels }: RunOptions): Promise<PolicyChoice[]> {
  const all = policies.length === 0 && kernels.length === 0
  const named = all ? POLICIES.map(({ name }) => name) : policies
  const loaded = await Promise.all(named.map(policyChoice))
  const modelled = await Promise.all(kernels.map(kernelChoice))
  // Variants of a policy share its name, but no two files do.
  const sources = new Map(
    loaded.map(({ definition: { name }, file }) => [file?.path ?? name, name]),
  )
  refuseTwins('policy', [...sources.values()])
  refuseTwins('policy', loaded.map(inFull))
  refuseTwins('kernel', modelled.map(inFull))
  return [...loaded, ...modelled]
}

/** Its name with all parameters, whether they were typed or not. */
function inFull({ definition, params, kernel }: PolicyChoice): string {
  const settings = { ...defaults(definition.params), ...params, ...kernel?.params }
  return variantName(kernel?.name ?? definition.name, settings)
}

async function workloadOrigins(options: RunOptions): Promise<Map<WorkloadChoice, TraceOrigin>> {
  const { quick } = options
  let { workloads, traces } = options
  if (workloads.length === 0 && traces.length === 0) {
    const names = WORKLOADS.filter(({ inQuickRun }) => inQuickRun).map(({ name }) => name)
    if (!quick) {
      throw new UsageError(
        `missing --workload: expected --workload, --trace or --quick; available: ${WORKLOADS.map(({ name }) => name).join(', ')}`,
      )
    }
    workloads = names
    traces = [join(packageRoot(), QUICK_TRACE)]
  }
  const origins = new Map<WorkloadChoice, TraceOrigin>()
  for (const { definition, file } of await Promise.all(
    workloads.map((each) => loadWorkload(each)),
  )) {
    const { name, params } = definition
    const choice: WorkloadChoice = { name, params, needs: (values) => definition.needs(values) }
    origins.set(file === undefined ? choice : { ...choice, file }, { workload: definition })
  }
  for (const path of traces) {
    const name = traceName(path)
    const long = longTrace(path)
    const origin =
      long === undefined ? await loadTrace(path) : { file: long, hash: long.header.hash }
    const file = { path, hash: origin.hash }
    origins.set({ name, params: {}, needs: () => [], file }, origin)
  }
  refuseTwins(
    'workload',
    [...origins.keys()].map(({ name }) => name),
  )
  return origins
}

/** What a trace is called among the workloads: its file's name up to the first dot. */
function traceName(path: string): string {
  const name = basename(path).replace(/\..*/, '')
  if (name !== '') return name
  throw new UsageError(
    `invalid trace name: ${path}; expected a file with a name before its first dot, which its rows have`,
  )
}

function planName(
  options: RunOptions,
  policyChoices: readonly PolicyChoice[],
  workloadChoices: readonly WorkloadChoice[],
  description: string,
): string {
  if (isPlainQuick(options)) return 'quick'
  const hash = createHash('sha256').update(description).digest('hex').slice(0, 6)
  const one = (names: readonly string[], noun: string): string =>
    names.length === 1 ? `${names[0]}` : `${names.length}-${noun}`
  const workload = one(
    workloadChoices.map(({ name }) => name),
    'workloads',
  )
  const policy = one(
    policyChoices.map(({ definition, kernel }) => kernel?.name ?? definition.name),
    'policies',
  )
  return `${workload}-${policy}-${hash}`
}

/** Is it the plan of --quick, and nothing else said that a row depends on? */
function isPlainQuick(options: RunOptions): boolean {
  const { quick, policies, kernels, workloads, traces, params, sweeps, seeds } = options
  const given = [policies, kernels, workloads, traces, [...params], [...sweeps]]
  const { costName, oracle, check } = options
  const usual = costName === DEFAULT_COST && oracle === 'epoch' && !check
  return quick && usual && given.every((list) => list.length === 0) && seeds.join() === '1'
}
