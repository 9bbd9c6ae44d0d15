/**
 * guard: what files of one's own do behind a command's back. An error that nobody waits for is told and spoils the exit
 * code, but ends nothing: the other policies go on. A command that never came to its end has not succeeded.
 */
import { loadedFiles, strayMessage } from '../../load/strays.ts'
import { UsageError } from '../words/usage-error.ts'

/** Of a program in which nothing is left to happen though something is waited for, as Node.js has it. */
const UNSETTLED = 13

export class Guard {
  readonly #fail: (error: unknown) => void
  readonly #told = new Set<string>()
  #over = false

  /** `fail` tells an error and sets the exit code. */
  constructor(fail: (error: unknown) => void) {
    this.#fail = fail
    process.on('uncaughtException', (error) => this.#stray(error))
    process.on('exit', (code) => this.#ended(code))
  }

  /** The command has come to its end. */
  end(): void {
    this.#over = true
  }

  /** Tells an error, one out of a loaded file once: each thread may have it. */
  tell(error: unknown): void {
    const stray = strayMessage(error)
    if (stray === undefined || !this.#told.has(stray)) this.#fail(error)
    if (stray !== undefined) this.#told.add(stray)
  }

  #stray(error: unknown): void {
    this.tell(error)
    if (strayMessage(error) !== undefined && !this.#over) return
    this.#over = true
    process.exit()
  }

  #ended(code: number): void {
    if (this.#over) {
      // The command may have set another one since.
      if (code === 0 && this.#told.size > 0) process.exitCode = 2
      return
    }
    if (code !== 0 && code !== UNSETTLED) return
    const files = loadedFiles()
    this.#fail(
      files.length === 0
        ? new Error('the program ended before the command did')
        : new UsageError(
            `invalid policy or workload file: the program ended before the command did, by one of ${files.join(', ')}`,
          ),
    )
  }
}
