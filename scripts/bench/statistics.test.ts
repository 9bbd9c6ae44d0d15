import { expect, test } from 'vitest'
import { spreadOf } from './statistics.ts'

test('the spread has the median, the range and the 95 % interval of the mean', () => {
  // Mean 3, standard deviation sqrt(2.5), t for 4 degrees of freedom 2.776: 2.776 * sqrt(2.5 / 5) = 1.963.
  const { median, min, max, low, high } = spreadOf([5, 1, 4, 2, 3])
  expect([median, min, max]).toEqual([3, 1, 5])
  expect(low).toBeCloseTo(3 - 1.963, 3)
  expect(high).toBeCloseTo(3 + 1.963, 3)
})

test('one round has no interval, and two rounds a median between them', () => {
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7, low: 7, high: 7 })
  expect(spreadOf([1, 2]).median).toBe(1.5)
})
