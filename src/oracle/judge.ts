/** judge: the classes that a verdict or an observation falls into, how they are counted, and what a breach is. */

/** What the oracle counts, under the names of src/metrics/schema.ts. */
export interface Counts {
  /** All decisions to write in place, unsafe ones included. */
  reuses: number
  /** 4 KiB pages: needed_copies + spurious_copies. */
  copies: number
  needed_copies: number
  spurious_copies: number
  missed_reuses: number
  unsafe_reuses: number
  fork_copies: number
  unshare_copies: number
  spurious_fork_copies: number
  spurious_unshare_copies: number
  huge_reuses: number
  huge_copies: number
  leaks: number
  lost_coherence: number
  lost_writes: number
  lost_events: number
  requested_lost_events: number
  extra_events: number
  stale_reads_unpromised: number
}

export function noCounts(): Counts {
  return {
    reuses: 0,
    copies: 0,
    needed_copies: 0,
    spurious_copies: 0,
    missed_reuses: 0,
    unsafe_reuses: 0,
    fork_copies: 0,
    unshare_copies: 0,
    spurious_fork_copies: 0,
    spurious_unshare_copies: 0,
    huge_reuses: 0,
    huge_copies: 0,
    leaks: 0,
    lost_coherence: 0,
    lost_writes: 0,
    lost_events: 0,
    requested_lost_events: 0,
    extra_events: 0,
    stale_reads_unpromised: 0,
  }
}

/**
 * leak            somebody saw a store that is not for them
 * lost_coherence  a promised pin and its owner see different pages
 * lost_write      a load did not return the last store
 * lost_event      a store to a write-protected page raised no userfaultfd event
 * lost_access_event  nor did the first access to a page of a range registered for missing or minor faults
 */
export type BreachKind =
  | 'leak'
  | 'lost_coherence'
  | 'lost_write'
  | 'lost_event'
  | 'lost_access_event'

/**
 * The verdict that a breach goes back to. A fork that shared a pinned page answered REUSE at SITE_FORK, a pin that took
 * the zero page answered REUSE at SITE_UNSHARE.
 */
export interface Cause {
  readonly event: number
  readonly mm: number
  readonly vpn: number
  readonly site: number
  readonly verdict: number
}

export interface Breach {
  readonly kind: BreachKind
  /** When it was observed. */
  readonly event: number
  /** Who loaded or stored, or on whose behalf the device read. */
  readonly mm: number
  readonly vpn: number
  /** The pin that the device read through, and what kind of reference it is (HOLD_*); -1 for a load or store. */
  readonly pin: number
  readonly hold: number
  /** The token that was found, who stored it (-1: nobody), and the token that was expected. */
  readonly token: number
  readonly author: number
  readonly expected: number
  /** null if the mechanism asked no policy on the way there. */
  readonly cause: Cause | null
}
