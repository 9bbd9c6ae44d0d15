import { describe, expect, test } from 'vitest'
import anonExclusive from '../policies/anon-exclusive.ts'
import { DEFAULT_PROFILE } from '../src/metrics/cost.ts'
import type { MetricValues } from '../src/metrics/schema.ts'
import type { PolicyDefinition } from '../src/policy/api.ts'
import { simulate } from '../src/run.ts'
import { cells, showing } from '../src/test/cells.ts'
import { buildTrace } from '../src/workload/api.ts'
import mixed from './mixed.ts'

describe('mixed', () => {
  test('clairvoyant and the policies from 6.7 on break no promise', () => {
    for (const given of [{}, { order: 9, huge: 20 }]) {
      const policies = ['clairvoyant', 'order0-copy', 'table-scan', 'mm-id']
      const table = cells('mixed', { operations: 6000, ...given }, policies)
      expect([...table.keys()].sort()).toEqual([...policies].sort())
      expect(showing('violations', table)).toEqual([])
    }
  })

  test('anon-exclusive loses the zero page under a read-only pin before 6.2, and nothing else (I-19)', () => {
    const trace = buildTrace(mixed, {}, 1)
    const cost = DEFAULT_PROFILE
    const values = (longtermUnsharesFile: boolean): MetricValues =>
      simulate({
        ...{
          policy: anonExclusive as PolicyDefinition,
          params: { longtermUnsharesFile },
          cost,
          trace,
        },
        ...{ oracle: 'epoch', check: false },
      }).values
    const { lost_coherence, violations } = values(false)
    expect(lost_coherence).toBeGreaterThan(0)
    expect(violations).toBe(lost_coherence)
    expect(values(true).violations).toBe(0)
  })

  // COW PTE v2 as it was recorded: reclaim takes the table away from all sharers but the last.
  test('without pins only mapcount and shared tables, through swap, break one', () => {
    const table = cells('mixed', { operations: 6000, pin: 0 })
    expect(showing('violations', table)).toEqual(['mapcount', 'on-demand-fork', 'cow-pte-owner'])
  })
})
