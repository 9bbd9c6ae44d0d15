import { describe, expect, test } from 'vitest'
import { cells, showing, small, value } from '../src/test/cells.ts'
import { SEGMENT } from '../src/trace/trace.ts'
import { buildTrace, OP_STORE, OP_UFFD_REGISTER, OP_UFFD_WP } from '../src/workload/api.ts'
import uffdSnapshot from './uffd-snapshot.ts'

const SMALL = { snapshots: 2, pages: 4096, stores: 4096 }
const FEW = ['forced-gup-break', 'page-count', 'anon-exclusive', 'mm-id']

/** Stores of the trace that meet a protected page: the first one to each page before the saver gets there. */
function storesToProtected(given: typeof SMALL): number {
  const { segments, args } = buildTrace(uffdSnapshot, given, 1)
  const protectedPages = new Set<number>()
  let events = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const op = segments[s]
    const operands = args.subarray(segments[s + 2], segments[s + 3])
    const [vpn = 0, pages = 0, on = 0] = operands
    if (op === OP_UFFD_WP && on !== 0) for (let i = 0; i < pages; i++) protectedPages.add(vpn + i)
    if ((op === OP_UFFD_WP || op === OP_UFFD_REGISTER) && on === 0)
      for (let i = 0; i < pages; i++) protectedPages.delete(vpn + i)
    if (op !== OP_STORE) continue
    for (const page of operands) if (protectedPages.delete(page)) events++
  }
  return events
}

describe('uffd-snapshot', () => {
  const promised = storesToProtected(SMALL)

  test('the manager is asked once for each page stored to before it is saved, by pte and by vma', () => {
    expect(promised).toBe(2804)
    for (const check of ['pte', 'vma']) {
      const table = cells('uffd-snapshot', { ...SMALL, check })
      // 5.6 has no write protection.
      expect(table.has('early-decow')).toBe(false)
      for (const [policy, values] of table)
        expect([values.uffd_events, values.lost_events, values.extra_events], policy).toEqual([
          ...[promised, 0, 0],
        ])
      // A lost page-table entry of a prototype, no policy's doing.
      expect(showing('violations', table)).toEqual([])
    }
  })

  test('by vma nothing is looked at in vain, and nothing collapses before the snapshot ends', () => {
    const given = { ...SMALL, after: false }
    const pte = cells('uffd-snapshot', { ...given, check: 'pte' }, FEW)
    const vma = cells('uffd-snapshot', { ...given, check: 'vma' }, FEW)
    for (const policy of FEW) {
      // 8 ranges, 8 scans: of a range that is not yet saved the scan ends at its first protected entry.
      expect(value(pte, policy, 'vain_pte_scans'), policy).toBe(4202)
      expect(value(vma, policy, 'vain_pte_scans'), policy).toBe(0)
      // In each snapshot the last range is saved after the last scan, and the first one made huge stays so.
      expect(value(pte, policy, 'collapses'), policy).toBe(14)
      expect(value(vma, policy, 'collapses'), policy).toBe(0)
    }
    // Afterwards both have made everything huge.
    for (const check of ['pte', 'vma'])
      expect(value(cells('uffd-snapshot', { ...SMALL, check }, FEW), 'mm-id', 'collapses')).toBe(16)
  })

  test('without a check events are lost, one for each page that a collapse has taken the protection from', () => {
    const table = cells('uffd-snapshot', { ...SMALL, check: 'none' }, FEW)
    for (const policy of FEW) {
      const lost = value(table, policy, 'lost_events')
      expect(lost, policy).toBeGreaterThan(0)
      expect(lost + value(table, policy, 'uffd_events'), policy).toBe(promised)
      expect(value(table, policy, 'violations'), policy).toBe(lost)
    }
  })

  test('page-count copies what an un-protected page in the LRU batch or a huge folio in parts holds', () => {
    expect(showing('spurious_copies', small('uffd-snapshot'))).toContain('page-count')
    for (const policy of ['anon-exclusive', 'mm-id', 'mapcount'])
      expect(value(small('uffd-snapshot'), policy, 'copies'), policy).toBe(0)
  })

  test('shared memory: markers keep the protection, unless the page tables of protected areas are taken away', () => {
    const given = { ...SMALL, memory: 'shmem' }
    const kept = cells('uffd-snapshot', given)
    // PTE markers came with 5.19.
    expect(kept.has('page-count')).toBe(false)
    for (const [policy, values] of kept)
      expect([values.uffd_events, values.lost_events, values.collapses], policy).toEqual([
        ...[promised, 0, 8],
      ])
    const lost = cells('uffd-snapshot', { ...given, retract: 'all' })
    for (const [policy, values] of lost) {
      expect(values.lost_events, policy).toBeGreaterThan(0)
      expect(values.uffd_events + values.lost_events, policy).toBe(promised)
    }
  })
})
