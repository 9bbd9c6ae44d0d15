/**
 * run: executes a litmus test on a machine, one page at a time in order, and says in words what was seen.
 *
 * Every word is an observation from outside, as a driver with pagemap would make it on a real kernel: the frame before,
 * the frame after, and whether a fault was taken.
 */
import {
  DEV_COHERENT,
  DEV_INCOHERENT,
  DEV_LEAK,
  SAW_LEAK,
  SAW_MISMATCH,
} from '../trace/observed.ts'
import {
  OP_BEGIN,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_DRAIN,
  OP_LOAD,
  OP_MMAP,
  OP_PIN,
  OP_POKE,
  OP_SET,
  OP_STEP,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
  OP_UNPIN,
  OP_WRITEBACK,
} from '../trace/ops.ts'
import { FLAGS } from './expect.ts'
import { EVENTS, SHOW } from './language.ts'
import { answerWord, pageBefore, presence, storeWord } from './look.ts'
import {
  DONE,
  type LitmusMachine,
  type MachineFactory,
  MUST_WAIT,
  PAGE_HUGE_ZERO,
  PAGE_NONE,
  PAGE_SWAP,
  PAGE_ZERO,
} from './machine-shape.ts'
import type { LitmusTest, Operation } from './program.ts'
import { OperationResult } from './result.ts'
import { HeldOperations } from './steps.ts'
import * as W from './words.ts'

export interface LitmusOptions {
  /** What the results call the machine: a policy's name. */
  readonly policy: string
  /** Drain the LRU batches before every operation. */
  readonly drained?: boolean
}

/** Runs the whole test on a new machine: one result per operation. */
export function runLitmus(
  test: LitmusTest,
  machineFor: MachineFactory,
  options: LitmusOptions,
): OperationResult[] {
  const run = new LitmusRun(test, machineFor(), options)
  return test.operations.map((operation) => run.step(operation))
}

/** A test under way: `step` through its operations in order. */
export class LitmusRun {
  readonly #test: LitmusTest
  readonly #machine: LitmusMachine
  readonly #policy: string
  readonly #drained: boolean
  /** By pin: was it refused? Then it took nothing. */
  readonly #refused: Uint8Array
  readonly #tasks: HeldOperations
  /** The manager's events that were told already. */
  #told: readonly number[] = [0, 0, 0]

  constructor(
    test: LitmusTest,
    machine: LitmusMachine,
    { policy, drained = false }: LitmusOptions,
  ) {
    this.#test = test
    this.#machine = machine
    this.#policy = policy
    this.#drained = drained
    this.#refused = new Uint8Array(test.pins.length)
    this.#tasks = new HeldOperations(machine, this.#refused)
  }

  step(operation: Operation): OperationResult {
    const m = this.#machine
    if (this.#drained) m.apply(OP_DRAIN, 0)
    const { name } = this.#test
    switch (operation.code) {
      case OP_STORE:
      case OP_STORE_SAME:
        return this.#result(operation, stores(m, operation))
      case OP_LOAD: {
        const codes = scratch(operation.pages)
        const saw = loads(m, operation, codes)
        const outcome = W.formatRuns(codes, operation.first, operation.pages)
        return new OperationResult(name, this.#policy, operation, outcome, FLAGS_OF[saw])
      }
      case OP_POKE:
        return this.#result(operation, W.wordOf(poke(m, operation)))
      case OP_PIN:
        return this.#result(operation, this.#pin(operation))
      case OP_UNPIN:
      case OP_DEVREAD:
      case OP_DEVWRITE:
        return this.#result(operation, this.#throughPin(operation))
      case OP_SWAPOUT:
      case OP_WRITEBACK: {
        const done = m.apply(operation.code, operation.mm, operation.vpn, operation.pages)
        return this.#result(operation, done === MUST_WAIT ? 'waits' : presence(m, operation))
      }
      case OP_BEGIN:
        return this.#result(operation, this.#tasks.begin(operation))
      case OP_STEP:
        return this.#result(operation, this.#tasks.step(operation))
      case SHOW:
        return this.#result(operation, presence(m, operation))
      case EVENTS:
        return this.#result(operation, this.#events())
      default:
        return this.#result(operation, answerWord(plain(m, operation)))
    }
  }

  #result(operation: Operation, outcome: string): OperationResult {
    return new OperationResult(this.#test.name, this.#policy, operation, outcome)
  }

  #events(): string {
    const now = this.#machine.uffdEvents ?? [0, 0, 0]
    const [missing, minor, wp] = now.map((count, i) => count - (this.#told[i] ?? 0))
    this.#told = now
    return `missing${missing}:minor${minor}:wp${wp}`
  }

  #pin({ mm, vpn, pages, value, pin }: Operation): string {
    const m = this.#machine
    const frame = m.frameOf(mm, vpn)
    const done = m.apply(OP_PIN, mm, vpn, pages, value, pin)
    this.#refused[pin] = done === DONE ? 0 : 1
    if (done !== DONE) return answerWord(done)
    return frame >= 0 && m.frameOf(mm, vpn) !== frame ? 'moved' : 'ok'
  }

  #throughPin({ code, mm, pin, first, pages }: Operation): string {
    const m = this.#machine
    const refused = this.#refused[pin] === 1
    if (code === OP_UNPIN) return refused ? 'ok' : answerWord(m.apply(OP_UNPIN, mm, pin))
    if (refused) return 'error'
    if (code === OP_DEVWRITE) {
      let waits = false
      for (let i = first; i < first + pages; i++) {
        waits ||= m.apply(OP_DEVWRITE, mm, pin, i) === MUST_WAIT
      }
      return waits ? 'waits' : 'ok'
    }
    const codes = scratch(pages)
    for (let i = 0; i < pages; i++) {
      const answer = m.apply(OP_DEVREAD, mm, pin, first + i)
      if (answer === DONE) codes[i] = devWord(m.lastDev)
      else codes[i] = answer === MUST_WAIT ? W.WAITS : W.ERROR
    }
    return pages === 1 ? W.wordOf(codes[0]) : W.formatRuns(codes, first, pages)
  }
}

/** By SAW_* bits. */
const FLAGS_OF: readonly (readonly string[])[] = [0, 1, 2, 3].map((saw) =>
  FLAGS.filter((flag) => saw & (flag === 'leak' ? SAW_LEAK : SAW_MISMATCH)),
)

/** One code per page of the operation under way, shared by all: results keep text. */
let codesOfPages = new Uint8Array(512)

function scratch(pages: number): Uint8Array {
  if (pages > codesOfPages.length) codesOfPages = new Uint8Array(pages)
  return codesOfPages
}

function stores(m: LitmusMachine, { code, mm, vpn, first, pages, value }: Operation): string {
  const codes = scratch(pages)
  for (let i = 0; i < pages; i++) codes[i] = store(m, code, mm, vpn + i, value)
  return W.formatRuns(codes, first, pages)
}

function store(m: LitmusMachine, code: number, mm: number, vpn: number, value: number): number {
  const before = pageBefore(m, mm, vpn)
  const faults = m.faults
  const done = m.apply(code, mm, vpn, value)
  if (done !== DONE) return done === MUST_WAIT ? W.WAITS : W.SEGV
  return storeWord(m, before, m.faults !== faults, mm, vpn)
}

/** Fills `codes` and returns what the loads saw, as SAW_* bits. */
function loads(m: LitmusMachine, { mm, vpn, pages }: Operation, codes: Uint8Array): number {
  let saw = 0
  for (let i = 0; i < pages; i++) {
    const before = m.pageKind(mm, vpn + i)
    const asked = m.uffdEvents
    const done = m.apply(OP_LOAD, mm, vpn + i)
    if (done !== DONE) {
      codes[i] = done === MUST_WAIT ? W.WAITS : W.SEGV
      continue
    }
    saw |= m.lastSaw
    const after = m.pageKind(mm, vpn + i)
    // A swap entry may have been lost (on-demand-fork): then the load finds zeroes.
    const filled = before === PAGE_NONE || (before === PAGE_SWAP && after === PAGE_ZERO)
    if (filled) codes[i] = wasAsked(asked, m.uffdEvents) ? providedWord(after) : fillWord(after)
    else codes[i] = before === PAGE_SWAP ? W.SWAPIN : W.NOFAULT
  }
  return saw
}

function wasAsked(before: readonly number[] = [], after: readonly number[] = []): boolean {
  return after.some((count, i) => count !== before[i])
}

function providedWord(kind: number): number {
  return kind === PAGE_ZERO ? W.ZEROPAGE : W.PROVIDED
}

function fillWord(kind: number): number {
  if (kind === PAGE_ZERO) return W.ZEROPAGE
  return kind === PAGE_HUGE_ZERO ? W.HUGEZEROPAGE : W.PAGECACHE
}

function poke(m: LitmusMachine, { mm, vpn }: Operation): number {
  const frame = m.frameOf(mm, vpn)
  const done = m.apply(OP_POKE, mm, vpn)
  if (done !== DONE) return done === MUST_WAIT ? W.WAITS : W.ERROR
  if (frame < 0) return W.FILL
  return m.frameOf(mm, vpn) === frame ? W.INPLACE : W.COPY
}

function devWord(answer: number): number {
  if (answer === DEV_COHERENT) return W.COHERENT
  if (answer === DEV_INCOHERENT) return W.INCOHERENT
  return answer === DEV_LEAK ? W.LEAK : W.NOLEAK
}

/** Operations that only answer whether they were done: their operands in the order of OPERANDS. */
function plain(m: LitmusMachine, operation: Operation): number {
  const { code, mm, vpn, pages, value } = operation
  if (code === OP_MMAP) {
    return m.apply(
      code,
      mm,
      vpn,
      pages,
      operation.map,
      value,
      operation.folioOrder,
      operation.object,
      0,
    )
  }
  if (code === OP_SET) return m.apply(code, mm, operation.first, value)
  return vpn < 0 ? m.apply(code, mm, value) : m.apply(code, mm, vpn, pages, value)
}
