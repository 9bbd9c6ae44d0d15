import { describe, expect, test } from 'vitest'
import { showing, small, value } from '../src/test/cells.ts'

describe('ksm-merge', () => {
  test('the last mapper of a merged page writes in place up to 5.8 only, and nobody breaks a promise', () => {
    const table = small('ksm-merge')
    expect(showing('violations', table)).toEqual([])
    // 128 contents, 2 rounds: one last mapping each.
    for (const policy of ['reuse-swap-page', 'forced-gup-break'])
      expect([value(table, policy, 'reuses'), value(table, policy, 'spurious_copies')]).toEqual([
        256, 0,
      ])
    for (const policy of ['page-count', 'page-count-refined', 'anon-exclusive', 'mm-id'])
      expect([value(table, policy, 'reuses'), value(table, policy, 'spurious_copies')]).toEqual([
        0, 256,
      ])
  })
})
