/** selftests: the matrix of the kernel's own copy-on-write test on the running kernel, a line for each cell. */
import { selftestCells } from '../../litmus/selftests.ts'
import type { LiveDriver } from '../../live/driver.ts'
import type { Facilities } from '../../live/facilities.ts'
import { observe, REPEATS } from '../../live/observe.ts'
import { counted, print, say } from '../shell/streams.ts'
import { runnableTests } from './tests.ts'

export interface SelftestRequest {
  readonly drained: boolean
  readonly json: boolean
}

/** Returns the exit code: 4 if a cell fails. */
export async function showSelftests(
  driver: LiveDriver,
  machine: Facilities,
  { drained, json }: SelftestRequest,
): Promise<number> {
  const cells = selftestCells()
  const all = cells.map(({ test }) => test)
  const runnable = new Set(runnableTests(all, machine))
  const failed: string[] = []
  for (const { test, case: name, state, failure } of cells) {
    if (!runnable.has(test)) continue
    const seen = await observe(driver, test, { drained, thpAlways: machine.thp === 'always' })
    const why = failure(seen.map(({ result }) => result))
    if (why !== undefined) failed.push(test.name)
    if (json) print(JSON.stringify({ case: name, state, kernel: machine.kernel, failure: why }))
    else print(`${name}, ${state}: ${why === undefined ? 'ok' : `FAILS: ${why}`}`)
  }
  say(
    `Linux ${machine.kernel}: ${counted(runnable.size, 'cell')} of ${cells.length} run, ${REPEATS} times ` +
      `each; ${failed.length} fail`,
  )
  return failed.length > 0 ? 4 : 0
}
