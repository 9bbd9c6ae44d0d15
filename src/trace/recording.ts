/**
 * recording: what the recording kernel did at each load and store of an imported trace, and how a simulation compares
 * with it; this file is the data of that comparison.
 *
 * A recording is one byte for each load or store event, in the order of the trace.
 */

import { OP_LOAD, OP_STORE } from './ops.ts'
import { SEGMENT, type Trace } from './trace.ts'

/** The fault found nothing mapped there (bit 0 of the error code is clear). */
export const RECORDED_HOLE = 0
/** The fault found a page that it was not allowed to write: the COW decision (bit 0 is set). */
export const RECORDED_PRESENT = 1
/** The same fault had been recorded a moment before: two threads at once, or the kernel trying again. */
export const RECORDED_AGAIN = 2
/** From here on no fault was recorded: the importer added the event, so that the page is where the kernel had it. */
export const INSERTED_FAULT_AROUND = 3
export const INSERTED_AT_FORK = 4
export const INSERTED_UNSEEN_FILL = 5
export const INSERTED_ARGUMENTS = 6
export const INSERTED_POPULATE = 7

export const RECORDING_LABELS: readonly string[] = [
  'fault on a hole',
  'fault on a present page',
  'fault recorded a second time',
  'file page that fault-around had mapped',
  'page read before a fork, which the fork may have left out',
  'anonymous page that no recorded fault filled',
  'stack page that exec filled with arguments',
  'page that MAP_POPULATE or MADV_POPULATE filled',
]

/** What a simulation did at a load or store. */
export const MODEL_NOTHING = 0
/** It brought a page where there was none. */
export const MODEL_FILL = 1
export const MODEL_REUSE = 2
export const MODEL_COPY = 3

export interface RecordingComparison {
  /** Stores at which the kernel had to decide between reuse and copy. */
  readonly decisions: number
  /** Of those, how many the model decided each way. */
  readonly reuses: number
  readonly copies: number
  /** Of those, the ones where the model had nothing to decide: it found the page writable, or no page at all. */
  readonly writable: number
  readonly absent: number
  /** Decisions of the model that the kernel did not take, by what was recorded there instead. */
  readonly extra: Readonly<Record<string, number>>
}

/**
 * Compares what a simulation did with what the kernel recorded: `model` holds MODEL_* for each load and store, as
 * `recording` holds RECORDED_* or INSERTED_*.
 */
export function compareWithRecording(
  { segments }: Trace,
  recording: Uint8Array,
  model: Uint8Array,
): RecordingComparison {
  const atDecisions = [0, 0, 0, 0]
  const extra: Record<string, number> = {}
  let access = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const op = segments[s]
    if (op !== OP_LOAD && op !== OP_STORE) continue
    const end = access + segments[s + 3]! - segments[s + 2]!
    for (; access < end; access++) {
      const code = recording[access]!
      const outcome = model[access]!
      if (op === OP_STORE && code === RECORDED_PRESENT) {
        atDecisions[outcome] = atDecisions[outcome]! + 1
      } else if (outcome === MODEL_REUSE || outcome === MODEL_COPY) {
        const label = RECORDING_LABELS[code]!
        extra[label] = (extra[label] ?? 0) + 1
      }
    }
  }
  const [writable = 0, absent = 0, reuses = 0, copies = 0] = atDecisions
  return { decisions: writable + absent + reuses + copies, reuses, copies, writable, absent, extra }
}
