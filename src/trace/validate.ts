/**
 * validate: looks for what no recorder or generator may put into a trace, and names the event; this file follows
 * processes, mappings and pins as far as the rules of the operations need.
 *
 * A store that the mapping forbids is no problem: programs do that, and are told so.
 */
import { HPAGE_PMD_ORDER } from './hpage.ts'
import {
  MADV_DONTFORK,
  MADV_LABELS,
  MAP_SHARED,
  OF_NO_PROCESS,
  OP_BEGIN,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_EXEC,
  OP_EXIT,
  OP_FORK,
  OP_LABELS,
  OP_LOAD,
  OP_MADVISE,
  OP_MMAP,
  OP_MREMAP,
  OP_MUNMAP,
  OP_PIN,
  OP_SET,
  OP_SPAWN,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UNPIN,
  OPERANDS,
  PIN_LABELS,
  PROT_READ,
  PROT_WRITE,
} from './ops.ts'
import { find, insert, type Range, remove, unmappedPage } from './ranges.ts'
import { settingProblem } from './settings.ts'
import { STEP_LABELS } from './steps.ts'
import { type Chunk, SEGMENT, type Trace } from './trace.ts'

/** Page numbers are signed 32-bit words. */
const VPN_LIMIT = 2 ** 31 - 1

/** A problem in words, with the number of the event that shows it. */
export interface TraceProblem {
  readonly event: number
  readonly problem: string
}

/** The first `limit` problems of a trace; none if it is sound. */
export function validateTrace(trace: Trace, limit = 20): TraceProblem[] {
  const validator = new TraceValidator(trace.processes)
  const problems = validator.take(trace, limit)
  return [...problems, ...validator.end(trace.events, limit - problems.length)]
}

/** Looks through a trace piece by piece. */
export class TraceValidator {
  /** Events so far. */
  events = 0
  /** Did it meet something after which nothing makes sense? */
  #lost = false
  readonly #state: Validator

  /** Process ids are below `processes`. */
  constructor(processes = Number.POSITIVE_INFINITY) {
    this.#state = new Validator(processes)
  }

  /** The first `limit` problems of the next piece. */
  take({ segments, args }: Chunk, limit: number): TraceProblem[] {
    if (this.#lost) return []
    const state = this.#state
    const problems: TraceProblem[] = []
    let nextArg = 0
    const give = (text: string, at = this.events): void => {
      if (problems.length < limit) problems.push({ event: at, problem: text })
    }
    const giveUp = (text: string): TraceProblem[] => {
      this.#lost = true
      give(text)
      return problems
    }
    for (let s = 0; s < segments.length && problems.length < limit; s += SEGMENT) {
      const [op = -1, mm = -1, lo = -1, hi = -1] = segments.subarray(s, s + SEGMENT)
      const operands = OPERANDS[op]
      if (!operands) return giveUp(`unknown operation: ${op}`)
      if (lo !== nextArg || hi < lo || hi > args.length) {
        return giveUp(`operands [${lo}, ${hi}) do not follow those before, which end at ${nextArg}`)
      }
      nextArg = hi
      const label = OP_LABELS[op]
      if (op === OP_LOAD || op === OP_STORE) {
        const unfit = state.process(mm)
        if (unfit) give(`${label}: ${unfit}`)
        for (let i = lo; i < hi && !unfit; i++) {
          const fault = state.access(mm, args[i]!)
          if (fault) give(`${label}: ${fault}`, this.events + (i - lo))
        }
        this.events += hi - lo
        continue
      }
      if (hi - lo !== operands.length) {
        return giveUp(`${label}: ${hi - lo} operands, expected ${operands.length}`)
      }
      const text = state.take(op, mm, args.subarray(lo, hi))
      if (text) give(`${label}: ${text}`)
      this.events++
    }
    return problems
  }

  /** The first process that has not exited so far. */
  get alive(): number | undefined {
    return this.#state.alive
  }

  /** What is wrong with the number of events, once the last piece was taken. */
  end(events: number, limit: number): TraceProblem[] {
    if (limit <= 0 || this.#lost || events === this.events) return []
    return [{ event: this.events, problem: `${this.events} events, the trace says ${events}` }]
  }
}

/** A workload lets every process exit: what a kernel does then is part of its cost. */
export function notExited(mm: number): Error {
  return new Error(`invalid trace: process ${mm} has not exited by its end`)
}

class Validator {
  readonly #processes: number
  /** Mapped ranges of each live process. */
  readonly #live = new Map<number, Range[]>()
  readonly #seen = new Set<number>()
  /** Pages of each pin that was taken; 0 once it was given back. */
  readonly #pins = new Map<number, number>()
  /** Pins taken in steps: to give one back too early waits, and may be tried again. */
  readonly #inSteps = new Set<number>()
  readonly #tasks = new Set<number>()

  constructor(processes: number) {
    this.#processes = processes
  }

  get alive(): number | undefined {
    return this.#live.keys().next().value
  }

  process(mm: number): string | undefined {
    if (this.#live.has(mm)) return undefined
    return `process ${mm} ${this.#seen.has(mm) ? 'has exited' : 'was never started'}`
  }

  access(mm: number, vpn: number): string | undefined {
    const ranges = this.#live.get(mm)!
    return find(ranges, vpn) ? undefined : `page ${vpn} of process ${mm} is not mapped`
  }

  /** Applies one event. Returns what is wrong with it. */
  take(op: number, mm: number, operands: Int32Array): string | undefined {
    const [first = 0, pages = 0, third = 0] = operands
    if (op === OP_SPAWN) return this.#start(mm, [])
    if (OF_NO_PROCESS.has(op)) return op === OP_SET ? settingProblem(first, pages) : undefined
    // Reclaim goes on when the process has exited whose page it began with.
    if (op === OP_STEP) return this.#step(first, pages)
    const unfit = this.process(mm)
    if (unfit) return unfit
    const ranges = this.#live.get(mm)!
    switch (op) {
      case OP_FORK:
        return this.#start(
          first,
          ranges.filter(({ dontfork }) => !dontfork).map((range) => ({ ...range })),
        )
      case OP_EXEC:
        this.#live.set(mm, [])
        return undefined
      case OP_EXIT:
        this.#live.delete(mm)
        return undefined
      case OP_STORE_SAME:
        return this.access(mm, first)
      case OP_UNPIN:
        return this.#unpin(first)
      case OP_DEVREAD:
      case OP_DEVWRITE:
        return this.#device(first, pages)
      case OP_BEGIN:
        return this.#begin(mm, operands)
    }
    if (OPERANDS[op]![0] !== 'vpn') return undefined
    const count = OPERANDS[op]![1] === 'pages' ? pages : 1
    const outside = rangeProblem(first, count)
    if (outside) return outside
    const last = first + count
    switch (op) {
      case OP_MMAP: {
        const wrong = mappingProblem(operands)
        if (wrong) return wrong
        return insert(ranges, { start: first, end: last, dontfork: false })
      }
      case OP_MUNMAP:
        remove(ranges, first, last)
        return undefined
      case OP_MREMAP: {
        const target = rangeProblem(third, count)
        if (target) return target
        const hole = unmappedPage(ranges, first, last)
        if (hole !== undefined) return `page ${hole} of process ${mm} is not mapped`
        const dontfork = find(ranges, first)!.dontfork
        remove(ranges, first, last)
        return insert(ranges, { start: third, end: third + count, dontfork })
      }
      case OP_MADVISE:
        if (MADV_LABELS[third] === undefined) return `unknown advice: ${third}`
        if (third === MADV_DONTFORK) {
          const removed = remove(ranges, first, last)
          for (const range of removed) insert(ranges, { ...range, dontfork: true })
        }
        return undefined
      case OP_PIN: {
        const pin = operands[3]!
        if (this.#pins.has(pin)) return `pin ${pin} was taken before`
        if (PIN_LABELS[third] === undefined) return `unknown kind: ${third}`
        this.#pins.set(pin, count)
        return undefined
      }
    }
    return undefined
  }

  /** The operation that is held is as sound as it would be alone. */
  #begin(
    mm: number,
    [task = 0, op = 0, first = 0, second = 0, third = 0]: Int32Array,
  ): string | undefined {
    if (this.#tasks.has(task)) return `task ${task} was begun before`
    this.#tasks.add(task)
    switch (op) {
      case OP_FORK:
        return this.take(op, mm, Int32Array.of(first))
      case OP_STORE:
        return this.access(mm, first)
      case OP_SWAPOUT:
        return this.take(op, mm, Int32Array.of(first, 1))
      case OP_PIN:
        this.#inSteps.add(third)
        return this.take(op, mm, Int32Array.of(first, 1, second, third))
      default:
        return `${OP_LABELS[op] ?? op} has no steps`
    }
  }

  #step(task: number, until: number): string | undefined {
    if (!this.#tasks.has(task)) return `task ${task} was never begun`
    return STEP_LABELS[until] === undefined ? `unknown step: ${until}` : undefined
  }

  #start(mm: number, ranges: Range[]): string | undefined {
    if (this.#seen.has(mm)) return `process ${mm} was started before`
    if (mm < 0 || mm >= this.#processes) {
      return `process ${mm} is outside the trace's ${this.#processes} processes`
    }
    this.#seen.add(mm)
    this.#live.set(mm, ranges)
    return undefined
  }

  #unpin(pin: number): string | undefined {
    const unfit = this.#unfitPin(pin)
    if (!unfit && !this.#inSteps.has(pin)) this.#pins.set(pin, 0)
    return unfit
  }

  #unfitPin(pin: number): string | undefined {
    const pages = this.#pins.get(pin)
    if (pages === undefined) return `pin ${pin} was never taken`
    return pages === 0 ? `pin ${pin} was given back before` : undefined
  }

  #device(pin: number, index: number): string | undefined {
    const unfit = this.#unfitPin(pin)
    if (unfit) return unfit
    const pages = this.#pins.get(pin)!
    return index >= 0 && index < pages ? undefined : `page ${index} of pin ${pin}'s ${pages}`
  }
}

function rangeProblem(start: number, pages: number): string | undefined {
  if (start >= 0 && pages > 0 && start + pages <= VPN_LIMIT) return undefined
  return `pages [${start}, ${start + pages}) are outside [0, ${VPN_LIMIT})`
}

function mappingProblem(operands: Int32Array): string | undefined {
  const [, , kind = -1, prot = -1, folioOrder = -1, object = -1, pgoff = -1] = operands
  if (kind < 0 || kind > MAP_SHARED) return `unknown kind: ${kind}`
  if (prot < 0 || prot > (PROT_READ | PROT_WRITE)) return `unknown protection: ${prot}`
  if (folioOrder < 0 || folioOrder > HPAGE_PMD_ORDER) return `folio order ${folioOrder}`
  return object < 0 || pgoff < 0 ? `object ${object} at page ${pgoff}` : undefined
}
