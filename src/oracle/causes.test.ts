/** causes.test: verdicts that are remembered while the table grows, and the one that pushes out another. */
import { expect, test } from 'vitest'
import { Causes } from './causes.ts'
import type { Cause } from './judge.ts'

function cause(mm: number, event: number): Cause {
  return { event, mm, vpn: event, site: 1, verdict: 2 }
}

test('nothing is pushed out as long as 2^17 places would hold everything', () => {
  const causes = new Causes()
  // Names 256 apart meet in every table of up to 256 places.
  for (let i = 1; i <= 300; i++) causes.remember(256 * i, cause(i % 3, i))
  const events = Array.from({ length: 300 }, (_, i) => causes.find(256 * (i + 1), 1)?.event)
  expect(events).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
})

test('a name 2^17 higher pushes the lower one out, of whatever size the table is', () => {
  const causes = new Causes()
  causes.remember(5, cause(0, 1))
  causes.remember(5 + 2 ** 17, cause(0, 2))
  expect(causes.find(5, 0)).toBe(null)
  expect(causes.find(5 + 2 ** 17, 0)).toEqual(cause(0, 2))
})

test('the verdict of the process itself comes before a later one of somebody else', () => {
  const causes = new Causes()
  causes.remember(9, cause(0, 1))
  causes.remember(9, cause(1, 2))
  expect([0, 1, 2].map((mm) => causes.find(9, mm)?.event)).toEqual([1, 2, 2])
})
