/** search.test: which of the tests that differ are kept, on a machine on which nothing is ever mapped. */
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { DONE, PAGE_NONE } from '../litmus/machine-shape.ts'
import type { LitmusTest } from '../litmus/program.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { litmusMachine } from '../run.ts'
import type { LiveDriver } from './driver.ts'
import type { Facilities } from './facilities.ts'
import type { OperationSeen } from './request.ts'
import { type Found, randomOptions, search } from './search.ts'

const NOTHING = { kind: PAGE_NONE, pfn: 0, flags: 0 }
const PAGE = { before: NOTHING, after: NOTHING, token: 0, faults: 0, status: DONE }

/** Every operation is done, and finds and leaves no page. */
const driver = {
  run: (test: LitmusTest): Promise<OperationSeen[]> =>
    Promise.resolve(
      test.operations.map(({ pages }) => ({
        ...{ status: DONE, error: 0, pages: new Array(pages).fill(PAGE) },
      })),
    ),
} as unknown as LiveDriver

const machine: Facilities = {
  ...{ kernel: '6.18', swap: 'none', thp: '', mthp: [] },
  ...{ ksm: false, uffdWp: false, softDirty: false, ioUring: false, device: false },
}

test('of every kind the first is kept, cut down, and told at once', async () => {
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const cost = DEFAULT_PROFILE
  const told: Found[] = []
  const result = await search(
    { driver, machine: () => litmusMachine({ policy, params: {}, cost }), thpAlways: false },
    { tests: 30, seed: 1, model: 'mm-id', machine, ...randomOptions(machine) },
    (found) => told.push(found),
  )
  const { kinds, ...counts } = result
  // Fourteen tests need what this machine has not. Most of the others differ by a second store to a page.
  expect(counts).toEqual({ tests: 16, agreements: 90, differing: 14, unstable: 0 })
  expect(kinds).toEqual(told)
  expect(
    kinds.map(({ index, lines, difference: { live, model } }) => [
      ...[index, lines.slice(1), live.outcome, model.outcome],
    ]),
  ).toEqual([
    [0, ['mmap A a1 600', 'read A a1[1]'], '1=pagecache', '1=zeropage'],
    [
      5,
      ['mmap A a1 1', 'pin A a1[0] P2 vmsplice', 'write A a1[0]'],
      '0=zerofill',
      '0=zeropage_to_anon',
    ],
    [21, ['mmap A a1 8', 'write A a1', 'write A a1[7]'], '7=zerofill', '7=nofault'],
  ])
})
