/** cell-task: what a thread is told to run a cell. */
import type { Cell } from '../../plan.ts'
import type { CellTask } from '../../worker.ts'
import type { RunOptions } from './options.ts'

export function cellTask<T extends CellTask['trace']>(
  { policy: { definition, file, kernel }, policyValues, trace: { seed }, noise }: Cell,
  trace: T,
  { cost, oracle, check }: Pick<RunOptions, 'cost' | 'oracle' | 'check'>,
): CellTask & { readonly trace: T } {
  return {
    ...{ policy: file?.path ?? definition.name, hash: file?.hash },
    ...{ params: policyValues, cost, oracle, check, trace },
    ...(noise === undefined ? {} : { noise: { values: noise, seed } }),
    ...(kernel === undefined ? {} : { era: kernel.era }),
    ...(file === undefined ? {} : { reached: new Int32Array(new SharedArrayBuffer(4)) }),
  }
}

/** Threads have no TypeScript loader: from the sources, the worker is the one that was built. */
export function workerFile(): URL {
  const built = import.meta.url.endsWith('.js')
  return new URL(built ? '../worker.js' : '../../../dist/src/worker.js', import.meta.url)
}
