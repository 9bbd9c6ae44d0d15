/**
 * recent-faults: the last store faults of all address spaces, to know one that is recorded twice.
 *
 * Two threads that fault on one page at once are both recorded, and the second finds its work done. The kernel itself
 * faults twice where it stores with page faults disabled (a signal frame): once to fail, once to fault the page in.
 */
import { PRESENT, WRITE } from './place-fault.ts'

/** Longer than a fault takes to be resolved, shorter than a program takes to undo it and begin anew. */
const WINDOW_MICROS = 1000
const REMEMBERED = 64

export class RecentFaults {
  readonly #mm = new Int32Array(REMEMBERED).fill(-1)
  readonly #page = new Float64Array(REMEMBERED)
  readonly #present = new Uint8Array(REMEMBERED)
  readonly #time = new Float64Array(REMEMBERED)
  #next = 0

  /** Has a store to this page faulted in the same way a moment ago? If not, this one is remembered. */
  again(mm: number, page: number, errorCode: number, time: number): boolean {
    if ((errorCode & WRITE) === 0) return false
    const present = errorCode & PRESENT
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.#page[i] !== page || this.#mm[i] !== mm || this.#present[i] !== present) continue
      if (time - this.#time[i]! <= WINDOW_MICROS) return true
    }
    const i = this.#next
    this.#mm[i] = mm
    this.#page[i] = page
    this.#present[i] = present
    this.#time[i] = time
    this.#next = (i + 1) % REMEMBERED
    return false
  }

  /** After a fork or a change of the mappings, the next store is a fault of its own. */
  forget(mm: number): void {
    for (let i = 0; i < REMEMBERED; i++) if (this.#mm[i] === mm) this.#mm[i] = -1
  }
}
