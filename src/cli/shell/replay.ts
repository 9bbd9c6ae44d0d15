/** replay: the commands that show again what was found: an event of a cell, an operation of a test, a whole test. */
import { relative } from 'node:path'
import { defaults, formatValue, type Params } from '../../params/params.ts'
import { type Cell, type Settings, variantName } from '../../plan.ts'
import { NOISE_PARAMS } from '../../sim/noise.ts'
import type { TraceOrigin } from '../run/inputs.ts'
import { commandLine } from './typed.ts'

/** `cowbench explain ... --event N`, with the parameters that differ from their defaults. */
export function cellReplay(cell: Cell, origin: TraceOrigin | undefined, event: number): string {
  const { trace, noise } = cell
  const { definition, file, params: chosen, kernel } = cell.policy
  const named = kernel?.name ?? (file === undefined ? definition.name : pathOf(file.path))
  const who = [kernel === undefined ? '--policy' : '--kernel', variantName(named, chosen)]
  const { workload, values, seed } = trace
  const what = origin !== undefined && 'workload' in origin ? '--workload' : '--trace'
  const where = workload.file === undefined ? workload.name : pathOf(workload.file.path)
  const params = [
    ...changedByParam(cell),
    ...changed(workload.params, values),
    ...changed(NOISE_PARAMS, noise ?? {}),
  ]
  return commandLine([
    ...['cowbench', 'explain', ...who, what, where],
    ...params.flatMap((param) => ['--param', param]),
    ...['--seed', String(seed), '--event', String(event)],
  ])
}

/** `name=value` of the policy's parameters that neither its kernel fixes nor the name of a variant says. */
export function changedByParam({ policy, policyValues }: Cell): string[] {
  const fixed = { ...policy.params, ...policy.kernel?.params }
  const own = Object.entries(policyValues).filter(([name]) => !Object.hasOwn(fixed, name))
  return changed(policy.definition.params, Object.fromEntries(own))
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
