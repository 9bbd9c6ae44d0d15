import { expect, test } from 'vitest'
import { stepsWithin, within } from './within.ts'

test('what returns or throws in time does so as if it had been called', () => {
  expect(within(5, 'answer', () => 7)).toBe(7)
  const odd = new RangeError('odd')
  expect(() =>
    within(5, 'answer', () => {
      throw odd
    }),
  ).toThrow(odd)
})

test('an endless loop ends, whatever it catches, and the program goes on', () => {
  const endless = (): never => {
    for (;;) {
      try {
        JSON.parse('{')
      } catch {}
    }
  }
  expect(() => within(1, 'answer', endless)).toThrow('no answer within 1 seconds')
  expect(within(5, 'answer', () => within(5, 'answer', () => 8))).toBe(8)
})

test('many steps may take long together, one may not', () => {
  let steps = 0
  // 30 steps of 50 ms are longer than a second.
  const slow = (): boolean => {
    for (const until = performance.now() + 50; performance.now() < until; );
    return ++steps < 30
  }
  stepsWithin(1, 'answer', slow)
  expect(steps).toBe(30)
  const stuck = (): boolean => {
    if (++steps === 40) for (;;);
    return true
  }
  expect(() => stepsWithin(1, 'answer', stuck)).toThrow('no answer within 1 seconds')
  expect(steps).toBe(40)
})
