/** facilities.test: what a machine has, read from texts. */
import { expect, test } from 'vitest'
import { mthpOf, swapOf } from './facilities.ts'

const HEADER = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'
const ZRAM = '/dev/zram0                              partition\t262140\t\t0\t\t-2\n'
const FILE = '/swapfile                               file\t\t262140\t\t0\t\t-3\n'

test('swap is in memory where all of it is', () => {
  expect(swapOf(HEADER)).toBe('none')
  expect(swapOf('')).toBe('none')
  expect(swapOf(HEADER + ZRAM)).toBe('memory')
  expect(swapOf(HEADER + ZRAM + FILE)).toBe('disk')
})

test('a size is on by a setting of its own, or inherits that of all', () => {
  const sizes = {
    'hugepages-16kB/enabled': 'always inherit madvise [never]',
    'hugepages-32kB/enabled': 'always inherit [madvise] never',
    'hugepages-64kB/enabled': 'always [inherit] madvise never',
    'hugepages-128kB/enabled': '[always] inherit madvise never',
  }
  const mthp = (all: string): string[] =>
    mthpOf((file) => new Map(Object.entries({ ...sizes, enabled: all })).get(file) ?? '')
  expect(mthp('always [madvise] never')).toEqual(['32', '64', '128'])
  expect(mthp('always madvise [never]')).toEqual(['32', '128'])
  // Kernels before 6.8 have no such files.
  expect(mthpOf((file) => (file === 'enabled' ? '[always] madvise never' : ''))).toEqual([])
})
