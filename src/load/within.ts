/** within: calls what did not come with the program and may never return, and gives up after so many seconds. */
import { createContext, Script } from 'node:vm'

const sandbox: { call?: () => unknown } = {}
const context = createContext(sandbox)
const CALL = new Script('call()')

/** It did not come back in time. */
export class TooLong extends Error {}

/** The call's own result or error. Throws TooLong `no <what> within <n> seconds` if there is neither by then. */
export function within<T>(seconds: number, what: string, call: () => T): T {
  sandbox.call = call
  try {
    return CALL.runInContext(context, { timeout: 1000 * seconds }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new TooLong(`no ${what} within ${seconds} seconds`)
  }
}

/** Calls `step` until it returns false, and gives up on one that takes so many seconds. */
export function stepsWithin(seconds: number, what: string, step: () => boolean): void {
  for (let going = true; going; ) {
    // A guard costs more than most steps: many of them share one.
    within(seconds, what, () => {
      const until = performance.now() + SHARE
      do going = step()
      while (going && performance.now() < until)
    })
  }
}

/** Milliseconds of steps under one guard: by so much a step may have less time than was said. */
const SHARE = 100
