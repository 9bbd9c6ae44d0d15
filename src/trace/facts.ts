/**
 * facts: what a trace consists of, as `trace info` prints it.
 */
import { HPAGE_PMD_ORDER } from './hpage.ts'
import { OP_BEGIN, OP_EXIT, OP_FORK, OP_LABELS, OP_LOAD, OP_SPAWN, OP_STORE } from './ops.ts'
import { type Chunk, SEGMENT, type Trace } from './trace.ts'

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

/** Looks through a trace piece by piece. */
export class TraceDescriber {
  readonly #counts = new Array<number>(OP_LABELS.length).fill(0)
  readonly #pages = new Set<number>()
  #alive = 0
  #peakProcesses = 0

  take({ segments, args }: Chunk): void {
    const counts = this.#counts
    for (let s = 0; s < segments.length; s += SEGMENT) {
      const op = segments[s]!
      const lo = segments[s + 2]!
      const hi = segments[s + 3]!
      if (op === OP_LOAD || op === OP_STORE) {
        counts[op] = counts[op]! + (hi - lo)
        for (let i = lo; i < hi; i++) this.#pages.add(args[i]!)
        continue
      }
      counts[op] = counts[op]! + 1
      const forks = op === OP_FORK || (op === OP_BEGIN && args[lo + 1] === OP_FORK)
      if (op === OP_SPAWN || forks)
        this.#peakProcesses = Math.max(this.#peakProcesses, ++this.#alive)
      else if (op === OP_EXIT) this.#alive--
    }
  }

  /** Of all pieces so far, which are a trace of that many events and processes. */
  facts({ events, processes }: Pick<Trace, 'events' | 'processes'>): TraceFacts {
    const counted = OP_LABELS.map((label, op) => [label, this.#counts[op]!] as const)
    const operations = Object.fromEntries(counted.filter(([, times]) => times > 0))
    const regions = new Set([...this.#pages].map((page) => page >>> HPAGE_PMD_ORDER)).size
    const peakProcesses = this.#peakProcesses
    return { events, operations, processes, peakProcesses, pages: this.#pages.size, regions }
  }
}
