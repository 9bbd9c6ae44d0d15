/**
 * naive: the reference model of the tests, maps and objects throughout, on a trace.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createJiti } from 'jiti'
import { startClock } from '../../src/load/clock.ts'
import { packageRoot } from '../../src/load/package.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { readTrace } from './traces.ts'

/** It is no part of what is built or published. */
export const REFERENCE = join(packageRoot(), 'src', 'test', 'reference', 'reference-run.ts')

export function hasReference(): boolean {
  return existsSync(REFERENCE)
}

export async function measureNaive({
  trace: path,
  policy,
}: {
  readonly trace: string
  readonly policy: string
}): Promise<{ readonly cpuMs: number; readonly events: number }> {
  const { referenceRun } = await createJiti(import.meta.url).import<{
    referenceRun: (trace: Trace, policy: string) => unknown
  }>(REFERENCE)
  const trace = readTrace(path)
  const stop = startClock()
  referenceRun(trace, policy)
  return { cpuMs: stop().cpuMs, events: trace.events }
}
