/**
 * recording: what the recording kernel did at each load and store of an imported trace; this file names it.
 *
 * A recording is one byte for each load or store event, in the order of the trace.
 */

/** The fault found nothing mapped there (bit 0 of the error code is clear). */
export const RECORDED_HOLE = 0
/** The fault found a page that it was not allowed to write: the COW decision (bit 0 is set). */
export const RECORDED_PRESENT = 1
/** The same fault had been recorded a moment before: two threads at once, or the kernel trying again. */
export const RECORDED_AGAIN = 2
/** These five were no faults: the importer added the event, so that the page is where the kernel had it. */
export const INSERTED_FAULT_AROUND = 3
export const INSERTED_AT_FORK = 4
export const INSERTED_UNSEEN_FILL = 5
export const INSERTED_ARGUMENTS = 6
export const INSERTED_POPULATE = 7
/** RECORDED_PRESENT, in a recording that also shows who allocated a page: then the decision is known. */
export const RECORDED_COPY = 8
export const RECORDED_REUSE = 9
/**
 * The same two, while another process had exited and its pages were being unmapped, one after the other. The trace has
 * them gone at once: which of them were still mapped, no line tells.
 */
export const RECORDED_COPY_DURING_EXIT = 10
export const RECORDED_REUSE_DURING_EXIT = 11

export const RECORDING_LABELS: readonly string[] = [
  'fault on a hole',
  'fault on a present page',
  'fault recorded a second time',
  'file page that fault-around had mapped',
  'page read before a fork, which the fork may have left out',
  'anonymous page that no recorded fault filled',
  'stack page that exec filled with arguments',
  'page that MAP_POPULATE or MADV_POPULATE filled',
  'fault that copied its page',
  'fault that reused its page',
  'fault that copied its page, another process being unmapped',
  'fault that reused its page, another process being unmapped',
]

/** What /proc/vmstat said about a recording. */
export interface SystemReuses {
  /** How much `pgreuse` grew meanwhile: write faults resolved in place, in the whole system. */
  readonly pgreuse: number
  /** How many of these were other processes', where every process was recorded to tell. */
  readonly byOthers?: number
  /** What ran besides the recorded program and perf, and was not recorded: `the load generator`. */
  readonly others?: string
}
