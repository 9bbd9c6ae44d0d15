import { describe, expect, test } from 'vitest'
import { cells, showing, small, value } from '../src/test/cells.ts'

describe('checkpoint', () => {
  test('by mprotect: only page-count and page-count-refined copy, once for each pinned page', () => {
    const table = small('checkpoint')
    for (const policy of ['mapcount', 'reuse-swap-page', 'anon-exclusive', 'mm-id'])
      expect(value(table, policy, 'copies'), policy).toBe(0)
    const pinned = value(table, 'page-count-refined', 'spurious_copies')
    expect(pinned).toBeGreaterThan(0)
    // Beside them page-count copies what waits in the LRU batch, at most 14 pages.
    const more = value(table, 'page-count', 'spurious_copies') - pinned
    expect(more).toBeGreaterThanOrEqual(0)
    expect(more).toBeLessThan(15)
    expect(showing('lost_coherence', table)).toEqual(
      expect.arrayContaining(['page-count', 'page-count-refined']),
    )
  })

  test('by userfaultfd: the same two policies lose every pinned page for good', () => {
    const table = cells('checkpoint', { passes: 2, pages: 2048, method: 'uffd-wp' })
    // 101 pages are pinned. Each pass shows it twice for each: to the device, and to the owner.
    const losing = ['always-copy', 'page-count', 'page-count-refined']
    expect(showing('lost_coherence', table)).toEqual(losing)
    for (const policy of losing)
      expect(value(table, policy, 'lost_coherence'), policy).toBe(4 * 101)
    expect(value(table, 'page-count-refined', 'copies')).toBe(101)
    for (const policy of ['mapcount', 'reuse-swap-page', 'anon-exclusive', 'mm-id'])
      expect(value(table, policy, 'copies'), policy).toBe(0)
  })

  test('by clear_refs: pinned pages are spared', () => {
    const table = cells('checkpoint', { passes: 2, pages: 2048, method: 'clear-refs' })
    for (const policy of ['page-count', 'page-count-refined', 'anon-exclusive'])
      expect(value(table, policy, 'lost_coherence'), policy).toBe(0)
  })
})
