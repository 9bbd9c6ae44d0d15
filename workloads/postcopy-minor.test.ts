import { describe, expect, test } from 'vitest'
import { cells, value } from '../src/test/cells.ts'
import { SEGMENT } from '../src/trace/trace.ts'
import { buildTrace, OP_KHUGEPAGED, OP_LOAD, OP_STORE } from '../src/workload/api.ts'
import postcopyMinor from './postcopy-minor.ts'

const PAGES = 4096
const SMALL = { pages: PAGES, accesses: 8192 }
const POLICIES = ['page-count', 'page-count-refined', 'anon-exclusive', 'order0-copy', 'mm-id']

/** Pages of the guest's mapping, which lies behind the populated one, that it accesses before khugepaged comes. */
function continuedBeforeCollapse(): number {
  const { segments, args } = buildTrace(postcopyMinor, SMALL, 1)
  const continued = new Set<number>()
  for (let s = 0; segments[s] !== OP_KHUGEPAGED; s += SEGMENT) {
    if (segments[s] !== OP_LOAD && segments[s] !== OP_STORE) continue
    for (const vpn of args.subarray(segments[s + 2], segments[s + 3]))
      if (vpn >= PAGES) continued.add(vpn)
  }
  return continued.size
}

describe('postcopy-minor', () => {
  const before = continuedBeforeCollapse()

  /** [events, lost, extra] under each policy, which must be the same. */
  function events(given: object, policies = POLICIES): number[] {
    const table = cells('postcopy-minor', { ...SMALL, ...given }, policies)
    expect([...table.keys()]).toEqual(policies)
    const seen = policies.map((policy) =>
      (['uffd_events', 'lost_events', 'extra_events'] as const).map((metric) =>
        value(table, policy, metric),
      ),
    )
    for (const numbers of seen) expect(numbers).toEqual(seen[0])
    return seen[0] ?? []
  }

  test('without a collapse the manager is asked once for each page', () => {
    expect(events({ collapse: 'none' })).toEqual([PAGES, 0, 0])
  })

  test('khugepaged loses no event: what was continued before is asked for once more (Xu)', () => {
    expect(before).toBe(1132)
    expect(events({})).toEqual([PAGES + before, 0, before])
    expect(events({ stores: 100 })).toEqual([PAGES + before, 0, before])
  })

  test('khugepaged takes the page table of a registered mapping away at every scan, each time at that price', () => {
    const [all = 0, lost, extra = 0] = events({ mapping: 'registered' })
    expect([all - extra, lost]).toEqual([PAGES, 0])
    // At the first scan it is no more than for the other mapping.
    expect(events({ mapping: 'registered', scans: 1 })).toEqual(events({ scans: 1 }))
    expect(extra).toBeGreaterThan(3 * before)
  })

  test('to leave the page tables of registered areas alone changes nothing: their pages are unmapped by then', () => {
    expect(events({ retract: 'not_minor' })).toEqual(events({}))
  })

  test('a PMD in every mapping would lose the events of all other pages (Rasmussen)', () => {
    expect(events({ install: 'all' })).toEqual([before, PAGES - before, 0])
  })

  test('MADV_COLLAPSE of the populated mapping is as harmless as khugepaged', () => {
    const able = ['anon-exclusive', 'order0-copy', 'mm-id']
    expect(events({ collapse: 'madvise' }, able)).toEqual(events({}, able))
  })

  test('MADV_COLLAPSE of the registered mapping itself loses them, at the own request of the process', () => {
    const given = { collapse: 'madvise', mapping: 'registered' }
    const able = ['anon-exclusive', 'order0-copy', 'mm-id']
    expect(events(given, able)).toEqual([before, PAGES - before, 0])
    const table = cells('postcopy-minor', { ...SMALL, ...given }, able)
    for (const policy of able)
      expect(value(table, policy, 'requested_lost_events'), policy).toBe(PAGES - before)
  })

  test('holes that missing events are awaited for are filled until 6.3, and the collapse is given up since', () => {
    const given = { arrived: 90, modes: 'missing' }
    const [, lost, extra] = events(given, ['page-count', 'anon-exclusive'])
    expect(lost).toBeGreaterThan(0)
    expect(extra).toBe(0)
    const asked = events(given, ['order0-copy', 'mm-id'])
    expect(asked.slice(1)).toEqual([0, 0])
    // As many as there are without a collapse.
    expect(asked).toEqual(events({ ...given, collapse: 'none' }))
  })

  test('where minor events are awaited too, each collapse that is given up unmaps all pages first', () => {
    const given = { arrived: 90, modes: 'both' }
    const [once = 0] = events({ ...given, collapse: 'none' }, ['mm-id'])
    const [all = 0, lost, extra = 0] = events(given, ['mm-id'])
    expect(lost).toBe(0)
    expect(extra).toBeGreaterThan(before)
    expect(all - extra).toBe(once)
  })

  test('max_ptes_none at 0 lets nothing with a hole collapse', () => {
    const holes = cells('postcopy-minor', { ...SMALL, arrived: 90, maxPtesNone: 0 }, POLICIES)
    for (const policy of POLICIES) expect(value(holes, policy, 'collapses'), policy).toBe(0)
  })
})
