import { describe, expect, test } from 'vitest'
import forcedGupBreak from '../policies/forced-gup-break.ts'
import { DEFAULT_PROFILE } from '../src/metrics/cost.ts'
import { simulate } from '../src/run.ts'
import { cells, showing, value } from '../src/test/cells.ts'
import { buildTrace, type GivenValues } from '../src/workload/api.ts'
import thpMremap from './thp-mremap.ts'

/** Four folios, half a folio off: three aligned 2 MiB between two edges of 256 pages. */
const moved = { areas: 4, rounds: 1, shift: 256 }

describe('thp-mremap', () => {
  test('without khugepaged: the pages of folios that lie across two tables are copied, all or half of them', () => {
    const table = cells('thp-mremap', { ...moved, khugepaged: false })
    for (const policy of ['page-count', 'page-count-refined', 'anon-exclusive'])
      expect(value(table, policy, 'spurious_copies'), policy).toBe(4 * 511)
    expect(value(table, 'order0-copy', 'spurious_copies')).toBe(4 * 512)
    expect(value(table, 'table-scan', 'spurious_copies')).toBe(4 * 256)
    for (const policy of ['mapcount', 'reuse-swap-page', 'mm-id', 'clairvoyant'])
      expect(value(table, policy, 'spurious_copies'), policy).toBe(0)
    expect(showing('violations', table)).toEqual([])
  })

  test('split at the move, nobody copies a page without need but always-copy', () => {
    for (const khugepaged of [false, true]) {
      const table = cells('thp-mremap', { ...moved, khugepaged, split: true })
      expect(showing('spurious_copies', table)).toEqual(['always-copy'])
      expect(showing('violations', table)).toEqual([])
    }
  })

  test('khugepaged leaves the edges only: two halves of a folio', () => {
    const table = cells('thp-mremap', moved)
    expect(value(table, 'anon-exclusive', 'spurious_copies')).toBe(2 * 255)
    expect(value(table, 'mm-id', 'spurious_copies')).toBe(0)
    expect(value(table, 'mm-id', 'huge_reuses')).toBe(3)
  })

  test('before 5.8 khugepaged builds huge pages only of folios that were split', () => {
    const reuses = (given: GivenValues): number => {
      const trace = buildTrace(thpMremap, { ...moved, ...given }, 1)
      const cost = DEFAULT_PROFILE
      const run = { policy: forcedGupBreak, era: '5.6', params: {}, cost, trace } as const
      return simulate({ ...run, oracle: 'epoch', check: true }).values.huge_reuses
    }
    expect([reuses({}), reuses({ split: true })]).toEqual([0, 3])
  })

  test('a heap that stays aligned keeps its huge mappings, whatever the setting', () => {
    for (const split of [false, true]) {
      const table = cells('thp-mremap', { ...moved, shift: 0, split }, ['mm-id'])
      expect(value(table, 'mm-id', 'pmd_splits')).toBe(0)
      expect(value(table, 'mm-id', 'huge_reuses')).toBe(4)
    }
  })
})
