import { describe, expect, test } from 'vitest'
import { showing, small, value } from '../src/test/cells.ts'

describe('ksm-merge', () => {
  test('the last mapper of a merged page writes in place up to 5.8 only, and nobody breaks a promise', () => {
    const table = small('ksm-merge')
    expect(showing('violations', table)).toEqual([])
    // 128 contents, 2 rounds: one last mapping each.
    expect(value(table, 'reuse-swap-page', 'reuses')).toBe(256)
    expect(value(table, 'page-count', 'spurious_copies')).toBe(256)
    expect(value(table, 'mm-id', 'spurious_copies')).toBe(256)
  })
})
