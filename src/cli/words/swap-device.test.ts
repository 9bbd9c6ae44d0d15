/** swap-device.test: a swap device is one of two. */
import { expect, test } from 'vitest'
import { isSwapDisk } from './swap-device.ts'

test('zram is none, a disk is one, anything else is refused with the closest name', () => {
  expect([isSwapDisk('zram'), isSwapDisk('disk')]).toEqual([false, true])
  expect(() => isSwapDisk('disc')).toThrow(
    'unknown swap: disc; did you mean disk? available: zram, disk',
  )
})
