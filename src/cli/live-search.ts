/** live-search: random tests and real programs, on the running kernel and in a model. */
import { driverProgram } from '../live/build.ts'
import type { LiveDriver } from '../live/driver.ts'
import type { Facilities } from '../live/facilities.ts'
import { compareProgram, formatCounts } from '../live/program.ts'
import { formatFound, randomOptions, search } from '../live/search.ts'
import { litmusMachine } from '../run.ts'
import { modelOf } from './live-model.ts'
import { counted, print, say } from './streams.ts'

export interface SearchRequest {
  readonly against: string | undefined
  readonly seed: number
  readonly json: boolean
}

/** Returns the exit code: 4 if a test differs. */
export async function searchFor(
  tests: number,
  driver: LiveDriver,
  machine: Facilities,
  { against, seed, json }: SearchRequest,
): Promise<number> {
  const { name, settings } = await modelOf(against, machine)
  const options = { tests, seed, model: name, machine, ...randomOptions(machine) }
  const subject = {
    ...{ driver, thpAlways: machine.thp === 'always' },
    machine: () => litmusMachine(settings),
  }
  const result = await search(subject, options, (found) => {
    const cow = formatFound(found, options)
    print(json ? JSON.stringify({ ...found.difference, index: found.index, seed, cow }) : cow)
  })
  const { agreements, differing, unstable, kinds } = result
  say(
    `kernel ${machine.kernel}, model ${name}: ${counted(result.tests, 'random test')}, natural and ` +
      `drained: ${agreements} operations agree; differences: ${differing}, of ` +
      `${counted(kinds.length, 'kind')}; ${unstable} unstable`,
  )
  return differing > 0 ? 4 : 0
}

/** Runs a program under perf, and the model on what was recorded. Returns the exit code. */
export async function compareCounts(
  command: string,
  machine: Facilities,
  { against, json }: Pick<SearchRequest, 'against' | 'json'>,
): Promise<number> {
  const { name, settings } = await modelOf(against, machine)
  const comparison = await compareProgram(command, driverProgram(), settings)
  const { counts, events, seconds, exitCode } = comparison
  if (json) {
    print(JSON.stringify({ program: command, kernel: machine.kernel, model: name, ...comparison }))
    return 0
  }
  for (const count of counts) print(formatCounts(count))
  if (exitCode !== 0) say(`the command returned ${exitCode}`)
  say(
    `kernel ${machine.kernel}, model ${name}: ${events} events in ${seconds.toFixed(1)} s; ` +
      'the kernel counts the reuses of the whole system, about 25 a second when idle',
  )
  return 0
}
