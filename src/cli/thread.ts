/** thread: one thread that does one task after the other, and says of each what became of it. */
import { Worker } from 'node:worker_threads'
import type { Failure } from '../worker.ts'

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
