/** thread: one thread that does one task after the other, and says of each what became of it. */
import { Worker } from 'node:worker_threads'
import type { Failure } from '../../worker.ts'

/** What a thread has to be started with. */
export interface ThreadOptions {
  /** File of the worker. */
  readonly worker: URL
  /** When aborted, the thread stops where it is and its task is not finished. */
  readonly signal: AbortSignal
}

type Outcome<T> = T | Failure | undefined

export class Thread {
  readonly #worker: Worker
  readonly #signal: AbortSignal
  #answer: ((outcome: Outcome<unknown>) => void) | undefined
  dead = false

  constructor({ worker, signal }: ThreadOptions) {
    this.#worker = new Worker(worker)
    this.#signal = signal
    this.#worker.on('message', (outcome: unknown) => this.#settle(outcome))
    this.#worker.on('error', (error) => this.fail(error.message))
    this.#worker.on('exit', (code) => this.fail(`the thread ended with code ${code}`))
  }

  /** What became of the task, as the worker says, or why it has no outcome; undefined if it was interrupted. */
  async run<T>(task: object): Promise<Outcome<T>> {
    const interrupt = (): void => this.#end(undefined)
    if (this.#signal.aborted) return undefined
    this.#signal.addEventListener('abort', interrupt, { once: true })
    const outcome = await new Promise<unknown>((resolve) => {
      this.#answer = resolve
      this.#worker.postMessage(task)
    })
    this.#signal.removeEventListener('abort', interrupt)
    return outcome as Outcome<T>
  }

  /** As run, but a task that takes longer has failed. `reached` in it: the number of the event under way. */
  async runWithin<T>(
    seconds: number,
    task: { readonly reached?: Int32Array },
  ): Promise<Outcome<T>> {
    let late: NodeJS.Immediate | undefined
    const timer = setTimeout(() => {
      // Who makes traces hears of results later than they come: one that waits comes before this, and was in time.
      late = setImmediate(() => {
        this.fail(`no result within ${seconds} seconds`, task.reached?.[0])
      })
    }, 1000 * seconds)
    try {
      return await this.run<T>(task)
    } finally {
      clearTimeout(timer)
      clearImmediate(late)
    }
  }

  async stop(): Promise<void> {
    this.dead = true
    await this.#worker.terminate()
  }

  /** Ends the task, and the thread with it. `event`: how far it had come, if it says so. */
  fail(error: string, event?: number): void {
    if (this.dead) return
    if (event === undefined) this.#end({ ok: false, error })
    else this.#end({ ok: false, error: `${error}; at event ${event}`, event })
  }

  #end(outcome: Outcome<never>): void {
    void this.stop()
    this.#settle(outcome)
  }

  #settle(outcome: unknown): void {
    this.#answer?.(outcome)
    this.#answer = undefined
  }
}
