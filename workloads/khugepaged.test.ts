import { describe, expect, test } from 'vitest'
import { cells, showing, small, value } from '../src/test/cells.ts'

/** Enough ranges that every limit has something to refuse. */
const SMALL = { ranges: 16 }
const FEW = ['forced-gup-break', 'page-count', 'anon-exclusive', 'mm-id']

describe('khugepaged', () => {
  test('breaks no promise under any policy that breaks none without it', () => {
    // mapcount does not see swap entries, on-demand-fork does not count them.
    expect(showing('violations', small('khugepaged'))).toEqual(['mapcount', 'on-demand-fork'])
    const unswapped = cells('khugepaged', { ...SMALL, swapped: 0 })
    expect(showing('violations', unswapped)).toEqual([])
    // No copy at a store is spurious either: collapsed memory is the process's own.
    expect(showing('spurious_copies', small('khugepaged'))).toEqual([])
  })

  for (const limit of ['maxPtesNone', 'maxPtesSwap', 'maxPtesShared'])
    test(`${limit}: next to nothing at 0, never less at more, and more memory with every collapse`, () => {
      let collapses = -1
      let frames = 0
      for (const allowed of [0, 32, 64, 128, 256, 511]) {
        const table = cells('khugepaged', { ...SMALL, scans: 1, [limit]: allowed }, ['mm-id'])
        const now = value(table, 'mm-id', 'collapses')
        expect(now, `${allowed}`).toBeGreaterThanOrEqual(collapses)
        if (allowed === 0) expect(now).toBeLessThanOrEqual(2)
        if (now > collapses) expect(value(table, 'mm-id', 'peak_frames')).toBeGreaterThan(frames)
        collapses = now
        frames = value(table, 'mm-id', 'peak_frames')
      }
      expect(collapses).toBeGreaterThan(8)
    })

  test('a page in a pipe keeps its 2 MiB small', () => {
    const pinned = cells('khugepaged', { ...SMALL, pinned: 100 }, FEW)
    for (const policy of FEW) expect(value(pinned, policy, 'collapses'), policy).toBe(0)
  })

  test('what others share is copied: the child reads what it should, and the parent copies less later', () => {
    const given = { ...SMALL, swapped: 0, pinned: 0 }
    const eager = cells('khugepaged', given, FEW)
    const shy = cells('khugepaged', { ...given, maxPtesShared: 0 }, FEW)
    for (const policy of FEW) {
      expect(value(eager, policy, 'copies'), policy).toBeLessThan(value(shy, policy, 'copies'))
      expect(value(eager, policy, 'violations'), policy).toBe(0)
    }
  })

  test('a swapped page that the child shares is in the way until 5.17', () => {
    const table = small('khugepaged')
    expect(value(table, 'page-count', 'collapses')).toBeLessThan(
      value(table, 'page-count-refined', 'collapses'),
    )
  })
})
