/** patiently: asks a policy of one's own, which may throw or never answer. */
import { PolicyFailure } from '../../load/checked-policy.ts'
import { stepsWithin, TooLong, within } from '../../load/within.ts'
import { UsageError } from '../words/usage-error.ts'

/** Throws UsageError `invalid policy: NAME: what it did; at PLACE` if `call` does not come back in time. */
export function patiently<T>(policy: string, seconds: number, place: string, call: () => T): T {
  return told(policy, place, () => within(seconds, 'answer', call))
}

/** The same for each step of many, until one returns false. */
export function patientSteps(
  policy: string,
  seconds: number,
  place: string,
  step: () => boolean,
): void {
  told(policy, place, () => stepsWithin(seconds, 'answer', step))
}

function told<T>(policy: string, place: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof PolicyFailure || error instanceof TooLong)) throw error
    throw new UsageError(`invalid policy: ${policy}: ${error.message}; at ${place}`)
  }
}
