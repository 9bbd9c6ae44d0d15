import { expect, test } from 'vitest'
import { spreadOf } from './statistics.ts'

test('the spread has the median, the range and the interval of the median', () => {
  // Of ten values at most one lies below the median in (1 + 10) / 1024 = 1.1 %, at most two in 5.5 % of all cases.
  const ten = [10, 3, 7, 1, 9, 4, 100, 6, 2, 5]
  expect(spreadOf(ten)).toEqual({ median: 5.5, min: 1, max: 100, low: 2, high: 10 })
  // Of fifteen at most three in (1 + 15 + 105 + 455) / 32768 = 1.8 %.
  const fifteen = Array.from({ length: 15 }, (_, i) => i + 1)
  expect(spreadOf(fifteen)).toMatchObject({ median: 8, low: 4, high: 12 })
})

test('fewer than six values are all within the interval', () => {
  expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ median: 3, min: 1, max: 5, low: 1, high: 5 })
  expect(spreadOf([6, 5, 1, 4, 2, 3])).toMatchObject({ low: 1, high: 6 })
})

test('one round has no spread, and two rounds a median between them', () => {
  expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7, low: 7, high: 7 })
  expect(spreadOf([1, 2]).median).toBe(1.5)
})
