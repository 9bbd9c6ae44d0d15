/** program: a real program on the running kernel and in the model; this file puts what both counted side by side. */
import { type RunSettings, simulate } from '../run.ts'
import { type Recorded, recordTrace } from './recorder.ts'

export interface ProgramCounts {
  readonly what: string
  readonly kernel: number | undefined
  readonly model: number
}

export interface ProgramComparison {
  readonly counts: readonly ProgramCounts[]
  readonly seconds: number
  readonly events: number
  readonly exitCode: number
}

/** Records `command` with a shell, and simulates what was recorded. Throws MissingFacility without perf. */
export async function compareProgram(
  command: string,
  counter: string,
  settings: RunSettings,
): Promise<ProgramComparison> {
  const target = { command: ['sh', '-c', command], counter }
  const recorded = await recordTrace(target, { strip: false, text: undefined })
  const { recording, loaded } = recorded
  return {
    counts: countsOf(recorded, settings),
    seconds: recording.seconds,
    events: loaded.trace.events,
    exitCode: recording.exitCode,
  }
}

function countsOf({ recording, loaded }: Recorded, settings: RunSettings): ProgramCounts[] {
  const result = simulate({ ...settings, trace: loaded.trace, oracle: 'epoch', check: false })
  const { load_faults, store_faults, reuses, huge_reuses } = result.values
  const recordedFaults = Object.values(loaded.statistics?.faults ?? {}).reduce(
    (sum, times) => sum + times,
    0,
  )
  return [
    { what: 'faults', kernel: recording.faults, model: load_faults + store_faults },
    { what: 'faults in the trace', kernel: recording.faults, model: recordedFaults },
    {
      // The kernel counts a store to a shared mapping too, and no huge page.
      what: 'reuses',
      kernel: recording.pgreuse,
      model: reuses - huge_reuses + result.sharedReuses,
    },
  ]
}

/** One line for each count: `reuses: kernel 6749, model 6700 (-0.7 %)`. */
export function formatCounts({ what, kernel, model }: ProgramCounts): string {
  if (kernel === undefined) return `${what}: model ${model}`
  const percent = kernel === 0 ? 0 : ((model - kernel) / kernel) * 100
  const sign = percent < 0 ? '' : '+'
  return `${what}: kernel ${kernel}, model ${model} (${sign}${percent.toFixed(1)} %)`
}
