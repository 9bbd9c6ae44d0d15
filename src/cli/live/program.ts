/** program: a real program on the running kernel and in the model, and how what they counted is told. */
import { type Agreement, againstRecording } from '../../against-recording.ts'
import { driverProgram } from '../../live/build.ts'
import type { Facilities } from '../../live/facilities.ts'
import { type CountedReuses, type ProgramCounts, recordProgram } from '../../live/program.ts'
import { patientSteps } from '../own-files/patiently.ts'
import { print, say } from '../shell/streams.ts'
import { compareReuses, formatAgreement } from '../trace/against-policy.ts'
import { modelOf } from './chosen-model.ts'

export interface ProgramRequest {
  readonly against: string | undefined
  /** For an answer of a policy of one's own. */
  readonly seconds: number
  readonly json: boolean
}

/** So many other processes are named; the rest is one number. */
const NAMED_OTHERS = 4

/** Runs a program under perf, and the model on what was recorded. Returns the exit code. */
export async function compareCounts(
  command: string,
  machine: Facilities,
  { against, seconds: patience, json }: ProgramRequest,
): Promise<number> {
  const { name, policy, own, settings } = await modelOf(against, machine)
  const { counts, trace, recording } = await recordProgram(command, driverProgram())
  const agreement = own
    ? againstRecording(settings, trace, recording, (step) =>
        patientSteps(policy, patience, 'an access of the recording', step),
      )
    : againstRecording(settings, trace, recording)
  const { reuses, events, seconds, exitCode } = counts
  if (json) {
    const what = { program: command, kernel: machine.kernel, model: name }
    print(JSON.stringify({ ...what, ...counts, agreement }))
    return 0
  }
  const { pgreuse, byOthers } = reuses
  const system = { pgreuse, byOthers }
  print(formatAgreement(name, agreement, compareReuses(agreement, system, seconds)))
  print(formatPgreuse(reuses))
  for (const line of summary(counts, agreement)) print(line)
  if (exitCode !== 0) say(`the command returned ${exitCode}`)
  say(`kernel ${machine.kernel}, model ${name}: ${events} events in ${seconds.toFixed(1)} s`)
  return 0
}

/** What the kernel's count is made of. */
function formatPgreuse({ pgreuse, program, others, unexplained }: CountedReuses): string {
  const names = Object.entries(others)
  const rest = names.slice(NAMED_OTHERS).reduce((sum, [, times]) => sum + times, 0)
  const parts = [
    ...names.slice(0, NAMED_OTHERS).map(([name, times]) => `${name} ${number(times)}`),
    ...(rest > 0 ? [`other processes ${number(rest)}`] : []),
    `no recorded fault ${number(unexplained)}`,
  ]
  return `  pgreuse ${number(pgreuse)}: the program ${number(program)}, ${parts.join(', ')}`
}

/** The program's counts by the kernel, and how far the model is from them. */
function summary(
  { faults, recordedFaults, reuses }: ProgramCounts,
  agreement: Agreement,
): string[] {
  const kernelFaults = faults ?? recordedFaults
  const { pgreuse, byOthers, program } = reuses
  const { kernelCopies, kernelReuses } = agreement.duringExit
  const atLeisure = agreement.reuses - kernelCopies + kernelReuses
  const counts = (what: string, kernel: number, model: number) =>
    `${what}: kernel ${number(kernel)}, ${difference(model, kernel)}`
  return [
    `${counts('faults', kernelFaults, agreement.faults.shared)}; ${number(recordedFaults)} recorded`,
    counts('reuses, of pgreuse less those of others', pgreuse - byOthers, agreement.reuses),
    counts('reuses, of faults that allocate nothing', program, agreement.reuses),
    ...(kernelCopies + kernelReuses === 0
      ? []
      : [counts('the same, as the kernel decided while exits were under way', program, atLeisure)]),
  ]
}

/** `model 6,700 (-0.7 %)`. */
function difference(model: number, kernel: number): string {
  const percent = kernel === 0 ? 0 : ((model - kernel) / kernel) * 100
  return `model ${number(model)} (${percent < 0 ? '' : '+'}${percent.toFixed(1)} %)`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
