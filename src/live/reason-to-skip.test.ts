/** reason-to-skip.test: which tests a machine can run, and why not the others. */
import { expect, test } from 'vitest'
import { parseLitmus } from '../litmus/parse.ts'
import type { LitmusTest } from '../litmus/program.ts'
import type { Facilities } from './facilities.ts'
import { reasonToSkip } from './reason-to-skip.ts'

const machine: Facilities = {
  ...{ kernel: '6.18.44', thp: 'madvise', mthp: [], ksm: false },
  ...{ uffdWp: true, softDirty: true, ioUring: true, device: false, swap: 'memory' },
}

test('what swaps out runs where swap is in memory, and says why not elsewhere', () => {
  const cow = parseLitmus('spawn A\nmmap A buf 1\nwrite A buf\nswapout A buf', 'out')
  expect(reasonToSkip(cow, machine)).toBe(undefined)
  expect(reasonToSkip(cow, { ...machine, swap: 'none' })).toBe('no swap')
  expect(reasonToSkip(cow, { ...machine, swap: 'disk' })).toMatch(/^swap is on a disk/)
})

test('what is named after a swap disk runs on one alone', () => {
  const disk = parseLitmus('spawn A\nmmap A buf 1\nwrite A buf', 'out@diskswap')
  expect(reasonToSkip(disk, machine)).toBe('it is about swap on a disk')
  expect(reasonToSkip(disk, { ...machine, swap: 'none' })).toBe('it is about swap on a disk')
  expect(reasonToSkip(disk, { ...machine, swap: 'disk' })).toBe(undefined)
})

test('what no system call does runs where a device does it', () => {
  const withDevice = { ...machine, device: true }
  const shared = parseLitmus('spawn A\nmmap A buf 1\nfork A B\nswapout A buf', 'shared')
  expect(reasonToSkip(shared, machine)).toMatch(/^no system call swaps out/)
  expect(reasonToSkip(shared, withDevice)).toBe(undefined)
  expect(reasonToSkip(shared, { ...withDevice, swap: 'disk' })).toBe(undefined)
  const huge = parseLitmus('spawn A\nmmap A buf 512 thp\nfork A B\nswapout A buf', 'huge')
  expect(reasonToSkip(huge, withDevice)).toMatch(/^no system call swaps out/)
  const held = parseLitmus('spawn A\nmmap A buf 1\npin A buf P ropin', 'held')
  expect(reasonToSkip(held, machine)).toBe('no system call holds such a pin')
  expect(reasonToSkip(held, withDevice)).toBe(undefined)
})

test('part of a huge page of shared memory is swapped out where a device does it', () => {
  const test = (range: string): LitmusTest =>
    parseLitmus(`spawn A\nmmap A s 512 shared\nmadvise A s collapse\nswapout A s${range}`, 'part')
  expect(reasonToSkip(test('[0..7]'), machine)).toMatch(/part of a huge page/)
  expect(reasonToSkip(test(''), machine)).toBe(undefined)
  expect(reasonToSkip(test('[0..7]'), { ...machine, device: true })).toBe(undefined)
})

test('huge pages on request need memory that was not told to stay small', () => {
  const asked = parseLitmus('spawn A\nmmap A buf 512\nmadvise A buf collapse', 'asked')
  expect(reasonToSkip(asked, machine)).toBe(undefined)
  expect(reasonToSkip(asked, { ...machine, thp: 'always' })).toBe('THP is on for everything')
  const advised = parseLitmus('spawn A\nmmap A buf 8\nmadvise A buf hugepage', 'advised')
  expect(reasonToSkip(advised, machine)).toBe(undefined)
  expect(reasonToSkip(advised, { ...machine, thp: 'never' })).toBe('THP is off')
})
