/** pulse: watches a policy of one's own from another thread, and says when a question stays without an answer. */
import { HOOKS, type Pulse } from './checked-policy.ts'

export class PulseWatch {
  /** For the thread that asks. */
  readonly pulse: Pulse = new Int32Array(new SharedArrayBuffer(8))
  readonly #timer: NodeJS.Timeout
  #beats = 0
  #since = performance.now()

  /** Calls `silent` once, with the name of the hook that has not answered for so many seconds. */
  constructor(seconds: number, silent: (hook: string) => void) {
    this.#timer = setInterval(() => {
      const [beats = 0, hook = 0] = this.pulse
      const now = performance.now()
      // Even: every question was answered.
      if (beats !== this.#beats || beats % 2 === 0) this.#since = now
      this.#beats = beats
      if (now - this.#since < 1000 * seconds) return
      this.end()
      silent(HOOKS[hook] ?? '')
    }, 100)
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
