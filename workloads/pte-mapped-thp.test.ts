import { describe, expect, test } from 'vitest'
import { cells, small, value } from '../src/test/cells.ts'

describe('pte-mapped-thp', () => {
  // 2 rounds of 2 huge folios of 512 pages each.
  const two = { areas: 2, rounds: 2 }
  const PAGES = 2048
  const FOLIOS = 4

  test('alone again: page-count and anon-exclusive copy what reuse-swap-page and mm-id reuse', () => {
    const table = small('pte-mapped-thp')
    for (const policy of ['mapcount', 'reuse-swap-page', 'table-scan', 'mm-id', 'clairvoyant'])
      expect(value(table, policy, 'spurious_copies'), policy).toBe(0)
    // The last mapping of a folio that is left has the only reference: one reuse each.
    for (const policy of ['page-count', 'page-count-refined', 'anon-exclusive'])
      expect(value(table, policy, 'spurious_copies'), policy).toBe(PAGES - FOLIOS)
    expect(value(table, 'order0-copy', 'spurious_copies')).toBe(PAGES)
  })

  test('a third process is not tracked by mm-id, and is counted by table-scan', () => {
    const table = cells('pte-mapped-thp', { ...two, third: true })
    expect(value(table, 'mm-id', 'spurious_copies')).toBe(PAGES)
    expect(value(table, 'table-scan', 'spurious_copies')).toBe(0)
    expect(value(table, 'reuse-swap-page', 'spurious_copies')).toBe(0)
  })

  test('mremap puts half of a folio out of the reach of table-scan', () => {
    const table = cells('pte-mapped-thp', { ...two, split: 'mremap' })
    expect(value(table, 'table-scan', 'spurious_copies')).toBe(PAGES / 2)
    expect(value(table, 'mm-id', 'spurious_copies')).toBe(0)
  })

  test('a hole, or a smaller folio, changes nothing but the numbers', () => {
    // 511 of 512 pages are left; then folios of 16 pages, 32 times as many of them.
    const holes = cells('pte-mapped-thp', { ...two, split: 'munmap' })
    expect(value(holes, 'anon-exclusive', 'spurious_copies')).toBe(PAGES - 2 * FOLIOS)
    expect(value(holes, 'mm-id', 'spurious_copies')).toBe(0)
    const order4 = cells('pte-mapped-thp', { ...two, order: 4 })
    expect(value(order4, 'anon-exclusive', 'spurious_copies')).toBe(PAGES - 32 * FOLIOS)
    expect(value(order4, 'mm-id', 'spurious_copies')).toBe(0)
  })

  test('one pinned page has its whole folio copied at fork, where one page is needed', () => {
    // All 4 folios have one pinned page.
    const table = cells('pte-mapped-thp', { ...two, pinned: 100 })
    for (const policy of ['page-count', 'anon-exclusive', 'mm-id'])
      expect(value(table, policy, 'fork_copies'), policy).toBe(PAGES)
    expect(value(table, 'clairvoyant', 'fork_copies')).toBe(FOLIOS)
  })
})
