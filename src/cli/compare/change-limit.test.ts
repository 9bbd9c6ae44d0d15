/** change-limit.test: which changes are too much. */
import { expect, test } from 'vitest'
import type { Difference, Verdict } from '../../metrics/paired.ts'
import { parseChangeLimit } from './change-limit.ts'

function difference(base: number, next: number, verdict: Verdict = 'worse'): Difference {
  const mean = next - base
  return {
    group: { policy: 'mine', workload: 'w', params: '', pairs: [] },
    ...{ metric: 'copies', base, next, verdict, effect: undefined },
    difference: { n: 3, mean, low: mean, high: mean },
    relative: base === 0 ? undefined : mean / base,
  }
}

test.each<[string, number, number, boolean]>([
  ['copies:+5%', 100, 106, true],
  ['copies:+5%', 100, 105, false], // the limit itself is allowed
  ['copies:+5%', 100, 50, false], // less is not more
  ['copies:-5%', 100, 94, true],
  ['copies:-5%', 100, 106, false],
  ['copies:+0%', 100, 101, true],
  ['copies:+5%', 0, 1, true], // from nothing, every growth is beyond any percentage
  ['copies:+2.5%', 1000, 1026, true],
  ['copies:+5', 100, 106, true],
  ['copies:+5', 100, 105, false],
])('%s: from %i to %i is too much: %s', (text, base, next, exceeded) => {
  expect(parseChangeLimit(text).exceeded(difference(base, next))).toBe(exceeded)
})

test('noise is never too much', () => {
  const limit = parseChangeLimit('copies:+5%')
  expect(limit.exceeded(difference(100, 200, 'within noise'))).toBe(false)
})

test.each([
  ['copies:5%', 'invalid --fail-on: copies:5%; expected a limit such as copies:+5%'],
  ['copies:+', 'invalid --fail-on: copies:+; expected a limit such as copies:+5%'],
])('%s is refused', (text, message) => {
  expect(() => parseChangeLimit(text)).toThrow(message)
})

test('an unknown metric is refused with the closest', () => {
  expect(() => parseChangeLimit('copie:+5%')).toThrow(
    /^unknown metric: copie; did you mean copies\?/,
  )
})
