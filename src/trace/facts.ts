/**
 * facts: what a trace consists of, as `trace info` prints it.
 */
import { OP_BEGIN, OP_EXIT, OP_FORK, OP_LABELS, OP_LOAD, OP_SPAWN, OP_STORE } from './ops.ts'
import { SEGMENT, type Trace } from './trace.ts'

export interface TraceFacts {
  readonly events: number
  /** Events by the label of their operation, in the order of the operation codes; none that does not occur. */
  readonly operations: Readonly<Record<string, number>>
  readonly processes: number
  /** The most processes alive at once. */
  readonly peakProcesses: number
  /** Page numbers that some process loads or stores, and the 2 MiB ranges they lie in. */
  readonly pages: number
  readonly regions: number
}

const PAGES_PER_REGION_SHIFT = 9

export function describeTrace({ segments, args, events, processes }: Trace): TraceFacts {
  const counts = new Array<number>(OP_LABELS.length).fill(0)
  const pages = new Set<number>()
  let alive = 0
  let peakProcesses = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const op = segments[s]!
    const lo = segments[s + 2]!
    const hi = segments[s + 3]!
    if (op === OP_LOAD || op === OP_STORE) {
      counts[op] = counts[op]! + (hi - lo)
      for (let i = lo; i < hi; i++) pages.add(args[i]!)
      continue
    }
    counts[op] = counts[op]! + 1
    const forks = op === OP_FORK || (op === OP_BEGIN && args[lo + 1] === OP_FORK)
    if (op === OP_SPAWN || forks) peakProcesses = Math.max(peakProcesses, ++alive)
    else if (op === OP_EXIT) alive--
  }
  const operations = Object.fromEntries(
    OP_LABELS.map((label, op) => [label, counts[op]!] as const).filter(([, times]) => times > 0),
  )
  const regions = new Set([...pages].map((page) => page >>> PAGES_PER_REGION_SHIFT)).size
  return { events, operations, processes, peakProcesses, pages: pages.size, regions }
}
