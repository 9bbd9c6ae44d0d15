/**
 * fork-time: what a fork costs for each page-table entry, where frames lie in random order.
 */
import { Oracle } from '../../src/oracle/oracle.ts'
import { OP_FORK } from '../../src/trace/ops.ts'
import { SEGMENT } from '../../src/trace/trace.ts'
import { newEngine } from './simulate-file.ts'
import { readTrace } from './traces.ts'

export interface ForkOptions {
  readonly trace: string
  readonly policy: string
  /** Pages of the parent. */
  readonly pages: number
}

/** Runs the trace and times its forks alone. */
export function measureForks({ trace: path, policy, pages }: ForkOptions): {
  readonly forkNsPerPte: number
} {
  const { segments, args } = readTrace(path)
  const engine = newEngine(policy, new Oracle())
  let us = 0
  let forks = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = 0, mm = 0, lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
    // Precise to the microsecond, but of all threads; beside a fork there is nothing left to compile.
    const before = process.cpuUsage()
    engine.runSegment(op, mm, args, lo, hi)
    if (op !== OP_FORK) continue
    const { user, system } = process.cpuUsage(before)
    us += user + system
    forks++
  }
  return { forkNsPerPte: (us * 1e3) / (forks * pages) }
}
