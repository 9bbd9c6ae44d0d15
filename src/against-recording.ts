/**
 * against-recording: runs a recorded trace under one policy, access by access, beside what the recording kernel did at
 * each; this file counts where the two agree, and names what only one of them did.
 */
import { VERDICT_LABELS } from './policy/verdict.ts'
import { litmusMachine, type RunSettings, simulate } from './run.ts'
import type { Engine } from './sim/engine.ts'
import { PAGE_NONE, PAGE_SWAP, PAGE_ZERO } from './sim/observe.ts'
import { OP_LABELS, OP_LOAD, OP_STORE } from './trace/ops.ts'
import {
  RECORDED_AGAIN,
  RECORDED_COPY,
  RECORDED_COPY_DURING_EXIT,
  RECORDED_HOLE,
  RECORDED_PRESENT,
  RECORDED_REUSE,
  RECORDED_REUSE_DURING_EXIT,
  RECORDING_LABELS,
} from './trace/recording.ts'
import { SEGMENT, type Trace } from './trace/trace.ts'

/** How often each thing happened, by its name. */
type Tally = Readonly<Record<string, number>>

/** Two counts of the same events: what the kernel recorded, and those of them that the model shares. */
export interface Shared {
  readonly recorded: number
  readonly shared: number
}

export interface Agreement {
  /** Page faults, without those that were recorded a second time. */
  readonly faults: Shared
  /** Faults at which the model had a page, or none, exactly as the kernel had. */
  readonly presence: Shared
  /** Accesses that the importer added, so that pages are where the kernel had them. */
  readonly added: number
  /** Store faults on a present page: a reuse or a copy. */
  readonly decisions: Shared
  /** How the model decided there. */
  readonly answers: Tally
  /** Of the decisions whose outcome is known, those with the same: a reuse or a copy. */
  readonly outcomes: Shared
  /** The others, by who did what. */
  readonly differences: Tally
  /** Those of them at which a process that had exited was being unmapped: the trace has it gone at once. */
  readonly duringExit: { readonly kernelCopies: number; readonly kernelReuses: number }
  /** Faults of the model where none was recorded, by what is known of the place. */
  readonly extraFaults: Tally
  /** Decisions of the model that the kernel did not take, by what was recorded instead. */
  readonly extraDecisions: Tally
  /** What the kernel counts as pgreuse: stores in place, to shared mappings too, and none to a huge page. */
  readonly reuses: number
}

/** What the model did at one access. */
interface Outcome {
  /** Had it a page there before? */
  readonly present: boolean
  readonly faults: number
  /** How it decided about a page that was there; empty if it had nothing to decide. */
  readonly answer: string
}

/** Calls a step until it returns false. */
export type DoSteps = (step: () => boolean) => void

const atOnce: DoSteps = (step) => {
  while (step()) {}
}

/**
 * `recording` holds RECORDED_* or INSERTED_* for each load and store of `trace`. Under a policy of one's own a step may
 * take for ever: `doSteps` may guard them.
 */
export function againstRecording(
  settings: RunSettings,
  trace: Trace,
  recording: Uint8Array,
  doSteps = atOnce,
): Agreement {
  const engine = litmusMachine(settings)
  const counts = new Counts()
  const { segments, args } = trace
  let [access, s, i] = [0, 0, segments[2] ?? 0]
  const next = (): boolean => {
    if (s >= segments.length) return false
    const op = segments[s]!
    const mm = segments[s + 1]!
    const hi = segments[s + 3]!
    const accesses = op === OP_LOAD || op === OP_STORE
    if (accesses && i < hi) {
      counts.take(op === OP_STORE, recording[access++]!, step(engine, op, mm, args, i++))
      return true
    }
    if (!accesses) {
      const before = engine.faults
      engine.runSegment(op, mm, args, i, hi)
      count(counts.extraFaults, OP_LABELS[op]!, engine.faults - before)
    }
    s += SEGMENT
    i = segments[s + 2] ?? 0
    return true
  }
  doSteps(next)
  // Nobody is asked anything that was not answered by now.
  return { ...counts, reuses: reusesOf(settings, trace) }
}

class Counts implements Omit<Agreement, 'reuses'> {
  readonly faults = { recorded: 0, shared: 0 }
  readonly presence = { recorded: 0, shared: 0 }
  added = 0
  readonly decisions = { recorded: 0, shared: 0 }
  readonly answers: Record<string, number> = {}
  readonly outcomes = { recorded: 0, shared: 0 }
  readonly differences: Record<string, number> = {}
  readonly duringExit = { kernelCopies: 0, kernelReuses: 0 }
  readonly extraFaults: Record<string, number> = {}
  readonly extraDecisions: Record<string, number> = {}

  take(store: boolean, code: number, outcome: Outcome): void {
    const { present, faults, answer } = outcome
    const onPresent = ON_PRESENT.has(code)
    if (onPresent || code === RECORDED_HOLE) {
      compare(this.faults, faults > 0)
      compare(this.presence, present === onPresent)
      count(this.extraFaults, 'second fault at one access', Math.max(0, faults - 1))
    } else {
      if (code !== RECORDED_AGAIN) this.added++
      count(this.extraFaults, RECORDING_LABELS[code]!, faults)
    }
    if (store && onPresent) this.#decision(code, outcome)
    else if (answer !== '') count(this.extraDecisions, RECORDING_LABELS[code]!, 1)
  }

  #decision(code: number, { present, answer }: Outcome): void {
    compare(this.decisions, answer !== '')
    count(this.answers, answer || (present ? 'nothing: writable already' : 'nothing: no page'), 1)
    if (code === RECORDED_PRESENT || answer === '') return
    const copied = code === RECORDED_COPY || code === RECORDED_COPY_DURING_EXIT
    const agree = answer.startsWith('copy') === copied
    compare(this.outcomes, agree)
    if (agree) return
    const name = `kernel ${copied ? 'copy' : 'reuse'}, model ${answer}`
    if (code !== RECORDED_COPY_DURING_EXIT && code !== RECORDED_REUSE_DURING_EXIT) {
      count(this.differences, name, 1)
      return
    }
    count(this.differences, `${name}; a process that had exited was being unmapped`, 1)
    this.duringExit[copied ? 'kernelCopies' : 'kernelReuses']++
  }
}

/** The kernel had a page. */
const ON_PRESENT: ReadonlySet<number> = new Set([
  ...[RECORDED_PRESENT, RECORDED_COPY, RECORDED_REUSE],
  ...[RECORDED_COPY_DURING_EXIT, RECORDED_REUSE_DURING_EXIT],
])

function compare(counts: { recorded: number; shared: number }, same: boolean): void {
  counts.recorded++
  if (same) counts.shared++
}

function step(engine: Engine, op: number, mm: number, args: Int32Array, i: number): Outcome {
  const { machine } = engine
  const kind = engine.pageKind(mm, args[i]!)
  const present = kind !== PAGE_NONE && kind !== PAGE_SWAP
  const before = engine.faults
  const shared = machine.counts.sharedReuses
  const verdicts = [...machine.verdicts]
  engine.runSegment(op, mm, args, i, i + 1)
  const faults = engine.faults - before
  const verdict = machine.verdicts.findIndex((times, code) => times !== verdicts[code])
  let answer = ''
  // A store to a hole in a private file mapping copies too, but nobody has to decide that.
  if (present && faults > 0) {
    if (verdict >= 0) answer = VERDICT_LABELS[verdict]!
    else if (machine.counts.sharedReuses !== shared) answer = 'reuse: shared mapping'
    else if (kind === PAGE_ZERO) answer = 'copy: zero page'
  }
  return { present, faults, answer }
}

function reusesOf(settings: RunSettings, trace: Trace): number {
  const { values, sharedReuses } = simulate({ ...settings, trace, oracle: 'epoch', check: false })
  return values.reuses - values.huge_reuses + sharedReuses
}

function count(tally: Record<string, number>, name: string, times: number): void {
  if (times > 0) tally[name] = (tally[name] ?? 0) + times
}
