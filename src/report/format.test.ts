/** format.test: numbers read the same on every machine. */
import { expect, test } from 'vitest'
import { count, duration, shortCount } from './format.ts'

test('counts are grouped; a mean keeps one decimal where it matters', () => {
  expect([0, 999, 1000, 1234567].map(count)).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([2.25, 90.3333, 99.96, 8282.3, 3.0].map(count)).toEqual([
    '2.3',
    '90.3',
    '100',
    '8,282',
    '3',
  ])
})

test('short counts take five characters and never print 1000k', () => {
  expect([0, 9999, 12345, 999_499, 999_950, 12_345_678].map(shortCount)).toEqual([
    ...['0', '9999', '12.3k', '999k', '1.00M', '12.3M'],
  ])
})

test('a duration has three digits that count', () => {
  expect([0, 1, 999, 1000, 61_000, 4_300_000, 999_600, 12e9].map(duration)).toEqual([
    ...['0', '1.00 ns', '999 ns', '1.00 us', '61.0 us', '4.30 ms', '1.00 ms', '12.0 s'],
  ])
})
