/** patiently: asks a policy of one's own, which may throw or never answer. */
import { PolicyFailure } from '../load/checked-policy.ts'
import { TooLong, within } from '../load/within.ts'
import { UsageError } from './usage-error.ts'

/** Throws UsageError `invalid policy: NAME: what it did; at PLACE` if `call` does not come back in time. */
export function patiently<T>(policy: string, seconds: number, place: string, call: () => T): T {
  try {
    return within(seconds, 'answer', call)
  } catch (error) {
    if (!(error instanceof PolicyFailure || error instanceof TooLong)) throw error
    throw new UsageError(`invalid policy: ${policy}: ${error.message}; at ${place}`)
  }
}
