import { describe, expect, test } from 'vitest'
import { cells, showing, value } from '../src/test/cells.ts'
import type { GivenValues } from '../src/workload/api.ts'

describe('vmsplice-child', () => {
  /** Those of the heart, the bounds and the last of the COW-table policies that leak. */
  const leaking = (given: GivenValues): string[] => {
    const asked = [
      'always-copy',
      'mapcount',
      'reuse-swap-page',
      'page-count',
      'anon-exclusive',
      'mm-id',
      'cow-pte-accounted',
      'clairvoyant',
    ]
    const table = cells('vmsplice-child', { rounds: 2, ...given }, asked)
    for (const policy of asked) {
      // Two rounds of 512 pages: a policy leaks all of them or none.
      expect([0, 1024], policy).toContain(value(table, policy, 'leaks'))
      expect(value(table, policy, 'violations'), policy).toBe(value(table, policy, 'leaks'))
    }
    return showing('leaks', table)
  }

  test('4 KiB pages: mapcount and reuse-swap-page leak (I-01)', () => {
    expect(leaking({})).toEqual(['mapcount', 'reuse-swap-page'])
  })

  test('huge pages, and pages on swap, still went by mapcount in page-count (I-02, I-03)', () => {
    expect(leaking({ order: 9 })).toEqual(['mapcount', 'reuse-swap-page', 'page-count'])
    expect(leaking({ swap: true })).toEqual(['mapcount', 'reuse-swap-page', 'page-count'])
  })

  test('spliced before fork: breaking COW for later references does not help (I-04)', () => {
    expect(leaking({ taken: 'before-fork' })).toEqual(['mapcount', 'reuse-swap-page'])
    const leaks = (given: GivenValues): number => {
      const table = cells('vmsplice-child', { rounds: 2, ...given }, ['forced-gup-break'])
      return value(table, 'forced-gup-break', 'leaks')
    }
    expect([leaks({ taken: 'before-fork' }), leaks({ taken: 'after-fork' })]).toEqual([1024, 0])
  })
})
