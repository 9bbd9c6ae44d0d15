/** skip: ends a test that this machine cannot run, with the reason printed; this file keeps it from counting as passed. */
import { expect, type TestContext } from 'vitest'

export function skip(test: TestContext, reason: string): never {
  // A reason is one line, whoever gives it.
  expect(reason).toMatch(/^.+$/)
  console.log(`SKIPPED: ${test.task.name}: ${reason}`)
  return test.skip(reason)
}
