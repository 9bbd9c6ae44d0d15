/** pool-options: what those who run cells on threads have to be told, and whom they ask for traces. */
import type { Cell, TraceChoice } from '../../plan.ts'
import type { Produced, Source } from '../../stream/produce.ts'
import type { Trace } from '../../trace/trace.ts'
import type { CellOutcome, CellTask, Seat } from '../../worker.ts'
import type { ThreadOptions } from './thread.ts'

export interface TraceSource {
  /** The trace in shared memory. Throws what the workload threw. */
  get(trace: TraceChoice): Trace
  /** Where a trace comes from that is too long for memory; this may turn out only when it was asked for. */
  source(trace: TraceChoice): Source | undefined
  /** What such a trace was. */
  learn(trace: TraceChoice, produced: Produced): void
  /** About how many there will be. */
  events(trace: TraceChoice): number
  /** No cell needs it any more. */
  drop(trace: TraceChoice): void
}

export interface PoolOptions extends ThreadOptions {
  /** Threads at once. */
  readonly jobs: number
  /** A cell that takes longer has failed. */
  readonly timeoutSeconds: number
  readonly traces: TraceSource
  readonly taskOf: (cell: Cell, trace: Trace | Seat) => CellTask
  readonly finished: (cell: Cell, outcome: CellOutcome, seconds: number) => void
}
