/** calibrate.test: measured times taken apart into units of work. */
import { expect, test } from 'vitest'
import { parseCostProfile } from '../metrics/cost.ts'
import { costsOf } from './calibrate.ts'

const MEASURES = {
  ...{ 'zero-page': 600, 'zero-fill': 1400, 'huge-fill': 120_600, copy: 2000, reuse: 690 },
  ...{ 'huge-copy': 72_000, 'fork-empty': 20_000, 'exit-empty': 26_000 },
  // A table is 1,000 ns and an entry 50: 8 x 1,000 + 4,096 x 50, and 256 x 1,050.
  ...{ 'fork-dense': 20_000 + 212_800, 'fork-sparse': 20_000 + 268_800, 'fork-huge': 84_000 },
  // A table is 300 ns and an entry 40: 8 x 300 + 4,096 x 40, and 256 x 340.
  ...{ 'exit-dense': 26_000 + 166_240, 'exit-sparse': 26_000 + 87_040 },
  ...{ 'protect-many': 700 + 4096 * 70, 'protect-one': 1200, 'protect-none': 700 },
  ...{ split: 15_200, 'drain-full': 2300, 'drain-empty': 500, pin: 45 },
}

test('faults, forks and exits are taken apart into what they consist of', () => {
  expect(costsOf(MEASURES)).toEqual({
    ...{ faultEntry: 600, zeroFill4k: 800, zeroFill2M: 120_000, copy4k: 1400, copy2M: 72_000 },
    ...{ reuse: 90, forkBase: 20_000, ptePerFork: 50, pmdPerFork: 4000, tableAlloc: 1000 },
    ...{ tableFree: 300, ptePerExit: 40, pmdSplit: 14_000, mprotectPerPte: 70 },
    // One page with a stale entry, less the call and the entry: 1,200 - 700 - 70.
    ...{ tlbFlush: 430, lruDrain: 1800, pinPerPage: 45 },
  })
})

test('no cost is negative, however the measurements came out', () => {
  const costs = costsOf({ ...MEASURES, reuse: 10, 'fork-dense': 0, 'drain-full': 0 })
  expect(costs).toMatchObject({ reuse: 0, ptePerFork: 0, lruDrain: 0 })
})

test('the units are those of a cost profile', () => {
  const profile = parseCostProfile({ base: 'vm', ...costsOf(MEASURES) })
  expect(profile.reuse).toBe(90)
})

test('a measurement that is missing is named', () => {
  const { pin: _, ...rest } = MEASURES
  expect(() => costsOf(rest)).toThrow('missing measurement: pin')
})
