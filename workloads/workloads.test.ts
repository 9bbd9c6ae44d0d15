import { describe, expect, test } from 'vitest'
import { replay } from '../src/test/valid-trace.ts'
import { SEGMENT } from '../src/trace/trace.ts'
import * as api from '../src/workload/api.ts'
import { buildTrace, type Trace, type Workload } from '../src/workload/api.ts'
import { neededBy } from '../src/workload/needed.ts'
import { WORKLOADS } from './index.ts'

const MEASURED = new Set(['bg', 'fh', 'mix'])

function workload(name: string): Workload {
  const found = WORKLOADS.find((w) => w.name === name)
  if (!found) throw new Error(`unknown workload: ${name}`)
  return found
}

/** FNV-1a over the words of the trace, in the order of segments and operands. */
function fnv(trace: Trace): string {
  let h = 0x811c9dc5
  for (const column of [trace.segments, trace.args])
    for (const word of column) h = Math.imul(h ^ word, 0x01000193)
  return (h >>> 0).toString(16).padStart(8, '0')
}

/** Parameters, beside the defaults, under which a trace must be valid too; small where that loses nothing. */
const VARIANTS: Record<string, api.GivenValues[]> = {
  'prefork-server': [{ order: 9, swap: true, pinned: 10, requests: 500, pages: 513 }],
  snapshot: [{ order: 4, swap: true, pinned: 10, snapshots: 2, pages: 777 }, { stores: 0 }],
  zygote: [
    { order: 9, swap: true, pinned: 2, accesses: 200, apps: 3 },
    { apps: 1, alive: 1 },
  ],
  'fork-exec': [
    { order: 9, commands: 10, work: 0 },
    { pipeline: 1, commands: 10 },
  ],
  'cow-table-fork': [{ areas: 2, touched: 4, runs: 3, order: 9 }],
  'pte-mapped-thp': ['mprotect', 'munmap', 'dontneed', 'mremap'].flatMap((split) =>
    [true, false].map((third) => ({ split, third, pinned: 50, rounds: 2 })),
  ),
  'thp-mremap': [
    { split: true, khugepaged: false, rounds: 2 },
    { shift: 1, areas: 1, rounds: 2 },
    { shift: 0, split: true, order: 4, rounds: 2 },
  ],
  'swap-churn': [{ shared: true, gap: 20, rounds: 3, order: 2, pages: 100 }],
  'ksm-merge': [
    { rounds: 2, children: 0 },
    { rounds: 1, contents: 3000 },
  ],
  khugepaged: [
    { ranges: 4, holes: 0, swapped: 0, shared: 0, pinned: 100 },
    { ranges: 4, scans: 0, maxPtesNone: 0, maxPtesShared: 0 },
  ],
  'uffd-snapshot': [
    ...['pte', 'vma', 'none'].map((check) => ({ check, pages: 777, snapshots: 1, stores: 999 })),
    { memory: 'shmem', retract: 'all', after: false, pages: 1024, snapshots: 2, scans: 0 },
  ],
  'postcopy-minor': ['none', 'khugepaged', 'madvise'].flatMap((collapse) =>
    ['populated', 'registered', 'both'].map((mapping) => ({
      ...{ collapse, mapping, pages: 1025, accesses: 1000, arrived: 50, modes: 'both' },
    })),
  ),
  checkpoint: ['mprotect', 'clear-refs', 'uffd-wp'].map((method) => ({ method, passes: 2 })),
  'direct-io': ['none', 'fork', 'swap', 'mprotect', 'clear-refs', 'uffd-wp'].flatMap((during) =>
    ['mixed', 'odirect', 'ropin'].map((kind) => ({ during, kind, requests: 50, order: 9 })),
  ),
  'vmsplice-child': [
    { order: 9, swap: true, rounds: 2 },
    { taken: 'before-fork', rounds: 2 },
    { taken: 'before-fork', swap: true, pages: 17, rounds: 2 },
  ],
  mixed: [
    { huge: 100, collapse: 50, ksm: 50, softDirty: 50, uffd: 100, order: 9, operations: 4000 },
    { processes: 1, operations: 1000 },
    { map: 2000, protect: 2000, fork: 500, exec: 100, operations: 4000, processes: 20 },
  ],
  bg: [{ pages: 1024, rounds: 2, accesses: 1000 }],
  fh: [{ pages: 1024, rounds: 2 }],
  mix: [{ pages: 1024, rounds: 2, accesses: 1000 }],
}

describe('the list', () => {
  test('has each workload once, under a name that differs from every other', () => {
    const names = WORKLOADS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.sort()).toEqual(Object.keys(VARIANTS).sort())
  })

  test('gives each workload and parameter a line of text for lists', () => {
    for (const { name, summary, params } of WORKLOADS) {
      expect(summary, name).toMatch(/^\S.{10,90}\S$/)
      for (const [id, { what }] of Object.entries(params))
        expect(what, `${name} ${id}`).toMatch(/^\S.{5,130}\S$/)
    }
  })

  test('leaves only the traces for measuring speed out of the quick run', () => {
    expect(WORKLOADS.filter((w) => !w.inQuickRun).map((w) => w.name)).toEqual([...MEASURED])
  })
})

/** Default values, or for traces of millions of events the small ones. */
const usual = (name: string): api.GivenValues => (MEASURED.has(name) && VARIANTS[name]?.[0]) || {}

describe('traces at seed 1', () => {
  // Events, then the hash of all words. Recorded; a change here changes every row of the workload.
  const RECORDED: Record<string, [number, string]> = {
    'prefork-server': [226_376, '17795e8c'],
    snapshot: [204_819, 'e02e578a'],
    zygote: [208_483, '066dd41b'],
    'fork-exec': [182_759, '762ed1db'],
    'cow-table-fork': [279_020, '3ad455e4'],
    'pte-mapped-thp': [262_480, 'fd2b2505'],
    'thp-mremap': [196_692, 'adbb8391'],
    'swap-churn': [241_512, 'bfadf1d2'],
    'ksm-merge': [172_096, 'd077e1f0'],
    checkpoint: [149_393, '17a7039a'],
    khugepaged: [118_715, '74e3124b'],
    'uffd-snapshot': [163_910, 'ad213715'],
    'postcopy-minor': [131_084, '6fb3af3e'],
    'direct-io': [132_577, 'e632df77'],
    'vmsplice-child': [168_258, 'fe5e4092'],
    mixed: [246_955, '0659bba1'],
    bg: [5_031, 'a55e509b'],
    fh: [5_127, '765ce159'],
    mix: [5_031, '5a29bc3a'],
  }

  for (const { name } of WORKLOADS)
    test(`of ${name} are what they were`, () => {
      const trace = buildTrace(workload(name), usual(name), 1)
      expect([trace.events, fnv(trace)]).toEqual(RECORDED[name])
    })

  test('are of 100,000 to 600,000 events in the quick run', () => {
    for (const [name, [events]] of Object.entries(RECORDED)) {
      if (MEASURED.has(name)) continue
      expect(events, name).toBeGreaterThanOrEqual(100_000)
      expect(events, name).toBeLessThanOrEqual(600_000)
    }
  })

  test('another seed gives another trace wherever chance has a part', () => {
    const fixed = ['fh', 'pte-mapped-thp', 'thp-mremap', 'vmsplice-child']
    for (const { name } of WORKLOADS.filter((w) => !MEASURED.has(w.name)))
      expect(
        fnv(buildTrace(workload(name), {}, 1)) === fnv(buildTrace(workload(name), {}, 2)),
        name,
      ).toBe(fixed.includes(name))
  })
})

describe('every trace', () => {
  for (const { name } of WORKLOADS)
    test(`of ${name} is valid, and ends with every process gone and every pin dropped`, () => {
      const variants = [...(MEASURED.has(name) ? [] : [{}]), ...(VARIANTS[name] ?? [])]
      for (const values of variants)
        for (const seed of [1, 2]) {
          const trace = buildTrace(workload(name), values, seed)
          const { alive, pinned, events } = replay(trace)
          expect({ alive, pinned }, JSON.stringify(values)).toEqual({ alive: 0, pinned: 0 })
          expect([...events.values()].reduce((sum, n) => sum + n, 0)).toBe(trace.events)
        }
    })
})

/** What the events of a trace need and its workload does not say, as `thp for mmap`. */
function unsaid(w: Workload, values: api.GivenValues): string[] {
  const { segments, args } = buildTrace(w, values, 1)
  const said = new Set(w.needs(api.completeValues(w, values)))
  const found = new Set<string>()
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = -1, , lo, hi] = segments.subarray(s, s + SEGMENT)
    const need = neededBy(op, args.subarray(lo, hi), said)
    if (need !== undefined) found.add(`${need} for ${api.OP_LABELS[op]}`)
  }
  return [...found]
}

test('what the events need is what their workload says', () => {
  for (const w of WORKLOADS)
    for (const values of [usual(w.name), ...(VARIANTS[w.name] ?? [])])
      expect(unsaid(w, values), `${w.name} ${JSON.stringify(values)}`).toEqual([])
  expect(unsaid({ ...workload('swap-churn'), needs: () => [] }, { order: 9, rounds: 1 })).toEqual([
    'thp for mmap',
    'swap for swapout',
  ])
})

describe('bg, fh and mix', () => {
  test('have as many events as was announced, so that the columns are allocated once', () => {
    for (const [name, values] of [
      ['bg', { pages: 1024, rounds: 3, accesses: 5000 }],
      ['mix', { pages: 1024, rounds: 3, accesses: 5000 }],
      ['fh', { pages: 1024, rounds: 3 }],
    ] as const) {
      const w = workload(name)
      const trace = buildTrace(w, values, 1)
      expect(w.events(api.completeValues(w, values))).toBe(trace.events)
    }
  })

  test('bg and fh are 10,065,559 and 5,308,499 events at their defaults', () => {
    // bg: 65,536 + 10 * (2 * 500,000 + 2) + 3; fh: 65,536 * 81 + 40 * 2 + 3.
    for (const [name, events] of [
      ['bg', 10_065_559],
      ['mix', 10_065_559],
      ['fh', 5_308_499],
    ] as const) {
      const w = workload(name)
      expect(w.events(api.completeValues(w, {}))).toBe(events)
    }
  })

  test('half of the accesses of mix load, none of bg', () => {
    const values = { pages: 1024, rounds: 2, accesses: 10_000 }
    const loads = (name: string): number =>
      replay(buildTrace(workload(name), values, 1)).events.get(api.OP_LOAD) ?? 0
    expect(loads('bg')).toBe(0)
    // 40,000 accesses: 20,000 expected, standard deviation 100.
    expect(Math.abs(loads('mix') - 20_000)).toBeLessThan(500)
  })
})
