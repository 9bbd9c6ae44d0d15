/**
 * program: a real program on the running kernel; this file puts together what the kernel counted of it.
 *
 * The kernel's own count of reuses is the whole system's. A second recording, of every process, tells whose they are.
 */
import type { Trace } from '../trace/trace.ts'
import { type Attribution, reusesOfOthers } from './attribution.ts'
import { recordTrace } from './recorder.ts'

/** Where the kernel's count of reuses comes from. */
export interface CountedReuses extends Attribution {
  /** How much `pgreuse` grew: the reuses of all processes. */
  readonly pgreuse: number
  readonly byOthers: number
  /** Of `pgreuse`, what no recorded fault explains; negative if more were recorded than counted. */
  readonly unexplained: number
}

export interface ProgramCounts {
  /** Of the program and the children that it waited for, by its own count. */
  readonly faults: number | undefined
  readonly recordedFaults: number
  readonly reuses: CountedReuses
  readonly seconds: number
  readonly events: number
  readonly exitCode: number
}

export interface RecordedProgram {
  readonly counts: ProgramCounts
  readonly trace: Trace
  /** RECORDED_* or INSERTED_* for each load and store of the trace. */
  readonly recording: Uint8Array
}

/** Records `command` with a shell. Throws MissingFacility without perf. */
export async function recordProgram(command: string, counter: string): Promise<RecordedProgram> {
  const target = { command: ['sh', '-c', command], counter, system: true }
  const options = { strip: false, text: undefined, outcomes: true }
  const { recording, loaded, attribution } = await recordTrace(target, options)
  const { trace, statistics, recording: decisions } = loaded
  if (attribution === undefined || decisions === undefined) throw new Error('nothing was recorded')
  const { pgreuse, faults, seconds, exitCode } = recording
  const byOthers = reusesOfOthers(attribution)
  const unexplained = pgreuse - byOthers - attribution.program
  const recordedFaults = Object.values(statistics?.faults ?? {}).reduce((sum, n) => sum + n, 0)
  return {
    ...{ trace, recording: decisions },
    counts: {
      ...{ faults, recordedFaults, seconds, events: trace.events, exitCode },
      reuses: { pgreuse, ...attribution, byOthers, unexplained },
    },
  }
}
