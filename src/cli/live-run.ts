/** live-run: litmus tests on the running kernel, from their files to what is printed about them. */
import { writeFileSync } from 'node:fs'
import { compareWithTruth, formatDisagreement } from '../litmus/compare.ts'
import type { LitmusTest } from '../litmus/program.ts'
import type { Truth, TruthOperation } from '../litmus/truth.ts'
import { driverProgram } from '../live/build.ts'
import { configFacts } from '../live/config.ts'
import { LiveDriver } from '../live/driver.ts'
import {
  demandLinuxRoot,
  type Facilities,
  facilitiesOf,
  MissingFacility,
  reasonToSkip,
} from '../live/facilities.ts'
import { LIVE } from '../live/machine.ts'
import { formatTruth, observe, REPEATS, truthOf } from '../live/observe.ts'
import { compareProgram, formatCounts } from '../live/program.ts'
import { formatFound, search } from '../live/search.ts'
import { COST_PROFILES, type CostProfile, DEFAULT_COST } from '../metrics/cost.ts'
import { litmusMachine, type RunSettings } from '../run.ts'
import { KERNELS } from '../sim/kernels.ts'
import { kernelChoice, policyChoice } from './choices.ts'
import { testsOf } from './litmus-run.ts'
import { counted, print, say } from './streams.ts'
import { UsageError } from './usage-error.ts'

export interface LiveRequest {
  readonly files: readonly string[]
  readonly against: string | undefined
  readonly record: string | undefined
  readonly program: string | undefined
  readonly random: number | undefined
  readonly seed: number
  readonly drained: boolean
  readonly json: boolean
}

/** Returns the exit code: 4 if the model disagrees, 5 if this machine cannot run live tests at all. */
export async function runLive(request: LiveRequest): Promise<number> {
  let driver: LiveDriver | undefined
  try {
    demandLinuxRoot()
    driver = new LiveDriver(driverProgram())
    const machine = await facilitiesOf(driver)
    if (request.program !== undefined) return await compareCounts(request.program, machine, request)
    if (request.random !== undefined)
      return await searchFor(request.random, driver, machine, request)
    if (request.record !== undefined || request.against !== undefined) {
      return await recordOrCompare(driver, machine, request)
    }
    return await showTests(driver, machine, request)
  } catch (error) {
    if (!(error instanceof MissingFacility)) throw error
    say(`cowbench: ${error.message}`)
    return 5
  } finally {
    driver?.close()
  }
}

async function showTests(
  driver: LiveDriver,
  machine: Facilities,
  { files, drained, json }: LiveRequest,
): Promise<number> {
  const { runnable, skipped } = sorted(testsOf(files), machine)
  let [operations, unsure] = [0, 0]
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
    }
  }
  saySkipped(skipped)
  const what = `${counted(runnable.length, 'test')} of ${counted(operations, 'operation')}`
  say(`Linux ${machine.kernel}: ${what}, ${REPEATS} times each; ${unsure} unstable`)
  return 0
}

async function recordOrCompare(
  driver: LiveDriver,
  machine: Facilities,
  request: LiveRequest,
): Promise<number> {
  const model = await modelOf(request.against, machine)
  const { runnable, skipped } = sorted(testsOf(request.files), machine)
  const tests = new Map<string, TruthOperation[]>()
  const thpAlways = machine.thp === 'always'
  for (const test of runnable) {
    const natural = await observe(driver, test, { drained: false, thpAlways })
    const drained = await observe(driver, test, { drained: true, thpAlways })
    tests.set(test.name, truthOf(natural, drained))
  }
  const truth: Truth = {
    ...{ kernel: machine.kernel, what: `Linux ${machine.kernel}`, policy: model.policy, tests },
    ...{ informative: false, naturalOnly: false, blind: false, padded: false },
  }
  saySkipped(skipped)
  if (request.record !== undefined) {
    writeFileSync(request.record, formatTruth(truth, configFacts(machine)))
    say(`${request.record}: ${counted(tests.size, 'test')} on Linux ${machine.kernel}`)
  }
  return request.against === undefined ? 0 : compare(truth, runnable, model, request)
}

function compare(
  truth: Truth,
  tests: readonly LitmusTest[],
  { name, settings }: Model,
  { drained, json }: LiveRequest,
): number {
  const byName = new Map(tests.map((test) => [test.name, test]))
  const states = drained ? (['drained'] as const) : (['natural', 'drained'] as const)
  let disagreed = 0
  for (const state of states) {
    const comparison = compareWithTruth(truth, {
      tests: byName,
      machines:
        ({ swapDisk }) =>
        () =>
          litmusMachine({ ...settings, swapDisk }),
      states: [state],
    })
    const { agreements, disagreements } = comparison
    disagreed += disagreements.length
    if (json) {
      print(JSON.stringify({ ...comparison, model: name, state }))
      continue
    }
    for (const disagreement of disagreements) print(formatDisagreement(disagreement))
    const all = agreements + disagreements.length
    const percent = all === 0 ? 100 : Math.floor((agreements / all) * 1000) / 10
    const what = `${agreements} of ${all} operations agree (${percent} %)`
    print(`kernel ${truth.kernel}, model ${name}, ${state}: ${what}`)
  }
  return disagreed > 0 ? 4 : 0
}

async function searchFor(
  tests: number,
  driver: LiveDriver,
  machine: Facilities,
  { against, seed }: LiveRequest,
): Promise<number> {
  const { name, settings } = await modelOf(against, machine)
  const options = {
    ...{ tests, seed, model: name, machine, swap: machine.swap, uffdWp: machine.uffdWp },
    thp: machine.mthp.length === 0 && machine.thp !== '' && machine.thp !== 'never',
  }
  const subject = {
    ...{ driver, thpAlways: machine.thp === 'always' },
    machine: () => litmusMachine(settings),
  }
  const result = await search(subject, options, (found) => print(formatFound(found, options)))
  const { agreements, differing, unstable, kinds } = result
  say(
    `kernel ${machine.kernel}, model ${name}: ${counted(result.tests, 'random test')}, natural and ` +
      `drained: ${agreements} operations agree; ${counted(differing, 'test')} differ, ` +
      `${counted(kinds.length, 'kind')}; ${unstable} unstable`,
  )
  return differing > 0 ? 4 : 0
}

async function compareCounts(
  command: string,
  machine: Facilities,
  { against, json }: LiveRequest,
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

interface Model {
  /** As it was asked for. */
  readonly name: string
  readonly policy: string
  readonly settings: RunSettings
}

/** The policy or kernel that was named, or else the model of the running kernel. */
async function modelOf(name: string | undefined, machine: Facilities): Promise<Model> {
  const isKernel = (text: string) => KERNELS.some((kernel) => kernel.name === text)
  const asked = name ?? machine.kernel
  if (name === undefined && !isKernel(asked)) {
    throw new UsageError(`missing --against: no model of Linux ${asked} is known`)
  }
  const { definition, kernel } = isKernel(asked)
    ? await kernelChoice(asked)
    : await policyChoice(asked)
  const cost = COST_PROFILES[DEFAULT_COST] as CostProfile
  return {
    name: asked,
    policy: definition.name,
    settings: {
      ...{ policy: definition, params: kernel?.params ?? {}, cost },
      ...(kernel === undefined ? {} : { era: kernel.era }),
    },
  }
}

interface Sorted {
  readonly runnable: readonly LitmusTest[]
  readonly skipped: ReadonlyMap<string, number>
}

/** The tests that this machine can run, and how many it cannot, by reason. */
function sorted(tests: readonly LitmusTest[], machine: Facilities): Sorted {
  const skipped = new Map<string, number>()
  const runnable = tests.filter((test) => {
    const reason = reasonToSkip(test, machine)
    if (reason !== undefined) skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
    return reason === undefined
  })
  return { runnable, skipped }
}

function saySkipped(skipped: ReadonlyMap<string, number>): void {
  for (const [reason, tests] of skipped) say(`${counted(tests, 'test')} skipped: ${reason}`)
}
