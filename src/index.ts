/**
 * cowbench as a library: what a policy, a workload or a script imports.
 */
export { POLICIES } from '../policies/index.ts'
export { WORKLOADS } from '../workloads/index.ts'
export { hooksOf } from './hooks-of.ts'
export { COST_PROFILES, type CostProfile, parseCostProfile } from './metrics/cost.ts'
export { METRICS, type MetricId, type MetricValues } from './metrics/schema.ts'
export type { Param, Params, ParamValue, Values } from './params/params.ts'
export * from './policy/api.ts'
export {
  missingCapability,
  type SimulateOptions,
  type SimulateResult,
  simulate,
} from './run.ts'
export { KERNELS, type KernelModel } from './sim/kernels.ts'
export { TraceWriter } from './trace/trace.ts'
export * from './workload/api.ts'
