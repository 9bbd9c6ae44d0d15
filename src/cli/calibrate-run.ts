/** calibrate-run: a cost profile of this machine, as JSON that `run --cost` reads. */
import { readFileSync, writeFileSync } from 'node:fs'
import { driverProgram } from '../live/build.ts'
import { costsOf, measure } from '../live/calibrate.ts'
import { demandLinuxRoot, MissingFacility } from '../live/facilities.ts'
import { COST_PROFILES, COST_UNITS, parseCostProfile } from '../metrics/cost.ts'
import { unknown } from '../params/closest.ts'
import { print, say } from './streams.ts'
import { UsageError } from './usage-error.ts'

/** Returns the exit code: 5 if this machine cannot be measured. */
export function runCalibrate(output: string | undefined, base: string | undefined): number {
  const from = base ?? (isGuest() ? 'vm' : 'bare-metal')
  if (!Object.hasOwn(COST_PROFILES, from)) {
    throw new UsageError(unknown('cost profile', from, Object.keys(COST_PROFILES)))
  }
  try {
    demandLinuxRoot()
    const measured = costsOf(measure(driverProgram()))
    const profile = { base: from, ...measured }
    parseCostProfile(profile)
    const text = `${JSON.stringify(profile, null, 2)}\n`
    if (output === undefined) print(text)
    else writeFileSync(output, text)
    const rest = Object.keys(COST_UNITS).filter((unit) => !Object.hasOwn(measured, unit))
    say(`measured ${Object.keys(measured).length} costs; from ${from}: ${rest.join(', ')}`)
    return 0
  } catch (error) {
    if (!(error instanceof MissingFacility)) throw error
    say(`cowbench: ${error.message}`)
    return 5
  }
}

/** Does a hypervisor say that it is there? */
function isGuest(): boolean {
  try {
    return /^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}
