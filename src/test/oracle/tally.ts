/** tally: decisions, counted by the definitions of results/README.md. */
import { expect } from 'vitest'
import { type Counts, noCounts } from '../../oracle/judge.ts'
import { SITE_UNSHARE, SITE_WP_HUGE } from '../../policy/verdict.ts'

const DECISIONS = [
  'reuses',
  'copies',
  'needed_copies',
  'spurious_copies',
  'missed_reuses',
  'unsafe_reuses',
  'fork_copies',
  'unshare_copies',
  'huge_reuses',
  'huge_copies',
] as const

export class Tally {
  readonly #counts = noCounts()

  /** One decision about pages that are, one by one, the process's alone or not. */
  decision(site: number, sole: readonly boolean[], reuse: boolean): void {
    const counts = this.#counts
    const all = !sole.includes(false)
    if (reuse) {
      counts.reuses++
      if (site === SITE_WP_HUGE) counts.huge_reuses++
      if (!all) counts.unsafe_reuses++
      return
    }
    counts.copies += sole.length
    if (site === SITE_WP_HUGE) counts.huge_copies++
    if (site === SITE_UNSHARE) counts.unshare_copies += sole.length
    counts.needed_copies += sole.filter((one) => !one).length
    counts.spurious_copies += sole.filter((one) => one).length
    if (all) counts.missed_reuses++
  }

  forkCopy(promised: boolean): void {
    const counts = this.#counts
    counts.copies++
    counts.fork_copies++
    if (promised) counts.needed_copies++
    else counts.spurious_copies++
  }

  compare(judged: Readonly<Counts>): void {
    for (const id of DECISIONS) {
      if (judged[id] !== this.#counts[id])
        expect({ [id]: judged[id] }).toEqual({ [id]: this.#counts[id] })
    }
  }
}
