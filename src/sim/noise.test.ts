import { describe, expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { MACHINE_PARAMS } from '../metrics/row.ts'
import { missingCapability, simulate } from '../run.ts'
import { ALL, cells, noiseOf, value } from '../test/cells.ts'
import { buildTrace, completeValues, type GivenValues } from '../workload/api.ts'
import { NOISE_PARAMS, Noise } from './noise.ts'

const cost = DEFAULT_PROFILE

/** Two snapshots of 2,048 pages: after each child's exit its parent takes pages back that nobody else uses. */
const snapshot = { snapshots: 2, pages: 2048, stores: 2048 }
/** Nothing is ever shared: mprotect takes the write bit away twice, and stores follow. */
const checkpoint = { passes: 2, pages: 2048, stores: 2048, pinned: 0 }

/** Policies whose answers do not depend on page_count. */
const BLIND = [
  'always-copy',
  'mapcount',
  'reuse-swap-page',
  'early-decow',
  'forced-gup-break',
  'on-demand-fork',
  'clairvoyant',
]
const COUNTING = ALL.filter((policy) => !BLIND.includes(policy))

describe('without noise', () => {
  test('there is no Noise at all, and no number differs', () => {
    expect(Noise.of(noiseOf({}))).toBeUndefined()
    expect(Noise.of(noiseOf({ cpus: 2 }))).toBeDefined()
    expect(Noise.of(noiseOf({ noiseLock: 1 }))).toBeDefined()
    expect(cells('snapshot', snapshot, ALL, {})).toEqual(cells('snapshot', snapshot))
  })

  test('rows know the parameters of the machine by name', () => {
    expect([...MACHINE_PARAMS]).toEqual(Object.keys(NOISE_PARAMS).sort())
  })
})

describe('references that somebody holds for a moment', () => {
  const quiet = cells('snapshot', snapshot)
  const noisy = cells('snapshot', snapshot, ALL, { noiseIsolation: 1000 })

  test('change nothing for a policy that does not look at page_count', () => {
    for (const policy of BLIND) expect(noisy.get(policy), policy).toEqual(quiet.get(policy))
  })

  test('are a copy for page_count == 1, and for all since wherever a page was shared once', () => {
    for (const policy of COUNTING) {
      expect(value(quiet, policy, 'spurious_copies'), policy).toBe(0)
      // One in ten, or so, of the 641 pages that the parent takes back; the same ones under each policy.
      expect(value(quiet, policy, 'reuses'), policy).toBe(641)
      expect(value(noisy, policy, 'spurious_copies'), policy).toBe(77)
      expect(value(noisy, policy, 'reuses'), policy).toBe(641 - 77)
    }
  })

  test('are judged by the oracle as nobody: the copies are spurious, no promise is broken', () => {
    for (const policy of ALL) {
      expect(value(noisy, policy, 'violations'), policy).toBe(0)
      expect(value(noisy, policy, 'needed_copies'), policy).toBe(
        value(quiet, policy, 'needed_copies'),
      )
    }
  })

  test('do not matter to PageAnonExclusive where nothing was ever shared', () => {
    // 2,146 first stores after mprotect, one in ten held.
    const table = cells('checkpoint', checkpoint, ALL, { noiseIsolation: 1000 })
    expect(value(table, 'page-count', 'spurious_copies')).toBe(219)
    expect(value(table, 'page-count-refined', 'spurious_copies')).toBe(219)
    for (const policy of ['anon-exclusive', 'order0-copy', 'mm-id', 'cow-pte-accounted'])
      expect(value(table, policy, 'spurious_copies'), policy).toBe(0)
  })

  test('strike at a higher rate wherever they strike at a lower one', () => {
    let last = -1
    for (const noise of [0, 1, 10, 100, 1000, 10_000]) {
      const table = cells('snapshot', snapshot, ['page-count'], { noise })
      const copies = value(table, 'page-count', 'spurious_copies')
      expect(copies, `${noise}`).toBeGreaterThanOrEqual(last)
      last = copies
    }
    // At 10,000 of 10,000 every decision meets them: as many copies as always-copy makes.
    expect(last).toBe(value(quiet, 'always-copy', 'spurious_copies'))
  })

  test('hold a whole folio when they hold one of its pages: a scan of 512 pages, or one isolation', () => {
    const given = { areas: 1, rounds: 2 }
    const copies = (noise: object): number =>
      value(cells('pte-mapped-thp', given, ['mm-id'], noise), 'mm-id', 'spurious_copies')
    // 1,024 stores; a folio is free of a scan in 0.9999^512 = 95 % of them, and isolated in 0.01 %.
    expect([copies({ noiseScan: 1 }), copies({ noiseIsolation: 1 })]).toEqual([38, 0])
  })
})

describe('the other sources', () => {
  const copies = (noise: object): Record<string, number> => {
    const policies = ['reuse-swap-page', 'page-count', 'page-count-refined', 'mm-id']
    const table = cells('snapshot', snapshot, policies, noise)
    return Object.fromEntries(policies.map((p) => [p, value(table, p, 'spurious_copies')]))
  }

  test('a locked page is copied by those that try the lock (5.9 on), and waited for by those before', () => {
    expect(copies({ noiseLock: 1000 })).toEqual({
      'reuse-swap-page': 0,
      'page-count': 66,
      'page-count-refined': 66,
      'mm-id': 66,
    })
  })

  test('a page in the swapcache is copied by page-count alone: 5.18 gives the swapcache up first', () => {
    expect(copies({ noiseSwapcache: 1000 })).toEqual({
      'reuse-swap-page': 0,
      'page-count': 62,
      'page-count-refined': 0,
      'mm-id': 0,
    })
  })

  test("a page in another CPU's batch is out of reach of the drain of 5.18", () => {
    const batches = (cpus: number): number[] => {
      const policies = ['page-count', 'page-count-refined', 'mm-id']
      const table = cells('swap-churn', { rounds: 2, pages: 2048 }, policies, { cpus })
      return [...table.values()].map((values) => values.spurious_copies)
    }
    // page-count has copied nearly all that is loaded before it is stored to, whosever batch it is in. 6.12 and later
    // map what they load writable, and ask nothing.
    expect(batches(1)).toEqual([2918, 0, 0])
    expect(batches(8)).toEqual([2919, 173, 0])
  })

  test('a page that is scanned while reclaim unmaps it stays mapped under no-unmap-gup', () => {
    const given = { rounds: 1, pages: 2048 }
    const refused = (noiseScan: number): number =>
      value(
        cells('swap-churn', given, ['no-unmap-gup'], { noiseScan }),
        'no-unmap-gup',
        'refused_unmaps',
      )
    // 2,048 pages, one in ten held.
    expect([refused(0), refused(1000)]).toEqual([0, 189])
  })
})

describe('every count adds up under noise', () => {
  const noise = { ...noiseOf({ noise: 1500, cpus: 4 }), seed: 3 }
  const given = { operations: 800, areas: 2, huge: 40, order: 9, ksm: 20 }
  for (const policy of POLICIES)
    test(policy.name, () => {
      const mixed = WORKLOADS.find(({ name }) => name === 'mixed')
      if (mixed === undefined) throw new Error('unknown workload: mixed')
      const able = (given: GivenValues): boolean =>
        missingCapability(policy, mixed.needs(completeValues(mixed, given))) === undefined
      const trace = buildTrace(mixed, able(given) ? given : { operations: 800 }, 5)
      const run = (oracle: 'epoch' | 'eager', check: boolean) =>
        simulate({ policy, params: {}, cost, noise, trace, oracle, check })
      const { values: counts, framesLeft, tablesLeft } = run('eager', true)
      expect({ framesLeft, tablesLeft }).toEqual({ framesLeft: 0, tablesLeft: 0 })
      expect(run('epoch', false).values).toEqual(counts)
    })
})
