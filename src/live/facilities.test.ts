/** facilities.test: what a machine has, read from texts, and the reason for a skip that follows from it. */
import { expect, test } from 'vitest'
import { parseLitmus } from '../litmus/parse.ts'
import { type Facilities, reasonToSkip, swapOf } from './facilities.ts'

const HEADER = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'
const ZRAM = '/dev/zram0                              partition\t262140\t\t0\t\t-2\n'
const FILE = '/swapfile                               file\t\t262140\t\t0\t\t-3\n'

test('swap is in memory where all of it is', () => {
  expect(swapOf(HEADER)).toBe('none')
  expect(swapOf('')).toBe('none')
  expect(swapOf(HEADER + ZRAM)).toBe('memory')
  expect(swapOf(HEADER + ZRAM + FILE)).toBe('disk')
})

test('what swaps out runs where swap is in memory, and says why not elsewhere', () => {
  const machine: Facilities = {
    ...{ kernel: '6.18.44', thp: 'madvise', mthp: [], ksm: false },
    ...{ uffdWp: true, softDirty: true, ioUring: true, swap: 'memory' },
  }
  const cow = parseLitmus('spawn A\nmmap A buf 1\nwrite A buf\nswapout A buf', 'out')
  expect(reasonToSkip(cow, machine)).toBe(undefined)
  expect(reasonToSkip(cow, { ...machine, swap: 'none' })).toBe('no swap')
  expect(reasonToSkip(cow, { ...machine, swap: 'disk' })).toMatch(/^swap is on a disk/)
})
