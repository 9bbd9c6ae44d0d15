/** steps: operations of a test that are held and taken through their steps, and what each step shows. */
import { OP_BEGIN, OP_FORK, OP_PIN, OP_STEP, OP_STORE, OP_SWAPOUT } from '../trace/ops.ts'
import { STEP_LABELS } from '../trace/steps.ts'
import { answerWord, type PageBefore, pageBefore, presence, storeWord } from './look.ts'
import { DONE, type LitmusMachine, MUST_WAIT, OVER, PAGE_NONE, STEPPED } from './machine-shape.ts'
import type { Operation } from './program.ts'
import * as W from './words.ts'

export class HeldOperations {
  readonly #machine: LitmusMachine
  /** By pin: was it refused? One that is still in its steps was not: what asks for it waits. */
  readonly #refused: Uint8Array
  /** By task: what was seen of its page before it began, and whether it took a fault since. */
  readonly #tasks = new Map<number, PageBefore & { faulted: boolean }>()

  constructor(machine: LitmusMachine, refused: Uint8Array) {
    this.#machine = machine
    this.#refused = refused
  }

  begin({ task, held, mm, vpn, value, pin }: Operation): string {
    const m = this.#machine
    const first = held === OP_FORK ? value : vpn
    m.apply(OP_BEGIN, mm, task, held, first, held === OP_PIN ? value : 0, pin < 0 ? 0 : pin)
    const page = held === OP_FORK ? { frame: -1, kind: PAGE_NONE } : pageBefore(m, mm, vpn)
    this.#tasks.set(task, { ...page, faulted: false })
    return 'ok'
  }

  /** The step that was made last, or what the whole operation says when it is over. */
  step(operation: Operation): string {
    const m = this.#machine
    const { task, mm, until } = operation
    const before = this.#tasks.get(task)
    if (before === undefined) return 'over'
    const { faults } = m
    const answer = m.apply(OP_STEP, mm, task, until)
    if (m.faults !== faults) before.faulted = true
    switch (answer) {
      case MUST_WAIT:
        return 'waits'
      case OVER:
        return 'over'
      case STEPPED:
        return STEP_LABELS[m.lastStep ?? 0] ?? ''
      default:
        return this.#ended(operation, answer, before)
    }
  }

  #ended(operation: Operation, answer: number, before: PageBefore & { faulted: boolean }): string {
    const m = this.#machine
    const { held, mm, vpn, first, pin } = operation
    switch (held) {
      case OP_STORE: {
        const word = answer === DONE ? storeWord(m, before, before.faulted, mm, vpn) : W.SEGV
        return W.formatRuns(Uint8Array.of(word), first, 1)
      }
      case OP_PIN:
        if (answer !== DONE) {
          this.#refused[pin] = 1
          return 'error'
        }
        return movedFrom(before.frame, m.frameOf(mm, vpn)) ? 'moved' : 'ok'
      case OP_SWAPOUT:
        return presence(m, operation)
      default:
        return answerWord(answer)
    }
  }
}

/** A page that reclaim has taken away meanwhile was not moved. */
function movedFrom(before: number, now: number): boolean {
  return before >= 0 && now >= 0 && now !== before
}
