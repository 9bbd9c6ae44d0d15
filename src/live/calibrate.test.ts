/** calibrate.test: measured times taken apart into units of work. */
import { expect, test } from 'vitest'
import { parseCostProfile } from '../metrics/cost.ts'
import { costsOf, intervalsOf, MEASURED_UNITS, unsteadyOf } from './calibrate.ts'

const PAGES = 65_536

/** A heap's life: plain accesses take 10 ns; what is in random order takes more, and the mean counts. */
const life = (order: string, more: number) => ({
  // The entry of 600, 800 to fill, and 128 tables of 1,000.
  [`${order}-fill`]: PAGES * (1410 + more) + 128 * 1000,
  [`${order}-plain`]: PAGES * 10,
  // A table is 1,000 ns and an entry 50.
  [`${order}-fork`]: 20_000 + 128 * 1000 + PAGES * 50,
  [`${order}-copy`]: (PAGES / 2) * (2010 + more),
  // Each freed page is 150; a table is 300, an entry 40.
  [`${order}-exit-freeing`]: 26_000 + 128 * 300 + PAGES * 40 + (PAGES / 2) * 150,
  [`${order}-exit-shared`]: 26_000 + 128 * 300 + PAGES * 40,
  [`${order}-reuse`]: (PAGES / 2) * (700 + more),
  [`${order}-zero-page`]: PAGES * 610,
})

const MEASURES: Readonly<Record<string, number>> = {
  ...life('sequence', -100),
  ...life('shuffled', 100),
  ...{ 'huge-fill': 120_600, 'huge-copy': 72_000, 'fork-empty': 20_000, 'exit-empty': 26_000 },
  ...{
    'fork-sparse': 20_000 + 256 * 1050,
    'exit-sparse': 26_000 + 256 * 340,
    'fork-huge': 276_000,
  },
  ...{ 'protect-many': 700 + 4096 * 70, 'protect-one': 1200, 'protect-none': 700 },
  ...{ split: 15_200, 'drain-full': 2300, 'drain-empty': 500, pin: 45 },
}

test('faults, forks and exits are taken apart into what they consist of', () => {
  const costs = costsOf(MEASURES)
  const expected = {
    // What is allocated is freed one day: 800 + 150, and 2,000 - 600 + 150.
    ...{ faultEntry: 600, zeroFill4k: 950, zeroFill2M: 120_000, copy4k: 1550, copy2M: 72_000 },
    ...{ reuse: 90, forkBase: 20_000, ptePerFork: 50, pmdPerFork: 4000, tableAlloc: 1000 },
    ...{ tableFree: 300, ptePerExit: 40, pmdSplit: 14_000, mprotectPerPte: 70 },
    // One page with a stale entry, less the call and the entry: 1,200 - 700 - 70.
    ...{ tlbFlush: 430, lruDrain: 1800, pinPerPage: 45 },
  }
  expect(Object.keys(costs)).toEqual(Object.keys(expected))
  for (const [unit, ns] of Object.entries(expected)) {
    expect(costs[unit as keyof typeof costs], unit).toBeCloseTo(ns, 6)
  }
  expect(parseCostProfile({ base: 'vm', ...costs }).reuse).toBeCloseTo(90, 6)
})

test('a cost comes with its interval, and one that may be nothing is told', () => {
  const noisy = (reuse: number) => costsOf({ ...MEASURES, 'sequence-reuse': (PAGES / 2) * reuse })
  // The mean of both orders, less 610: reuses of 500 to 580 and 800 are 40 to 80.
  const rounds = [500, 520, 540, 560, 580, 580].map(noisy)
  const steady = intervalsOf(rounds)
  expect(steady.reuse.low).toBeCloseTo(40, 6)
  expect(steady.reuse.high).toBeCloseTo(80, 6)
  expect(steady.faultEntry).toEqual({ median: 600, low: 600, high: 600 })
  expect(unsteadyOf(steady)).toEqual([])
  // A round in which a reuse seemed to take no longer than the cheapest fault.
  expect(
    unsteadyOf(intervalsOf([400, ...rounds.map((_, i) => 500 + i)].slice(0, 6).map(noisy))),
  ).toEqual(['reuse'])
  expect(Object.keys(steady)).toEqual(MEASURED_UNITS)
})

test('a measurement that is missing is named', () => {
  const { pin: _, ...rest } = MEASURES
  expect(() => costsOf(rest)).toThrow('missing measurement: pin')
})
