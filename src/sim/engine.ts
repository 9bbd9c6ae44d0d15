/**
 * Engine: runs a trace on a machine, segment by segment, or one operation at a time.
 */
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PTE_PRESENT,
  PTE_STORE_HIT,
  PTE_WRITE,
} from '../state/tables.ts'
import { OP_STORE, OPERANDS } from '../trace/ops.ts'
import { type Chunk, type ChunkedTrace, SEGMENT, type Trace } from '../trace/trace.ts'
import { load, store as storeTo } from './access.ts'
import { WAITS } from './answers.ts'
import { exchange, isExchange } from './exchange.ts'
import { checkInvariants } from './invariants.ts'
import { NO_EXPECTATIONS } from './judge.ts'
import { mustWait } from './locks.ts'
import { lruDrainAll } from './lru.ts'
import { Machine, type MachineOptions } from './machine.ts'
import { frameOf, pageKind } from './observe.ts'
import { OPERATIONS } from './operations.ts'
import { plainStores } from './plain.ts'
import { isAccess, type Position, touchesPlain } from './plain-touch.ts'
import { endWriteback } from './reclaim.ts'
import { uncheckedStores } from './unchecked.ts'

/** Small runs are checked after every event, large ones every CHECK_EVERY events. */
const CHECK_ALL_EVENTS = 2000
const CHECK_ALL_FRAMES = 1024
const CHECK_EVERY = 1000

export interface EngineOptions extends MachineOptions {
  /** Recompute every count from its parts: after every event of a small run, else now and then. */
  readonly check?: boolean
}

export class Engine {
  readonly machine: Machine
  readonly #check: boolean
  /** The access that #accesses() left its loop for. */
  readonly #at: Position = { segment: 0, arg: 0, event: 0 }

  constructor(options: EngineOptions) {
    this.machine = new Machine(options)
    this.#check = options.check ?? false
  }

  /** Runs the whole trace; what is left in the batches afterwards goes where it belongs. */
  run(trace: Trace | ChunkedTrace): void {
    if ('chunks' in trace) for (const chunk of trace.chunks) this.#runSegments(chunk, false)
    else this.#runSegments(trace, trace.events <= CHECK_ALL_EVENTS)
    endWriteback(this.machine)
    lruDrainAll(this.machine)
    this.machine.spent = 0
    if (this.#check) checkInvariants(this.machine)
  }

  #runSegments({ segments, args }: Chunk, small: boolean): void {
    for (let s = 0; s < segments.length; ) {
      const op = segments[s]!
      if (!this.#check && this.machine.tasks.length === 0) {
        if (isExchange(this.machine, segments, s)) {
          const next = exchange(this.machine, segments, args, s)
          if (next > s) {
            s = next
            continue
          }
        }
        if (isAccess(op)) {
          s = this.#accesses(segments, args, s, segments.length)
          continue
        }
      }
      const mm = segments[s + 1]!
      const lo = segments[s + 2]!
      const hi = segments[s + 3]!
      if (this.#check) this.#runChecked(op, mm, args, lo, hi, small)
      else this.runSegment(op, mm, args, lo, hi)
      s += SEGMENT
    }
  }

  runSegment(op: number, mm: number, args: Int32Array, lo: number, hi: number): void {
    if (!isAccess(op)) this.#one(op, mm, args, lo)
    else if (this.machine.tasks.length !== 0) this.#besideTasks(op, mm, args, lo, hi)
    else if (lo < hi) this.#accesses(Int32Array.of(op, mm, lo, hi), args, 0, SEGMENT)
  }

  /** Loads and stores that may have to wait. */
  #besideTasks(op: number, mm: number, args: Int32Array, lo: number, hi: number): void {
    for (let i = lo; i < hi; i++) this.apply(op, mm, args[i]!)
  }

  #one(op: number, mm: number, args: Int32Array, lo: number): void {
    const n = OPERANDS[op]!.length
    this.apply(
      op,
      mm,
      n > 0 ? args[lo]! : 0,
      n > 1 ? args[lo + 1]! : 0,
      n > 2 ? args[lo + 2]! : 0,
      n > 3 ? args[lo + 3]! : 0,
      n > 4 ? args[lo + 4]! : 0,
      n > 5 ? args[lo + 5]! : 0,
      n > 6 ? args[lo + 6]! : 0,
    )
  }

  /**
   * Executes one operation (src/trace/ops.ts, operands in that order). Returns OK, SEGV or FAILED; beside tasks also
   * WAITS; of STEP also GOES_ON and OVER.
   */
  apply(op: number, mm: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0): number {
    this.machine.judge.event = this.machine.events++
    if (this.machine.tasks.length !== 0 && mustWait(this.machine, op, mm, a, b, c)) return WAITS
    const operation = OPERATIONS[op]
    if (operation === undefined) throw new RangeError(`unknown operation: ${op}`)
    return operation(this.machine, mm, a, b, c, d, e, f, g)
  }

  /** Frame of a present page, -1 for any other (src/sim/observe.ts). */
  frameOf(mm: number, vpn: number): number {
    return frameOf(this.machine, mm, vpn)
  }

  /** PAGE_* of a page (src/sim/observe.ts). */
  pageKind(mm: number, vpn: number): number {
    return pageKind(this.machine, mm, vpn)
  }

  /** Faults taken so far, by anyone, userfaults included. */
  get faults(): number {
    return this.machine.faults
  }

  /** How often userfaultfd's manager was asked so far: missing, minor, write. */
  get uffdEvents(): readonly number[] {
    const { missingEvents, minorEvents, wpEvents } = this.machine.counts
    return [missingEvents, minorEvents, wpEvents]
  }

  /** STEP_* that was made last. */
  get lastStep(): number {
    return this.machine.lastStep
  }

  /** SAW_* bits of the last load. */
  get lastSaw(): number {
    return this.machine.lastSaw
  }

  /** DEV_* of the last device read. */
  get lastDev(): number {
    return this.machine.lastDev
  }

  /**
   * Loads and stores by one process, in all segments from the one at `s` on that are nothing else. Returns the first that
   * is.
   *
   * The hot path: one load of the entry and one mask test for an access that finds its page writable and checked. Of
   * any other page a load compares what it finds: anybody else may have written to the frame since. The columns are
   * constants in here (V8 would look them up again for every event), which a miss leaves.
   */
  #accesses(segments: Int32Array, args: Int32Array, s: number, end: number): number {
    const m = this.machine
    const at = this.#at
    const { judge } = m
    const mmId = segments[s + 1]!
    const mm = m.mm(mmId)
    let i = segments[s + 2]!
    /** Number of the event that an operand stands for, minus the operand's index. */
    let first = m.events - i
    for (;;) {
      const { ptes } = m.tables
      const dir = mm.tables
      const tokens = m.frames.token
      const expected = judge.expectations(mmId)
      const { arena, directory } = expected ?? NO_EXPECTATIONS
      // Checked means that nobody has come to see the page since its last store; only a device that holds pages
      // already could have stored to it, and none does. Pages that await a userfault are looked at every time.
      const own = m.frames.held === 0 && directory.length > 0
      let hi = segments[s + 3]!
      for (;;) {
        if (segments[s] === OP_STORE) {
          while (i < hi) {
            const vpn = args[i]!
            const pte = ptes[dir[vpn >>> FULL_TABLE_SHIFT]! + (vpn & (FULL_TABLE_PAGES - 1))]!
            if ((pte & PTE_STORE_HIT) !== PTE_STORE_HIT) break
            i++
          }
        } else {
          while (i < hi) {
            const vpn = args[i]!
            const range = vpn >>> FULL_TABLE_SHIFT
            const offset = vpn & (FULL_TABLE_PAGES - 1)
            const pte = ptes[dir[range]! + offset]!
            if (own && (pte & PTE_STORE_HIT) === PTE_STORE_HIT) {
              i++
              continue
            }
            if ((pte & PTE_PRESENT) === 0) break
            const token = tokens[pte >>> PFN_SHIFT]!
            if (expected !== undefined && arena[directory[range]! + offset] !== token) {
              if (!judge.seesExpected(mmId, vpn, token)) break
            }
            i++
          }
        }
        if (i < hi) break
        s += SEGMENT
        if (s === end || segments[s + 1] !== mmId || !isAccess(segments[s]!)) {
          m.events = first + i
          return s
        }
        i = segments[s + 2]!
        first += hi - i
        hi = segments[s + 3]!
      }
      at.segment = s
      at.arg = i
      at.event = first + i
      this.#missed(mm, segments, args, at, end)
      s = at.segment
      i = at.arg
      if (i === segments[s + 3]!) {
        s += SEGMENT
        if (s === end || segments[s + 1] !== mmId || !isAccess(segments[s]!)) {
          m.events = at.event
          return s
        }
        i = segments[s + 2]!
      }
      first = at.event - i
    }
  }

  /** The access at `at` needs more than a look. Moves `at` on to the next one to look at. */
  #missed(mm: Mm, segments: Int32Array, args: Int32Array, at: Position, end: number): void {
    const m = this.machine
    const { segment, arg, event } = at
    const store = segments[segment] === OP_STORE
    const vpn = args[arg]!
    const pte = m.tables.ptes[mm.pteIndex(vpn)]!
    if (store && (pte & (PTE_PRESENT | PTE_WRITE)) === (PTE_PRESENT | PTE_WRITE)) {
      at.arg = uncheckedStores(m, mm, args, arg, segments[segment + 3]!, event)
      at.event = event + at.arg - arg
      if (at.arg > arg) return
    } else if ((pte & (PTE_PRESENT | PTE_WRITE)) !== PTE_PRESENT) {
      touchesPlain(m, mm, segments, args, at, end)
      if (at.event > event) return
    } else if (store) {
      at.arg = plainStores(m, mm, args, arg, segments[segment + 3]!)
      at.event = event + at.arg - arg
      if (at.arg > arg) return
    }
    m.judge.event = event
    if (store) storeTo(m, mm, vpn)
    else load(m, mm, vpn)
    at.arg = arg + 1
    at.event = event + 1
  }

  #runChecked(
    op: number,
    mm: number,
    args: Int32Array,
    lo: number,
    hi: number,
    small: boolean,
  ): void {
    const step = isAccess(op) ? 1 : hi - lo
    for (let at = lo; at < hi || at === lo; at += Math.max(1, step)) {
      const before = this.machine.events
      this.runSegment(op, mm, args, at, Math.min(hi, at + step))
      const all = small && this.machine.frames.used <= CHECK_ALL_FRAMES
      if (all || before % CHECK_EVERY === 0) checkInvariants(this.machine)
      if (step === 0) break
    }
  }
}
