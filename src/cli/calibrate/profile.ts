/** profile: a cost profile of this machine, as JSON that `run --cost` reads, and how well it foretells. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replaceFile } from '../../files/replace-file.ts'
import { driverProgram } from '../../live/build.ts'
import {
  costsOf,
  intervalsOf,
  MEASURED_UNITS,
  type MeasuredCosts,
  measure,
  unsteadyOf,
} from '../../live/calibrate.ts'
import { demandLinuxRoot, MissingFacility } from '../../live/facilities.ts'
import type { Interval } from '../../live/interval.ts'
import { COST_PROFILES, COST_UNITS, parseCostProfile } from '../../metrics/cost.ts'
import { unknown } from '../../params/closest.ts'
import { orMissing } from '../shell/missing-facility.ts'
import { print, say } from '../shell/streams.ts'
import { UsageError } from '../words/usage-error.ts'
import { Rehearsal } from './rehearsal.ts'

export interface CalibrateRequest {
  readonly output: string | undefined
  readonly base: string | undefined
  readonly rounds: number
}

/** Returns the exit code: 5 if this machine cannot be measured. */
export async function runCalibrate(request: CalibrateRequest): Promise<number> {
  const from = request.base ?? (isGuest() ? 'vm' : 'bare-metal')
  if (!Object.hasOwn(COST_PROFILES, from)) {
    throw new UsageError(unknown('cost profile', from, Object.keys(COST_PROFILES)))
  }
  const folder = mkdtempSync(join(tmpdir(), 'cowbench-calibrate-'))
  try {
    return await orMissing(async () => {
      demandLinuxRoot('calibrations')
      await calibrate(request, from, folder)
      return 0
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function calibrate(
  { output, rounds }: CalibrateRequest,
  base: string,
  folder: string,
): Promise<void> {
  const driver = driverProgram()
  const rehearsal = await Rehearsal.prepare(driver, folder)
  const costs: MeasuredCosts[] = []
  // A round of each in turn: whatever else the machine does meanwhile, it does to both.
  for (let round = 0; round < rounds; round++) {
    costs.push(costsOf(measure(driver)))
    rehearsal.replayOnce()
  }
  const intervals = intervalsOf(costs)
  const unsteady = unsteadyOf(intervals)
  if (unsteady.length > 0) {
    const units = unsteady.join(', ')
    throw new MissingFacility(
      `no steady measurement of ${units} in ${rounds} rounds: the machine is busy; --rounds N takes more`,
    )
  }
  const measured = MEASURED_UNITS.map((unit) => [unit, tenths(intervals[unit].median)])
  const profile = { base, ...Object.fromEntries(measured) }
  const text = `${JSON.stringify(profile, null, 2)}\n`
  if (output === undefined) print(text)
  else replaceFile(output, text)

  say(`${rounds} rounds; medians with 95 % intervals, in ns:`)
  for (const unit of MEASURED_UNITS) say(`  ${unit}: ${formatInterval(intervals[unit])}`)
  const rest = Object.keys(COST_UNITS).filter((unit) => !Object.hasOwn(profile, unit))
  say(`measured ${measured.length} costs; from ${base}: ${rest.join(', ')}`)
  for (const line of rehearsal.compare(parseCostProfile(profile))) say(line)
}

function formatInterval({ median, low, high }: Interval): string {
  return `${tenths(median)} (${tenths(low)} to ${tenths(high)})`
}

function tenths(ns: number): number {
  return Math.round(ns * 10) / 10
}

/** Does a hypervisor say that it is there? */
function isGuest(): boolean {
  try {
    return /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}
