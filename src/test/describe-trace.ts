/** describe-trace: the facts of a trace that is in memory as a whole. */
import { TraceDescriber, type TraceFacts } from '../trace/facts.ts'
import type { Trace } from '../trace/trace.ts'

export function describeTrace(trace: Trace): TraceFacts {
  const describer = new TraceDescriber()
  describer.take(trace)
  return describer.facts(trace)
}
