/**
 * simulate-file: runs a trace file through one policy and reports what that took, and what was counted.
 */
import { POLICIES } from '../../policies/index.ts'
import { startClock } from '../../src/load/clock.ts'
import { DEFAULT_PROFILE } from '../../src/metrics/cost.ts'
import { Oracle } from '../../src/oracle/oracle.ts'
import { isCopy } from '../../src/policy/api.ts'
import { policyWith } from '../../src/run.ts'
import { Engine } from '../../src/sim/engine.ts'
import { ERAS, type EraName } from '../../src/sim/era.ts'
import { NullJudge } from './null-judge.ts'
import { readTrace } from './traces.ts'

export interface SimulateFileOptions {
  readonly trace: string
  readonly policy: string
  readonly oracle: 'on' | 'off'
  /** Milliseconds since 1970: the clock starts no earlier, so that two samples side by side start together. */
  readonly startAt?: number
}

export interface Simulated {
  readonly cpuMs: number
  readonly waitMs: number
  readonly events: number
  readonly faults: number
  readonly copies: number
  readonly reuses: number
  readonly rssMb: number
}

export function newEngine(policyName: string, judge: Oracle | NullJudge): Engine {
  const definition = POLICIES.find(({ name }) => name === policyName)
  if (definition === undefined) throw new RangeError(`unknown policy: ${policyName}`)
  return new Engine({
    policy: policyWith(definition, {}),
    era: ERAS[definition.kernel as EraName],
    cost: DEFAULT_PROFILE,
    judge,
  })
}

export function simulateFile(options: SimulateFileOptions): Simulated {
  const { trace: path, policy, oracle, startAt = 0 } = options
  const trace = readTrace(path)
  sleepUntil(startAt)
  const stop = startClock()
  const judge = oracle === 'on' ? new Oracle() : new NullJudge()
  const engine = newEngine(policy, judge)
  engine.run(trace)
  const { cpuMs, waitMs } = stop()
  const { counts, verdicts } = engine.machine
  const decided = { copies: 0, reuses: 0 }
  for (const [verdict, times] of verdicts.entries()) {
    if (isCopy(verdict)) decided.copies += times
    else decided.reuses += times
  }
  return {
    ...{ cpuMs, waitMs, events: trace.events },
    faults: counts.loadFaults + counts.storeFaults,
    ...decided,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  }
}

function sleepUntil(time: number): void {
  const left = time - Date.now()
  if (left > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, left)
}
