/**
 * cowbench as a library: what a policy, a workload or a script imports.
 */
export { POLICIES } from '../policies/index.ts'
export { WORKLOADS } from '../workloads/index.ts'
export { hooksOf } from './hooks-of.ts'
export { COST_PROFILES, type CostProfile, type CostUnit, parseCostProfile } from './metrics/cost.ts'
export {
  type Better,
  METRICS,
  type Metric,
  type MetricId,
  type MetricValues,
  type Unit,
} from './metrics/schema.ts'
export type {
  ChoiceParam,
  FlagParam,
  IntParam,
  Param,
  Params,
  ParamValue,
  ValueOf,
  Values,
} from './params/params.ts'
export * from './policy/api.ts'
export {
  FailedEvent,
  missingCapability,
  type SimulateOptions,
  type SimulateResult,
  simulate,
} from './run.ts'
export { KERNELS, type KernelModel } from './sim/kernels.ts'
export type { NoiseSettings, NoiseValues } from './sim/noise.ts'
export {
  type Chunk,
  type ChunkedTrace,
  TraceTooLong,
  TraceWriter,
  type WriterOptions,
} from './trace/trace.ts'
export * from './workload/api.ts'
