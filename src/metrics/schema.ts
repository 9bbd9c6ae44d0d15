/**
 * METRICS: every number of a row, declared once: column, unit, meaning and which way is better. CSV headers, tables,
 * chart titles, `list metrics` and results/README.md derive from this list.
 */

/** What a number counts, or nanoseconds. */
export type Unit = 'count' | 'pages' | 'frames' | 'ns'
/** Which way a number is better. */
export type Better = 'less' | 'more' | 'neither'

/** A column of a row. */
export interface Metric {
  readonly id: string
  readonly unit: Unit
  readonly better: Better
  readonly what: string
}

/** Keeps the id as a literal, so that MetricId is a closed list. */
const m = <const Id extends string>(id: Id, unit: Unit, better: Better, what: string) => ({
  id,
  unit,
  better,
  what,
})

/** The classes of broken promises; what each one is, METRICS says. `violations` is their sum. */
export const VIOLATIONS = ['leaks', 'lost_coherence', 'lost_writes', 'lost_events'] as const

/** In the order of the columns of rows.csv. */
export const METRICS = [
  m('load_faults', 'count', 'less', 'faults taken by loads'),
  m('store_faults', 'count', 'less', 'faults taken by stores'),
  m('reuses', 'count', 'more', 'decisions to write in place'),
  m(
    'copies',
    'pages',
    'less',
    'pages copied: at stores, at fork and for pins; a 2 MiB copy is 512',
  ),
  m('needed_copies', 'pages', 'neither', 'of copies: someone else could see the page'),
  m('spurious_copies', 'pages', 'less', 'of copies: the writer was the only user'),
  m(
    'missed_reuses',
    'count',
    'less',
    'decisions to copy (a page, a huge folio or a page table) by the only user',
  ),
  m(
    'unsafe_reuses',
    'count',
    'less',
    'decisions to write in place where someone else could see it',
  ),
  m('fork_copies', 'pages', 'less', 'of copies: made at fork'),
  m('unshare_copies', 'pages', 'less', 'of copies: made because a pin was taken'),
  m('spurious_fork_copies', 'pages', 'less', 'of fork_copies: for a pin that is gone or never was'),
  m(
    'spurious_unshare_copies',
    'pages',
    'less',
    'of unshare_copies: the pinning process was the only user',
  ),
  m('pmd_splits', 'count', 'less', 'huge mappings split into page-table entries'),
  m('huge_reuses', 'count', 'more', 'of reuses: whole huge folios'),
  m('huge_copies', 'count', 'less', 'huge folios copied whole'),
  m('table_shares', 'count', 'neither', 'page tables shared at fork instead of copied'),
  m('table_copies', 'count', 'less', 'shared page tables copied later'),
  m(
    'leaks',
    'count',
    'less',
    'loads or device reads that saw a store by a process they must not see',
  ),
  m('lost_coherence', 'count', 'less', 'a promised pin and its owner no longer see the same page'),
  m('lost_writes', 'count', 'less', 'loads that did not return the last store'),
  m('lost_events', 'count', 'less', 'userfaultfd events that were promised and never came'),
  m(
    'requested_lost_events',
    'count',
    'less',
    'of lost_events: in 2 MiB that the process itself had collapsed (MADV_COLLAPSE)',
  ),
  m('violations', 'count', 'less', VIOLATIONS.join(' + ')),
  m(
    'uffd_events',
    'count',
    'neither',
    'userfaultfd events that the manager answered, extra ones included',
  ),
  m('extra_events', 'count', 'less', 'userfaultfd events for pages that were already resolved'),
  m(
    'stale_reads_unpromised',
    'count',
    'less',
    'device reads of a stale page where coherence was never promised',
  ),
  m('refused_unmaps', 'count', 'neither', 'pages that reclaim had to leave mapped'),
  m('collapses', 'count', 'more', '2 MiB that khugepaged or MADV_COLLAPSE made a huge folio of'),
  m(
    'vain_pte_scans',
    'count',
    'less',
    'page-table entries looked at for a collapse that was given up',
  ),
  m('peak_frames', 'frames', 'less', 'most frames in use at once'),
  m('peak_table_frames', 'frames', 'less', 'most page-table pages in use at once'),
  m('fork_ns', 'ns', 'less', 'estimated time in fork'),
  m('fault_ns', 'ns', 'less', 'estimated time in page faults and pins'),
  m('exit_ns', 'ns', 'less', 'estimated time in exit, exec and unmapping'),
  m(
    'swap_ns',
    'ns',
    'less',
    'estimated time in reclaim and writing to swap; what a fault reads back is its own',
  ),
  m('total_ns', 'ns', 'less', 'fork_ns + fault_ns + exit_ns + swap_ns'),
  m('fork_ns_max', 'ns', 'less', 'longest estimated fork'),
  m('fault_ns_p99', 'ns', 'less', '99th percentile of the estimated fault times'),
  m('fault_ns_max', 'ns', 'less', 'longest estimated fault'),
] as const satisfies readonly Metric[]

/** The name of a column. */
export type MetricId = (typeof METRICS)[number]['id']
/** One cell's numbers: non-negative integers. */
export type MetricValues = Record<MetricId, number>

const COUNTS_VIOLATIONS: readonly MetricId[] = ['violations', ...VIOLATIONS]

/** Does it say how many promises were broken, of one class or of all? */
export function countsViolations(id: MetricId): boolean {
  return COUNTS_VIOLATIONS.includes(id)
}
