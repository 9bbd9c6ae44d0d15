import { describe, expect, test } from 'vitest'
import { cells, value } from '../src/test/cells.ts'

describe('swap-churn', () => {
  const two = { rounds: 2, pages: 4096 }

  test('load, then store: page-count copies nearly every page, page-count-refined and later none', () => {
    const table = cells('swap-churn', { ...two, loadFirst: 100 })
    // A batch of 15 takes eight pages read and seven copied: the eighth read fills it, and finds itself on the LRU.
    // 7/8 of 2 * 4,096 pages.
    expect(value(table, 'page-count', 'spurious_copies')).toBe(7168)
    for (const policy of [
      'mapcount',
      'reuse-swap-page',
      'page-count-refined',
      'anon-exclusive',
      'order0-copy',
      'mm-id',
      'clairvoyant',
    ])
      expect(value(table, policy, 'copies'), policy).toBe(0)
    expect(value(table, 'always-copy', 'spurious_copies')).toBe(8192)
  })

  test('store first: page-count takes the page over at swap-in', () => {
    const table = cells('swap-churn', { ...two, loadFirst: 0 })
    expect(value(table, 'page-count', 'copies')).toBe(0)
    expect(value(table, 'always-copy', 'spurious_copies')).toBe(8192)
  })

  test('15 pages later the batch has moved on', () => {
    const table = cells('swap-churn', { ...two, loadFirst: 100, gap: 20 })
    // Only the last pages of each round are left in a batch when they are stored to.
    expect(value(table, 'page-count', 'spurious_copies')).toBeLessThan(2 * 15)
  })

  test('with a child that shares the heap, copies are needed in its rounds', () => {
    const table = cells('swap-churn', { ...two, shared: true })
    expect(value(table, 'clairvoyant', 'needed_copies')).toBe(4096)
    expect(value(table, 'mm-id', 'copies')).toBe(4096)
  })
})
