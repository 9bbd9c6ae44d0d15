import { describe, expect, test } from 'vitest'
import { POLICIES } from '../policies/index.ts'
import { WORKLOADS } from '../workloads/index.ts'
import { COST_PROFILES, COST_UNITS, type CostProfile, DEFAULT_PROFILE } from './metrics/cost.ts'
import { METRICS } from './metrics/schema.ts'
import type { PolicyDefinition } from './policy/api.ts'
import { missingCapability, type SimulateResult, simulate } from './run.ts'
import { eagerAgainstEpoch, expectNoDifference } from './test/model-differences.ts'
import { RW } from './test/scene.ts'
import { MAP_PRIVATE_ANON, PIN_IOURING, PIN_ROPIN, UFFD_WP } from './trace/ops.ts'
import { type Trace, TraceWriter } from './trace/trace.ts'
import { buildTrace, completeValues, type GivenValues } from './workload/api.ts'

const defaultCost = DEFAULT_PROFILE

function run(policy: string, trace: Trace, cost: CostProfile = defaultCost): SimulateResult {
  const found = POLICIES.find(({ name }) => name === policy) as PolicyDefinition
  return simulate({ policy: found, params: {}, cost, trace, oracle: 'epoch', check: true })
}

/** What these units of work cost; the others cost nothing. */
function costing(some: Partial<CostProfile>): CostProfile {
  const nothing = Object.fromEntries(Object.keys(COST_UNITS).map((unit) => [unit, 0]))
  return { ...(nothing as CostProfile), ...some }
}

function written(write: (t: TraceWriter) => void): Trace {
  const t = new TraceWriter()
  write(t)
  return t.finish()
}

/** A parent that has stored to pages 0 to `pages` - 1. */
function heap(t: TraceWriter, pages: number, order = 0): number {
  const parent = t.spawn()
  t.mmap(parent, 0, order === 9 ? 512 : pages, MAP_PRIVATE_ANON, RW, order)
  for (let vpn = 0; vpn < pages; vpn++) t.store(parent, vpn)
  return parent
}

describe('a fork after which both sides store', () => {
  const trace = written((t) => {
    const parent = heap(t, 4)
    const child = t.fork(parent)
    t.store(child, 0)
    t.exit(child)
    t.store(parent, 0)
    t.store(parent, 1)
    t.load(parent, 0)
    t.exit(parent)
  })

  test('is counted fault by fault', () => {
    const { values, events, framesLeft, tablesLeft } = run('page-count-refined', trace)
    expect(values).toMatchObject({
      // 4 fills, 1 copy by the child, 2 by the parent that find it alone: the child has left page 0 and then all.
      store_faults: 7,
      load_faults: 0,
      copies: 1,
      needed_copies: 1,
      reuses: 2,
      missed_reuses: 0,
      unsafe_reuses: 0,
      violations: 0,
      // 4 pages of the parent, 1 of the child; a table each.
      peak_frames: 5,
      peak_table_frames: 2,
    })
    // spawn, mmap, 4 stores, fork, store, exit, 2 stores, load, exit.
    expect({ events, framesLeft, tablesLeft }).toEqual({ events: 13, framesLeft: 0, tablesLeft: 0 })
  })

  test('costs what its units of work cost', () => {
    // One decimal digit for each unit, so that a sum shows how often each was charged.
    const digits = {
      faultEntry: 1,
      zeroFill4k: 10,
      copy4k: 100,
      reuse: 1000,
      ptePerExit: 1,
      tableFree: 10,
      tableAlloc: 10_000,
      ptePerFork: 100_000,
      forkBase: 1_000_000,
      lruDrain: 10_000_000,
    }
    const { values } = run('page-count-refined', trace, costing(digits))
    expect(values).toMatchObject({
      // 4 entries, 1 table, the base, and the batch that held the parent's 4 fresh pages.
      fork_ns: 11_410_000,
      fork_ns_max: 11_410_000,
      // 7 entries, 4 fills, 1 copy, 2 reuses, and the parent's table.
      fault_ns: 12_147,
      // The very first one: entry, fill and table. With seven faults the 99th percentile is the longest.
      fault_ns_max: 10_011,
      fault_ns_p99: 10_011,
      // Twice 4 pages and a table; the child's copy is still in the batch when it exits.
      exit_ns: 10_000_028,
      swap_ns: 0,
      total_ns: 11_410_000 + 12_147 + 10_000_028,
    })
  })

  test('costs another profile something else, and counts the same', () => {
    const vm = run('page-count-refined', trace, COST_PROFILES['vm'] as CostProfile).values
    const bare = run('page-count-refined', trace).values
    for (const { id, unit } of METRICS) {
      if (unit === 'ns' && id !== 'swap_ns') expect(vm[id], id).toBeGreaterThan(bare[id])
      else expect(vm[id], id).toBe(bare[id])
    }
  })

  test('copies a page more where nothing is ever reused', () => {
    const { values } = run('always-copy', trace)
    // The parent's two stores copy as well, with nobody left to see the pages.
    expect(values).toMatchObject({ copies: 3, needed_copies: 1, spurious_copies: 2, reuses: 0 })
    expect(values.missed_reuses).toBe(2)
  })
})

test('a page of its own for a read-only pin costs the copy where it is one', () => {
  const trace = written((t) => {
    const mm = t.spawn()
    t.mmap(mm, 0, 8, MAP_PRIVATE_ANON, RW, 0)
    for (let vpn = 0; vpn < 6; vpn++) t.store(mm, vpn)
    t.load(mm, 6)
    const child = t.fork(mm)
    t.pin(mm, 0, 2, PIN_ROPIN)
    // As the second, but one page at a time, and with the zero page.
    t.uffdRegister(mm, 3, 4, UFFD_WP)
    t.uffdWp(mm, 3, 1, true)
    t.pin(mm, 3, 1, PIN_ROPIN)
    t.exit(child)
    t.pin(mm, 4, 3, PIN_ROPIN)
    t.exit(mm)
  })
  const digits = {
    faultEntry: 1,
    zeroFill4k: 100,
    copy4k: 10_000,
    unshare: 100_000,
  }
  const { values } = run('mm-id', trace, costing(digits))
  // 6 stores and a load; 3 pages copied, 2 taken over, and the zero page replaced by one of zeroes.
  expect(values).toMatchObject({ unshare_copies: 3, fault_ns: 13 + 7 * 100 + 30_000 + 600_000 })
})

describe('a page that is loaded from swap and then stored to', () => {
  const trace = written((t) => {
    const mm = heap(t, 2)
    t.swapout(mm, 0, 2)
    t.load(mm, 0)
    t.store(mm, 0)
    t.store(mm, 1)
    t.exit(mm)
  })

  test('is copied from 5.9 to 5.17, where its place in the LRU batch counts as a user', () => {
    const { values } = run('page-count', trace)
    expect(values).toMatchObject({
      load_faults: 1,
      // 2 fills; page 0 after its load; page 1 straight from swap, which reuse_swap_page() allows.
      store_faults: 4,
      reuses: 1,
      copies: 1,
      spurious_copies: 1,
      missed_reuses: 1,
    })
    expect(values.swap_ns).toBe(2 * defaultCost.swapOut + defaultCost.lruDrain)
  })

  test('is written in place by 5.18, which drains the batch first', () => {
    const { values } = run('page-count-refined', trace)
    expect(values).toMatchObject({ store_faults: 4, reuses: 2, copies: 0, missed_reuses: 0 })
  })
})

describe('a huge page after fork', () => {
  const trace = written((t) => {
    const parent = heap(t, 1, 9)
    const child = t.fork(parent)
    t.store(child, 5)
    t.exit(child)
    t.store(parent, 7)
    t.exit(parent)
  })

  test('is split by the child, copied by the page, and taken back whole by its parent', () => {
    const { values, framesLeft, tablesLeft } = run('anon-exclusive', trace)
    expect(values).toMatchObject({
      // The fill of 2 MiB; the child's, which splits and copies at once; the parent's.
      store_faults: 3,
      pmd_splits: 1,
      copies: 1,
      needed_copies: 1,
      reuses: 1,
      huge_reuses: 1,
      // 512 and the child's copy; a table each, deposited behind the huge mapping.
      peak_frames: 513,
      peak_table_frames: 2,
    })
    expect({ framesLeft, tablesLeft }).toEqual({ framesLeft: 0, tablesLeft: 0 })
  })

  test('is copied as 2 MiB until 5.7', () => {
    const { values } = run('reuse-swap-page', trace)
    expect(values).toMatchObject({
      pmd_splits: 0,
      copies: 512,
      needed_copies: 512,
      huge_copies: 1,
      huge_reuses: 1,
      peak_frames: 1024,
    })
  })
})

describe('a pinned page at fork', () => {
  const trace = written((t) => {
    const parent = heap(t, 2)
    const pin = t.pin(parent, 0, 1, PIN_IOURING)
    const child = t.fork(parent)
    t.store(parent, 0)
    t.store(parent, 1)
    t.devread(parent, pin, 0)
    t.exit(child)
    t.exit(parent)
  })

  test('is copied for the child at once, and stays writable for its owner', () => {
    const { values, framesLeft } = run('anon-exclusive', trace)
    expect(values).toMatchObject({
      // 2 fills and page 1; page 0 was never write-protected.
      store_faults: 3,
      copies: 2,
      fork_copies: 1,
      needed_copies: 2,
      lost_coherence: 0,
      // 2 of the parent, 1 copied at fork, 1 copied by the store to page 1.
      peak_frames: 4,
    })
    // The pin was never dropped by hand: exit did that.
    expect(framesLeft).toBe(0)
  })

  test('is shared, and left behind by its owner, where pins are not looked at', () => {
    const { values } = run('reuse-swap-page', trace)
    expect(values).toMatchObject({ store_faults: 4, copies: 2, fork_copies: 0, lost_coherence: 1 })
  })
})

/** Parameters that make a run short, and reach the rarer paths where the defaults do not. */
const SHORT: Readonly<Record<string, GivenValues>> = {
  'prefork-server': { requests: 120, lifetime: 20, pages: 256, swap: true, pinned: 10 },
  snapshot: { snapshots: 2, pages: 512, stores: 300, swap: true, pinned: 5 },
  zygote: { apps: 4, pages: 512, accesses: 200, swap: true, pinned: 5 },
  'fork-exec': { commands: 10, pages: 256 },
  'cow-table-fork': { runs: 2, areas: 2, loads: 40, stores: 40 },
  'pte-mapped-thp': { areas: 1, rounds: 1, third: true, pinned: 50 },
  'swap-churn': { rounds: 2, pages: 96, shared: true },
  'ksm-merge': { rounds: 2, pages: 64, contents: 8 },
  checkpoint: { passes: 2, pages: 256, stores: 300, pinned: 10 },
  'direct-io': { requests: 30, pages: 64 },
  'vmsplice-child': { rounds: 2, pages: 64, swap: true },
  mixed: { operations: 400, order: 9 },
  bg: { pages: 64, rounds: 2, accesses: 60 },
  fh: { pages: 64, rounds: 2 },
  mix: { pages: 64, rounds: 2, accesses: 60 },
}

describe.each(WORKLOADS.map((workload) => [workload.name, workload] as const))(
  '%s',
  (name, workload) => {
    const given = SHORT[name] ?? {}
    const trace = buildTrace(workload, given, 1)
    const needs = workload.needs(completeValues(workload, given))
    const able = POLICIES.filter((policy) => missingCapability(policy, needs) === undefined)

    test.each(able.map(({ name }) => name))('leaves nothing behind under %s', (policy) => {
      const { framesLeft, tablesLeft } = run(policy, trace)
      expect({ framesLeft, tablesLeft }).toEqual({ framesLeft: 0, tablesLeft: 0 })
    })
  },
)

describe('eager and epoch oracles', () => {
  test.each(POLICIES.map((policy) => [policy.name, policy] as const))(
    'report the same of random traces under %s',
    (_name, policy) => {
      expectNoDifference(policy, eagerAgainstEpoch, { seed: 20_090_414, traces: 40, events: 60 })
    },
  )
})

describe('a run that cannot be', () => {
  const trace = written((t) => t.exit(heap(t, 1)))
  const policy = POLICIES[0] as PolicyDefinition
  const settings = { policy, params: {}, cost: defaultCost, trace, check: true }

  test('names the eras that there are', () => {
    const run = () => simulate({ ...settings, era: '4.4', oracle: 'epoch' })
    expect(run).toThrow(
      'unknown era: 4.4; available: 5.6, 5.7, 5.8, 5.15, 5.18, 5.19, 6.1, 6.12, 6.18',
    )
    const near = () => simulate({ ...settings, era: '6.118', oracle: 'epoch' })
    expect(near).toThrow('unknown era: 6.118; did you mean 6.18? available: 5.6, ')
  })

  test('names the process that a trace forgot to start', () => {
    const orphan = written((t) => t.store(3, 0))
    const run = () => simulate({ ...settings, trace: orphan, oracle: 'epoch' })
    expect(run).toThrow('unknown process: 3 at event 0')
  })

  test('is known beforehand by what policy and era lack', () => {
    const named = (name: string) => POLICIES.find((p) => p.name === name) as PolicyDefinition
    // 2009 knew no huge pages, 5.6 no userfaultfd write-protection, the 6.18 kernel was built without soft-dirty.
    expect(missingCapability(named('early-decow'), ['swap', 'thp'])).toBe('thp')
    expect(missingCapability(named('on-demand-fork'), ['uffd-wp'])).toBe('uffd-wp')
    expect(missingCapability(named('mm-id'), ['soft-dirty'])).toBe('soft-dirty')
    expect(missingCapability(named('mm-id'), ['soft-dirty'], '6.12')).toBeUndefined()
  })
})
