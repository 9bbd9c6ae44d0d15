/** tests: the litmus tests that this machine can run; the others are said to be skipped, with the reason. */
import type { LitmusTest } from '../../litmus/program.ts'
import type { Facilities } from '../../live/facilities.ts'
import { reasonToSkip } from '../../live/reason-to-skip.ts'
import { counted, say } from '../shell/streams.ts'

export function runnableTests(tests: readonly LitmusTest[], machine: Facilities): LitmusTest[] {
  const skipped = new Map<string, number>()
  const runnable = tests.filter((test) => {
    const reason = reasonToSkip(test, machine)
    if (reason !== undefined) skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
    return reason === undefined
  })
  for (const [reason, tests] of skipped) say(`${counted(tests, 'test')} skipped: ${reason}`)
  return runnable
}
