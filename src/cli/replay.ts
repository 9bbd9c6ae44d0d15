/** replay: the command that shows one event of a cell again. */
import { relative } from 'node:path'
import { defaults, formatValue, type Params } from '../params/params.ts'
import type { Cell, Settings } from '../plan.ts'
import { NOISE_PARAMS } from '../sim/noise.ts'
import type { TraceOrigin } from './run-inputs.ts'

/** `cowbench explain ... --event N`, with the parameters that differ from their defaults. */
export function replayCommand(
  { policy, policyValues, trace, noise }: Cell,
  origin: TraceOrigin | undefined,
  event: number,
): string {
  const { definition, file, kernel } = policy
  const who =
    kernel === undefined
      ? ['--policy', file === undefined ? definition.name : pathOf(file.path)]
      : ['--kernel', kernel.name]
  const { workload, values, seed } = trace
  const what = origin !== undefined && 'workload' in origin ? '--workload' : '--trace'
  const where = workload.file === undefined ? workload.name : pathOf(workload.file.path)
  const fixed = kernel === undefined ? policyValues : {}
  const params = [
    ...changed(definition.params, fixed),
    ...changed(workload.params, values),
    ...changed(NOISE_PARAMS, noise ?? {}),
  ]
  return [
    ...['cowbench', 'explain', ...who, what, where],
    ...params.flatMap((param) => ['--param', param]),
    ...['--seed', String(seed), '--event', String(event)],
  ].join(' ')
}

function changed(params: Params, values: Settings): string[] {
  const usual: Settings = defaults(params)
  return Object.entries(values)
    .filter(([name, value]) => usual[name] !== value)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
}

/** From here, as it would be typed. */
function pathOf(absolute: string): string {
  const path = relative('', absolute)
  const shown = path.startsWith('..') ? absolute : `./${path}`
  return /^[\w./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`
}
