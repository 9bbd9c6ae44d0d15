/** kernel-truth.test: the reference model does what every recorded kernel did, operation by operation. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { compareWithTruth, type KernelRecord } from './compare.ts'

const LITMUS = fileURLToPath(new URL('../../../workloads/litmus/', import.meta.url))
const RECORDS = readdirSync(`${LITMUS}truth`)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(`${LITMUS}truth/${file}`, 'utf8')) as KernelRecord)

const cowText = (name: string): string => readFileSync(`${LITMUS}${name}.cow`, 'utf8')

describe('the reference model against recorded kernels', () => {
  test('has records of eleven kernels that count and two that inform', () => {
    expect(RECORDS.filter((record) => !record.informative)).toHaveLength(11)
    expect(RECORDS.filter((record) => record.informative)).toHaveLength(2)
  })

  test.each(RECORDS.filter((record) => !record.informative))(
    'agrees with every operation of $kernel',
    (record) => {
      const { compared, disagreements } = compareWithTruth(record, cowText)
      expect(disagreements).toEqual([])
      // The smallest record has 77 tests in one LRU state only.
      expect(compared).toBeGreaterThan(700)
    },
  )

  test('agrees with every operation of the on-demand-fork prototype', () => {
    const { disagreements } = compareWithTruth(recordOf('5.6.19-on-demand-fork'), cowText)
    expect(disagreements).toEqual([])
  })

  test('differs from the COW PTE v2 prototype in five operations', () => {
    // Three long runs whose allocations the recorder counted only at their ends, a swapcache page that stayed, and a
    // huge page that the prototype took for one of its tables after mremap.
    const { disagreements } = compareWithTruth(recordOf('6.0.6-cow-pte-v2'), cowText)
    expect(disagreements.map((line) => line.slice(0, line.indexOf(' ')))).toEqual([
      '54_fork_swapout_shared_write#12',
      '79_thp_collapse_after_fork_exit#4',
      '80_thp_collapse_child_alive#4',
      '81_thp_mremap#11',
      '8p_thp_pte_cow_one_then_exit#8',
    ])
  })
})

function recordOf(kernel: string): KernelRecord {
  const record = RECORDS.find((one) => one.kernel === kernel)
  if (record === undefined) throw new RangeError(`missing record: ${kernel}`)
  return record
}
