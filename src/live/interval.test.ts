/** interval.test: intervals of few measurements, worked out by hand. */
import { expect, test } from 'vitest'
import { intervalOf } from './interval.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i)

test('the median of six lies between the lowest and the highest, but for 2 of 64 cases', () => {
  expect(intervalOf(upTo(6))).toEqual({ median: 3.5, low: 1, high: 6 })
})

test('more measurements let go of the extremes', () => {
  // Twice the chance of no or one head in 9 is 2 * 10 / 512 = 3.9 %; of two or fewer 18 %.
  expect(intervalOf(upTo(9))).toEqual({ median: 5, low: 2, high: 8 })
  // Known from tables of the sign test: the 6th and the 15th of 20.
  expect(intervalOf(upTo(20))).toEqual({ median: 10.5, low: 6, high: 15 })
})

test('five are too few', () => {
  expect(() => intervalOf(upTo(5))).toThrow('missing rounds: an interval takes 6')
})
