/** tally: what the reference model counts; the names are those of the metrics. */
export class Tally {
  load_faults = 0
  store_faults = 0
  reuses = 0
  copies = 0
  needed_copies = 0
  spurious_copies = 0
  missed_reuses = 0
  unsafe_reuses = 0
  fork_copies = 0
  unshare_copies = 0
  pmd_splits = 0
  huge_reuses = 0
  huge_copies = 0
  table_shares = 0
  table_copies = 0
  leaks = 0
  lost_coherence = 0
  lost_writes = 0
  stale_reads_unpromised = 0
  refused_unmaps = 0
  /** Pages and tables allocated; no metric, but what the COW PTE v2 record tells of a fault. */
  allocations = 0
  /** Swap entries resolved; tells a swap-in from a fill. */
  swapins = 0
}
