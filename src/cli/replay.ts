/** replay: the commands that show again what was found: an event of a cell, an operation of a test, a whole test. */
import { relative } from 'node:path'
import { defaults, formatValue, type Params } from '../params/params.ts'
import type { Cell, Settings } from '../plan.ts'
import { NOISE_PARAMS } from '../sim/noise.ts'
import type { TraceOrigin } from './run-inputs.ts'
import { commandLine } from './shell-words.ts'

/** `cowbench explain ... --event N`, with the parameters that differ from their defaults. */
export function cellReplay(
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
  return commandLine([
    ...['cowbench', 'explain', ...who, what, where],
    ...params.flatMap((param) => ['--param', param]),
    ...['--seed', String(seed), '--event', String(event)],
  ])
}

export interface TestReplay {
  readonly command: 'explain' | 'litmus'
  readonly file: string
  readonly who: readonly [flag: '--policy' | '--kernel', name: string]
  readonly drained: boolean
  readonly swapDisk: boolean
  /** The operation to show, if not all. */
  readonly event?: number
}

export function testReplay({ command, file, who, drained, swapDisk, event }: TestReplay): string {
  return commandLine([
    ...['cowbench', command, file, ...who],
    ...(drained ? ['--drained'] : []),
    ...(swapDisk ? ['--swap', 'disk'] : []),
    ...(event === undefined ? [] : ['--event', String(event)]),
  ])
}

/** `name=value` of those that are not the defaults. */
export function changed(params: Params, values: Settings): string[] {
  const usual: Settings = defaults(params)
  return Object.entries(values)
    .filter(([name, value]) => usual[name] !== value)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
}

/** As it is found from here. */
export function pathOf(absolute: string): string {
  const path = relative('', absolute)
  return path.startsWith('..') ? absolute : `./${path}`
}
