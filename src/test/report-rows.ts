/**
 * Rows made up for the tests of reports: sixteen policies on three workloads, and a sweep. The numbers are plausible,
 * not simulated; what matters is that every chart and column has something to show, zeros and large spreads included.
 */
import { METRIC_IDS, type OkRow } from '../metrics/row.ts'
import type { MetricValues } from '../metrics/schema.ts'

/** What a row says beyond zeros: pages, decisions and violations, as on the columns of the same names. */
interface Numbers {
  readonly needed?: number
  readonly spurious?: number
  readonly missed?: number
  readonly fork?: number
  readonly spuriousFork?: number
  readonly unshare?: number
  readonly spuriousUnshare?: number
  readonly leaks?: number
  readonly lostCoherence?: number
  readonly forkNs: number
}

/** policy: snapshot, vmsplice-child, direct-io */
const NUMBERS: Readonly<Record<string, readonly [Numbers, Numbers, Numbers]>> = {
  'always-copy': [
    { needed: 8192, spurious: 57344, missed: 57344, forkNs: 4_300_000 },
    { needed: 64, spurious: 4000, missed: 4000, forkNs: 90_000 },
    { needed: 16, spurious: 900, missed: 900, lostCoherence: 320, forkNs: 410_000 },
  ],
  mapcount: [
    { needed: 8192, forkNs: 4_300_000 },
    { needed: 0, leaks: 64, forkNs: 90_000 },
    { needed: 16, lostCoherence: 12, forkNs: 410_000 },
  ],
  'reuse-swap-page': [
    { needed: 8192, forkNs: 4_300_000 },
    { needed: 0, leaks: 64, forkNs: 90_000 },
    { needed: 16, lostCoherence: 12, forkNs: 410_000 },
  ],
  'no-unmap-gup': [
    { needed: 8192, spurious: 12, missed: 12, forkNs: 4_300_000 },
    { needed: 64, spurious: 2, missed: 2, forkNs: 90_000 },
    { needed: 16, spurious: 210, missed: 210, lostCoherence: 88, forkNs: 410_000 },
  ],
  'early-decow': [
    { needed: 8192, forkNs: 4_400_000 },
    { needed: 128, fork: 64, forkNs: 95_000 },
    { needed: 80, spurious: 48, fork: 112, spuriousFork: 48, forkNs: 520_000 },
  ],
  'forced-gup-break': [
    { needed: 8192, forkNs: 4_300_000 },
    { needed: 128, unshare: 64, forkNs: 90_000 },
    {
      needed: 32,
      spurious: 30,
      unshare: 46,
      spuriousUnshare: 30,
      lostCoherence: 12,
      forkNs: 410_000,
    },
  ],
  'page-count': [
    { needed: 8192, spurious: 1400, missed: 1400, forkNs: 4_300_000 },
    { needed: 64, spurious: 130, missed: 130, forkNs: 90_000 },
    { needed: 64, spurious: 512, missed: 512, fork: 48, lostCoherence: 200, forkNs: 480_000 },
  ],
  'page-count-refined': [
    { needed: 8192, spurious: 90, missed: 90, forkNs: 4_300_000 },
    { needed: 64, spurious: 3, missed: 3, forkNs: 90_000 },
    { needed: 64, spurious: 512, missed: 512, fork: 48, lostCoherence: 200, forkNs: 480_000 },
  ],
  'anon-exclusive': [
    { needed: 8192, spurious: 1, missed: 1, forkNs: 4_300_000 },
    { needed: 64, forkNs: 92_000 },
    {
      needed: 96,
      spurious: 24,
      fork: 72,
      spuriousFork: 24,
      unshare: 24,
      missed: 0,
      forkNs: 490_000,
    },
  ],
  'order0-copy': [
    { needed: 8192, spurious: 15000, missed: 15000, forkNs: 4_300_000 },
    { needed: 64, forkNs: 92_000 },
    { needed: 96, spurious: 24, fork: 72, spuriousFork: 24, unshare: 24, forkNs: 490_000 },
  ],
  'table-scan': [
    { needed: 8192, spurious: 700, missed: 700, forkNs: 4_300_000 },
    { needed: 64, forkNs: 92_000 },
    { needed: 96, spurious: 24, fork: 72, spuriousFork: 24, unshare: 24, forkNs: 490_000 },
  ],
  'mm-id': [
    { needed: 8192, spurious: 3, missed: 3, forkNs: 4_310_000 },
    { needed: 64, forkNs: 92_000 },
    { needed: 96, spurious: 24, fork: 72, spuriousFork: 24, unshare: 24, forkNs: 490_000 },
  ],
  'on-demand-fork': [
    { needed: 8192, spurious: 512, missed: 9, forkNs: 61_000 },
    { needed: 0, leaks: 64, forkNs: 9_000 },
    { needed: 16, lostCoherence: 64, leaks: 3, forkNs: 30_000 },
  ],
  'cow-pte-owner': [
    { needed: 8192, spurious: 128, missed: 5, forkNs: 66_000 },
    { needed: 64, spurious: 8, missed: 1, forkNs: 9_500 },
    { needed: 96, spurious: 80, missed: 4, unshare: 24, lostCoherence: 1, forkNs: 36_000 },
  ],
  'cow-pte-accounted': [
    { needed: 8192, spurious: 128, missed: 5, forkNs: 4_100_000 },
    { needed: 64, spurious: 8, missed: 1, forkNs: 88_000 },
    { needed: 96, spurious: 24, fork: 72, spuriousFork: 24, unshare: 24, forkNs: 470_000 },
  ],
  clairvoyant: [
    { needed: 8192, forkNs: 4_300_000 },
    { needed: 64, forkNs: 92_000 },
    { needed: 96, fork: 48, unshare: 24, forkNs: 480_000 },
  ],
}

const WORKLOADS = [
  { workload: 'snapshot', params: 'pages=65536;writes=20', events: 131_074 },
  { workload: 'vmsplice-child', params: 'children=64', events: 8_321 },
  { workload: 'direct-io', params: 'pinned=5', events: 24_010 },
] as const

/** A row whose numbers follow from `n` by plain arithmetic; metrics that it does not name are 0. */
export function row(place: Omit<OkRow, 'status' | 'values'>, n: Numbers): OkRow {
  const needed = n.needed ?? 0
  const spurious = n.spurious ?? 0
  const copies = needed + spurious
  const named: Partial<MetricValues> = {
    copies,
    needed_copies: needed,
    spurious_copies: spurious,
    missed_reuses: n.missed ?? 0,
    fork_copies: n.fork ?? 0,
    spurious_fork_copies: n.spuriousFork ?? 0,
    unshare_copies: n.unshare ?? 0,
    spurious_unshare_copies: n.spuriousUnshare ?? 0,
    leaks: n.leaks ?? 0,
    lost_coherence: n.lostCoherence ?? 0,
    violations: (n.leaks ?? 0) + (n.lostCoherence ?? 0),
    fork_ns: n.forkNs,
    fault_ns: 750 * copies + 100_000,
    exit_ns: 200_000,
    swap_ns: 50 * spurious,
  }
  const total = n.forkNs + 750 * copies + 300_000 + 50 * spurious
  const values = Object.fromEntries(METRIC_IDS.map((id) => [id, named[id] ?? 0])) as MetricValues
  return { ...place, status: 'ok', values: { ...values, total_ns: total } }
}

/** Sixteen policies on three workloads; seed s has (s - 1) % more spurious copies and missed reuses than seed 1. */
export function matrix(seeds = 1): OkRow[] {
  return Object.entries(NUMBERS).flatMap(([policy, numbers]) =>
    WORKLOADS.flatMap((place, w) =>
      Array.from({ length: seeds }, (_, s) => {
        const n = numbers[w] as Numbers
        const more = (x = 0): number => x + Math.floor((x * s) / 100)
        const missed = { spurious: more(n.spurious), missed: more(n.missed) }
        const trace_hash = `${place.workload}-${s + 1}`
        return row({ ...place, policy, seed: s + 1, trace_hash }, { ...n, ...missed })
      }),
    ),
  )
}

/** Sixteen policies on direct-io with 0, 1, 5, 25 and 100 percent pinned; all that is spurious grows with it. */
export function sweep(): OkRow[] {
  const [, , place] = WORKLOADS
  return Object.entries(NUMBERS).flatMap(([policy, [, , n]]) =>
    [0, 1, 5, 25, 100].map((pinned) => {
      const scaled = (x = 0): number => Math.floor((x * pinned) / 5)
      const [atFork, forPin] = [scaled(n.spuriousFork), scaled(n.spuriousUnshare)]
      const grown = {
        spurious: scaled(n.spurious),
        missed: scaled(n.missed),
        fork: (n.fork ?? 0) - (n.spuriousFork ?? 0) + atFork,
        spuriousFork: atFork,
        unshare: (n.unshare ?? 0) - (n.spuriousUnshare ?? 0) + forPin,
        spuriousUnshare: forPin,
      }
      const params = `depth=32;pinned=${pinned}`
      const cell = { ...place, policy, params, seed: 1, trace_hash: `direct-io-${pinned}` }
      return row(cell, { ...n, ...grown })
    }),
  )
}
