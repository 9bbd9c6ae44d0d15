/** closest.test: typing mistakes find their name, and strangers find none. */
import { expect, test } from 'vitest'
import { closest, unknown } from './closest.ts'

const names = ['always-copy', 'mapcount', 'page-count', 'page-count-refined', 'anon-exclusive']

test.each([
  ['mapcont', 'mapcount'], // one letter left out
  ['mapconut', 'mapcount'], // two swapped
  ['pagecount', 'page-count'],
  ['MAPCOUNT', 'mapcount'],
  ['anon', 'anon-exclusive'], // the beginning of a name
  ['page-count-', 'page-count'], // one letter too many is nearer than seven too few
])('%s is taken for %s', (typed, meant) => {
  expect(closest(typed, names)).toBe(meant)
})

test('a word that is near nothing is taken for nothing', () => {
  expect(closest('zebra', names)).toBeUndefined()
  expect(closest('mapcount', [])).toBeUndefined()
  // The dashes of flags do not count as letters they share.
  expect(closest('--bogus', ['--jobs'])).toBeUndefined()
  expect(closest('--job', ['--jobs'])).toBe('--jobs')
})

test('the message names the mistake, the nearest name and all names', () => {
  expect(unknown('policy', 'mapcont', ['mapcount', 'mm-id'])).toBe(
    'unknown policy: mapcont; did you mean mapcount? available: mapcount, mm-id',
  )
  expect(unknown('policy', 'zebra', [])).toBe('unknown policy: zebra; available: none')
})
