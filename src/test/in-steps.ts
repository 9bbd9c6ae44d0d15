/**
 * in-steps: the same trace with every operation that has steps taken through them one by one; and a trace in which all of
 * those are of one page, as steps need them.
 */
import {
  OP_BEGIN,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_FORK,
  OP_LOAD,
  OP_PIN,
  OP_STEP,
  OP_STORE,
  OP_SWAPOUT,
} from '../trace/ops.ts'
import { STEP_ALL, STEP_NEXT } from '../trace/steps.ts'
import { SEGMENT, type Trace } from '../trace/trace.ts'

export type Event = readonly [op: number, mm: number, ...operands: readonly number[]]

/** Steps that are made one by one before the rest is made at once; what is over stays over. */
const STEPS_ALONE = 40

export function singlePages(trace: Trace): Trace {
  return rewritten(trace, ([op, mm, ...operands]) => {
    const [first = 0, second = 0, third = 0, fourth = 0] = operands
    if (op === OP_PIN) return [[op, mm, first, 1, third, fourth]]
    if (op === OP_DEVREAD || op === OP_DEVWRITE) return [[op, mm, first, 0]]
    if (op !== OP_SWAPOUT) return [[op, mm, ...operands]]
    return Array.from({ length: Math.min(second, 32) }, (_, i): Event => [op, mm, first + i, 1])
  })
}

/** Takes each operation that has steps straight through them, `alone`: by an OP_STEP for each. */
export function inSteps(trace: Trace, alone: boolean): Trace {
  let tasks = 0
  return rewritten(trace, (event) => {
    const begun = beginning(event, tasks)
    if (begun === undefined) return [event]
    const task = tasks++
    const [op, mm] = event
    const step = (until: number): Event => [OP_STEP, mm, task, until]
    const single = alone
      ? new Array<Event>(op === OP_FORK ? STEPS_ALONE : 8).fill(step(STEP_NEXT))
      : []
    return [begun, ...single, step(STEP_ALL)]
  })
}

function beginning([op, mm, ...operands]: Event, task: number): Event | undefined {
  const [first = 0, , third = 0, fourth = 0] = operands
  switch (op) {
    case OP_FORK:
    case OP_STORE:
    case OP_SWAPOUT:
      return [OP_BEGIN, mm, task, op, first, 0, 0]
    case OP_PIN:
      return [OP_BEGIN, mm, task, op, first, third, fourth]
    default:
      return undefined
  }
}

function rewritten(trace: Trace, rewrite: (event: Event) => readonly Event[]): Trace {
  const segments: number[] = []
  const args: number[] = []
  for (const event of eventsOf(trace)) {
    for (const [op, mm, ...operands] of rewrite(event)) {
      segments.push(op, mm, args.length, args.length + operands.length)
      args.push(...operands)
    }
  }
  const { processes } = trace
  const events = segments.length / SEGMENT
  return { segments: Int32Array.from(segments), args: Int32Array.from(args), events, processes }
}

function* eventsOf({ segments, args }: Trace): Generator<Event> {
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = 0, mm = 0, lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
    const operands = args.subarray(lo, hi)
    if (op !== OP_LOAD && op !== OP_STORE) yield [op, mm, ...operands]
    else for (const vpn of operands) yield [op, mm, vpn]
  }
}
