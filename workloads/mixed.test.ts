import { describe, expect, test } from 'vitest'
import { cells, showing } from '../src/test/cells.ts'

describe('mixed', () => {
  test('clairvoyant and the policies from 6.7 on break no promise', () => {
    for (const given of [{}, { order: 9, huge: 20 }]) {
      const policies = ['clairvoyant', 'order0-copy', 'table-scan', 'mm-id']
      const table = cells('mixed', { operations: 6000, ...given }, policies)
      expect([...table.keys()].sort()).toEqual([...policies].sort())
      expect(showing('violations', table)).toEqual([])
    }
  })

  // COW PTE v2 as it was recorded: reclaim takes the table away from all sharers but the last.
  test('without pins only mapcount and shared tables, through swap, break one', () => {
    const table = cells('mixed', { operations: 6000, pin: 0 })
    expect(showing('violations', table)).toEqual(['mapcount', 'on-demand-fork', 'cow-pte-owner'])
  })
})
