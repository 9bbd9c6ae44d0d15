/** compare.test: what is said of a kernel that has nothing to compare, which any machine can be asked. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LiveDriver } from '../../live/driver.ts'
import type { Facilities } from '../../live/facilities.ts'
import { LITMUS } from '../../test/litmus-models.ts'
import { recordOrCompare } from './compare.ts'

let err: string
beforeEach(() => {
  err = ''
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const MACHINE: Facilities = {
  ...{ kernel: '6.18.44', swap: 'none', thp: 'never', mthp: [], ksm: false },
  ...{ uffdWp: false, softDirty: false, ioUring: false, device: false },
}
/** Nothing is asked of it: every test is skipped. */
const DRIVER = {} as LiveDriver

test.each([false, true])(
  'where every test is skipped nothing agrees (--json: %s)',
  async (json) => {
    const files = [join(LITMUS, 'races', 'locks.cow')]
    const request = { files, against: 'mm-id', selftests: false, record: undefined, drained: false }
    await expect(
      recordOrCompare(DRIVER, MACHINE, { ...request, seconds: 10, json }),
    ).rejects.toThrow('missing operations: nothing to compare with mm-id')
    expect(err).toBe('1 test skipped: no system call stops in the middle of another one\n')
  },
)
