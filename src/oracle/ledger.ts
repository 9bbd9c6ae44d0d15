/** ledger: what is counted, which breaches were seen, and which verdicts may turn out to have caused one. */
import { Causes } from './causes.ts'
import { type Breach, type Cause, type Counts, noCounts } from './judge.ts'

/** Breaches that are kept in full; later ones are only counted. */
const BREACHES = 1000

export class Ledger {
  /** Number of the event being judged. */
  event = 0
  readonly counts: Counts = noCounts()
  readonly breaches: Breach[] = []
  readonly #causes = new Causes()

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

  /** A verdict that may be found out at this frame or token. */
  remember(id: number, cause: Cause): void {
    if (id > 0 && this.open) this.#causes.remember(id, cause)
  }

  /** The remembered verdict of `mm` at this frame or token, else the latest one there. */
  cause(id: number, mm: number): Cause | null {
    return this.open ? this.#causes.find(id, mm) : null
  }
}
