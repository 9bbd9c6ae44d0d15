/** against-policy: what `trace info --against-policy` says about a recording and the model of the kernel that made it. */
import type { Agreement, Shared } from '../../against-recording.ts'
import type { SystemReuses } from '../../trace/recording.ts'

/** perf starts the program by a fork, and a shell perf: of three recordings that recorded nothing, 137 to 196. */
const PERF_REUSES = 150
const IDLE_REUSES_PER_SECOND = 25

/** The model's reuses beside those that the kernel counted in the whole system. */
export interface ReuseComparison extends SystemReuses {
  /** Of `pgreuse`, by perf and the shell that started it: assumed where `byOthers` is not known. */
  readonly perf?: number
  /** What daemons of an idle machine are expected to add in the time of the recording, if known; not taken off. */
  readonly idle?: number
  /** `pgreuse` without these, less the model's: negative if the model reuses more. */
  readonly kernelOnly: number
  readonly percentOfDecisions: number
}

export function compareReuses(
  { reuses, decisions }: Agreement,
  system: SystemReuses,
  seconds: number | undefined,
): ReuseComparison {
  const kernelOnly = system.pgreuse - (system.byOthers ?? PERF_REUSES) - reuses
  const assumed = {
    perf: PERF_REUSES,
    ...(seconds === undefined ? {} : { idle: Math.round(seconds * IDLE_REUSES_PER_SECOND) }),
  }
  return {
    ...system,
    ...(system.byOthers === undefined ? assumed : {}),
    kernelOnly,
    percentOfDecisions: rounded((100 * kernelOnly) / Math.max(1, decisions.recorded)),
  }
}

export function formatAgreement(
  policy: string,
  agreement: Agreement,
  reuses: ReuseComparison | undefined,
): string {
  const { faults, presence, added, decisions, answers, outcomes, differences } = agreement
  const { extraFaults, extraDecisions } = agreement
  return [
    `${policy} against the recording:`,
    `faults recorded: ${number(faults.recorded)}; the model faults too: ${share(faults)}`,
    `pages there, or not, as recorded: ${share(presence)}, by means of ${number(added)} added accesses`,
    `decisions recorded: ${number(decisions.recorded)}; the model decides too: ${share(decisions)}`,
    ...lines(answers),
    ...(outcomes.recorded === 0
      ? ['outcomes recorded: 0 (kmem:mm_page_alloc was not recorded)']
      : [
          `outcomes recorded: ${number(outcomes.recorded)}; the model's are the same: ${share(outcomes)}`,
        ]),
    ...lines(differences),
    `faults of the model only: ${number(sum(extraFaults))}`,
    ...lines(extraFaults),
    `decisions of the model only: ${number(sum(extraDecisions))}`,
    ...lines(extraDecisions),
    ...reuseLines(agreement.reuses, reuses),
  ].join('\n')
}

function reuseLines(model: number, reuses: ReuseComparison | undefined): string[] {
  if (reuses === undefined) {
    return [`reuses: model ${number(model)}, kernel unknown (--pgreuse N, if it was read)`]
  }
  const { pgreuse, byOthers, perf, idle, kernelOnly, percentOfDecisions, others } = reuses
  const rest = byOthers === undefined ? `perf's own ${perf}` : `${number(byOthers)} by others`
  const whole = `pgreuse ${number(pgreuse)} less ${rest}`
  const daemons = idle === undefined ? '' : `; an idle machine adds about ${number(idle)}`
  return [
    `reuses: model ${number(model)}, kernel ${number(model + kernelOnly)} (${whole})`,
    `  kernel only: ${number(kernelOnly)}, ${percentOfDecisions} % of the decisions${daemons}`,
    ...(others === undefined ? [] : [`  counted in it, how much is unknown: ${others}`]),
  ]
}

/** Rounded down, so that 100 % means all. */
function share({ recorded, shared }: Shared): string {
  const percent = recorded === 0 ? 100 : Math.floor((1000 * shared) / recorded) / 10
  return `${number(shared)} (${percent} %)`
}

function lines(tally: Readonly<Record<string, number>>): string[] {
  return Object.entries(tally)
    .sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
    .map(([what, times]) => `  ${what}: ${number(times)}`)
}

function sum(tally: Readonly<Record<string, number>>): number {
  return Object.values(tally).reduce((total, times) => total + times, 0)
}

function rounded(percent: number): number {
  return Math.round(10 * percent) / 10
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
