/** reached: an oracle that others can ask how far it has come, while the thread that it runs on is busy. */
import { Oracle } from './oracle.ts'

export class ReachedOracle extends Oracle {
  readonly #reached: Int32Array

  /** The number of the event under way is written to `reached[0]`, in shared memory. */
  constructor(reached: Int32Array) {
    super()
    this.#reached = reached
  }

  override get event(): number {
    return super.event
  }

  override set event(event: number) {
    super.event = event
    this.#reached[0] = event
  }
}
