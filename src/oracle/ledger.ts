/** ledger: what is counted, which breaches were seen, and which verdicts may turn out to have caused one. */
import { type Breach, type Cause, type Counts, noCounts } from './judge.ts'

/** Breaches that are kept in full; later ones are only counted. */
const BREACHES = 1000
/** Pages whose verdicts are remembered, the latest of them, and verdicts for each. */
const PAGES = 65536
const VERDICTS = 16

export class Ledger {
  /** Number of the event being judged. */
  event = 0
  readonly counts: Counts = noCounts()
  readonly breaches: Breach[] = []
  /** By frame (a store that others can see) or by token (a device's store that its owner cannot see). */
  readonly #causes = new Map<number, Cause[]>()

  /** Can a breach still be recorded with its cause? If not, causes need not be remembered. */
  get open(): boolean {
    return this.breaches.length < BREACHES
  }

  record(breach: Breach): void {
    if (breach.kind === 'leak') this.counts.leaks++
    else if (breach.kind === 'lost_coherence') this.counts.lost_coherence++
    else if (breach.kind === 'lost_write') this.counts.lost_writes++
    else this.counts.lost_events++
    if (this.open) this.breaches.push(breach)
  }

  /** Remembers a verdict that may be found out at this frame or token; of one process, only the latest. */
  remember(id: number, cause: Cause): void {
    if (!this.open) return
    const known = this.#causes.get(id)
    if (known === undefined) {
      if (this.#causes.size === PAGES) {
        for (const oldest of this.#causes.keys()) {
          this.#causes.delete(oldest)
          break
        }
      }
      this.#causes.set(id, [cause])
      return
    }
    const same = known.findIndex((other) => other.mm === cause.mm)
    if (same >= 0) known.splice(same, 1)
    else if (known.length === VERDICTS) known.shift()
    known.push(cause)
  }

  /** The remembered verdict of `author` at this frame or token, else the latest one. */
  cause(id: number, author: number): Cause | null {
    const known = this.#causes.get(id)
    if (known === undefined) return null
    return known.find((cause) => cause.mm === author) ?? known[known.length - 1] ?? null
  }
}
