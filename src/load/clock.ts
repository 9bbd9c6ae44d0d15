/**
 * clock: CPU time of the calling thread, and how long that thread waited for a CPU meanwhile.
 *
 * On a shared machine wall time says little. Other threads (garbage collection, compilation) work beside it
 * and are left out, as the kernel's own work on other CPUs is for the programs that are compared.
 */
import { readFileSync } from 'node:fs'

export interface Spent {
  readonly cpuMs: number
  /** In the run queue, ready but not running. NaN where the kernel does not say. */
  readonly waitMs: number
  readonly wallMs: number
}

/** Returns what was spent from the call on until the function it returns is called. */
export function startClock(): () => Spent {
  const wall = performance.now()
  const [cpu, wait] = thisThread()
  return () => {
    const [cpuNow, waitNow] = thisThread()
    return { cpuMs: cpuNow - cpu, waitMs: waitNow - wait, wallMs: performance.now() - wall }
  }
}

/** Milliseconds on a CPU and in the run queue so far. */
function thisThread(): [number, number] {
  try {
    const [ran, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')
    return [Number(ran) / 1e6, Number(waited) / 1e6]
  } catch {
    const { user, system } = process.cpuUsage()
    return [(user + system) / 1e3, Number.NaN]
  }
}
