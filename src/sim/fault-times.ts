/**
 * FaultTimes: how often a fault took how long, so that percentiles need no list of all faults. There are few distinct
 * times: each is a sum of a few units of work.
 */
export class FaultTimes {
  readonly #times: number[] = []
  readonly #counts: number[] = []
  #last = -1

  add(ns: number, faults = 1): void {
    if (this.#last < 0 || this.#times[this.#last] !== ns) this.#last = this.#find(ns)
    this.#counts[this.#last]! += faults
  }

  /** Kinds of fault alternate, and there are few of them: a search of the list is faster than a Map. */
  #find(ns: number): number {
    const known = this.#times.indexOf(ns)
    if (known >= 0) return known
    this.#counts.push(0)
    return this.#times.push(ns) - 1
  }

  get max(): number {
    return this.#times.reduce((most, ns) => (ns > most ? ns : most), 0)
  }

  /** Shortest time that at least `percent` of all faults did not exceed; 0 if there were none. */
  percentile(percent: number): number {
    const total = this.#counts.reduce((sum, count) => sum + count, 0)
    const order = this.#times.map((_, i) => i).sort((a, b) => this.#times[a]! - this.#times[b]!)
    let below = 0
    for (const i of order) {
      below += this.#counts[i]!
      if (below * 100 >= total * percent) return this.#times[i]!
    }
    return 0
  }
}
