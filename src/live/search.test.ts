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
  // Twelve tests need what this machine has not. Most of the others differ by a second store to a page.
  expect(counts).toEqual({ tests: 18, agreements: 137, differing: 16, unstable: 0 })
  expect(kinds).toEqual(told)
  const twice = (line: string): string[] => [line, line]
  const file = ['mmap A a1 3 file', 'read A a1[1]']
  const pinned = ['mmap A a1 512', 'pin A a1[511] P2 vmsplice']
  const moved = ['mmap A a1 40', 'mremap A a1[22] a2', 'pin A a2[0] P3 vmsplice']
  expect(
    kinds.map(({ index, lines, difference: { live, model } }) => [
      ...[index, lines.slice(1), live.outcome, model.outcome],
    ]),
  ).toEqual([
    [0, ['mmap A a1 600', 'read A a1[1]'], '1=pagecache', '1=zeropage'],
    [1, ['mmap A a1 2', ...twice('write A a1[0]')], '0=zerofill', '0=nofault'],
    [5, ['mmap A a1 1', 'mprotect A a1[0] ro', 'write A a1[0]'], '0=zerofill', '0=segv'],
    [8, ['mmap A a1 40 shared', 'read A a1', 'read A a1[39]'], '39=pagecache', '39=nofault'],
    [11, [...pinned, 'write A a1[511]'], '511=zerofill', '511=zeropage_to_anon'],
    [15, [...file, 'write A a1'], '0..2=zerofill', '0=zerofill,1=copy,2=zerofill'],
    [28, [...moved, 'write A a2[0]'], '0=zerofill', '0=zeropage_to_anon'],
  ])
})
