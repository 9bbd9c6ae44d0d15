/** run-tests: litmus tests on the running kernel, from their files to what is printed about them. */
import { expectationFor, meets } from '../../litmus/expect.ts'
import { sayFailure } from '../../litmus/say.ts'
import { driverProgram } from '../../live/build.ts'
import { LiveDriver } from '../../live/driver.ts'
import { demandLinuxRoot, type Facilities, facilitiesOf } from '../../live/facilities.ts'
import { holdKsmd } from '../../live/ksmd.ts'
import { LIVE } from '../../live/machine.ts'
import { observe, REPEATS } from '../../live/observe.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { testsOf } from '../litmus/run-tests.ts'
import { orMissing } from '../shell/missing-facility.ts'
import { counted, print, say } from '../shell/streams.ts'
import { recordOrCompare } from './compare.ts'
import { compareCounts } from './program.ts'
import { searchFor } from './search.ts'
import { showSelftests } from './selftests.ts'
import { runnableTests } from './tests.ts'

export interface LiveRequest {
  readonly files: readonly string[]
  /** The matrix of the kernel's own test in place of files. */
  readonly selftests: boolean
  readonly against: string | undefined
  readonly record: string | undefined
  readonly program: string | undefined
  readonly random: number | undefined
  readonly seed: number
  readonly drained: boolean
  /** For an answer of a policy of one's own. */
  readonly seconds: number
  readonly json: boolean
}

/** Returns the exit code: 4 if the model disagrees or an expectation is not met, 5 if this machine cannot run live tests at all. */
export function runLive(request: LiveRequest): Promise<number> {
  return orMissing(() => onThisMachine(request))
}

async function onThisMachine(request: LiveRequest): Promise<number> {
  let driver: LiveDriver | undefined
  let letGo = (): void => {}
  try {
    demandLinuxRoot()
    driver = new LiveDriver(driverProgram())
    const machine = await facilitiesOf(driver)
    if (request.program !== undefined) return await compareCounts(request.program, machine, request)
    if (machine.ksm) letGo = holdKsmd()
    if (request.random !== undefined)
      return await searchFor(request.random, driver, machine, request)
    if (request.record !== undefined || request.against !== undefined) {
      return await recordOrCompare(driver, machine, request)
    }
    if (request.selftests) return await showSelftests(driver, machine, request)
    return await showTests(driver, machine, request)
  } finally {
    driver?.close()
    letGo()
  }
}

async function showTests(
  driver: LiveDriver,
  machine: Facilities,
  { files, drained, json }: LiveRequest,
): Promise<number> {
  const runnable = runnableTests(testsOf(files), machine)
  const names = namesOf(machine, drained)
  const unmet: string[] = []
  let [operations, unsure, met] = [0, 0, 0]
  for (const test of runnable) {
    for (const { result, unstable } of await observe(driver, test, {
      ...{ drained, thpAlways: machine.thp === 'always' },
    })) {
      operations++
      if (unstable.length > 0) unsure++
      const { n, op, outcome, flags } = result
      if (json) {
        print(JSON.stringify({ ...result.toJSON(), ...(unstable.length > 0 ? { unstable } : {}) }))
      } else {
        const others = unstable.map((other) => `(unstable: ${other})`)
        print([test.name, LIVE, n, `${op}:`, outcome, ...flags, ...others].join(' '))
      }
      const expectation = expectationFor(result.operation, names)
      if (expectation === undefined || unstable.length > 0) continue
      if (meets(expectation, outcome, flags)) met++
      else unmet.push(sayFailure(test, expectation, result))
    }
  }
  for (const line of unmet) say(line)
  const what = `${counted(runnable.length, 'test')} of ${counted(operations, 'operation')}`
  say(
    `Linux ${machine.kernel}: ${what}, ${REPEATS} times each; ${unsure} unstable; ` +
      `${counted(met, 'expectation')} met, ${unmet.length} not`,
  )
  return unmet.length > 0 ? 4 : 0
}

/** What an expectation may call the running kernel: `live`, its version, and the policy that models it. */
function namesOf({ kernel }: Facilities, drained: boolean): string[] {
  const policies = KERNELS.filter(({ name }) => name === kernel).map(({ policy }) => policy)
  return [LIVE, kernel, ...policies, ...(drained ? ['drained'] : [])]
}
