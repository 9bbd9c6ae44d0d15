/**
 * machine: what the driver saw, shown as the machine that a litmus test runs on; so the running kernel's words come out
 * of the same code as the model's (src/litmus/run.ts).
 */

import { constants } from 'node:os'
import { SHOW } from '../litmus/language.ts'
import { DONE, type LitmusMachine, PAGE_NONE, PAGE_SWAP, REFUSED } from '../litmus/machine-shape.ts'
import type { LitmusTest, Operation } from '../litmus/program.ts'
import type { OperationResult } from '../litmus/result.ts'
import { LitmusRun } from '../litmus/run.ts'
import {
  MADV_COLLAPSE,
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_LOAD,
  OP_MADVISE,
  OP_PIN,
  OP_POKE,
  OP_STORE,
  OP_STORE_SAME,
  OP_SWAPOUT,
} from '../trace/ops.ts'
import { type OperationSeen, type PageSeen, type Seen, tokenOf } from './request.ts'
import { LiveShadow } from './shadow.ts'

/** What the results call the running kernel. */
export const LIVE = 'live'

const PAGEWISE = new Set([OP_LOAD, OP_STORE, OP_STORE_SAME, OP_POKE])
const NOTHING: Seen = { kind: PAGE_NONE, pfn: 0, flags: 0 }

/** The words for what the driver saw: one result per operation. */
export function resultsOf(test: LitmusTest, seen: readonly OperationSeen[]): OperationResult[] {
  const machine = new RecordedMachine(test)
  const run = new LitmusRun(test, machine, { policy: LIVE })
  return test.operations.map((operation, i) => {
    const what = seen[i]
    if (what === undefined) throw new Error(`truncated answer: operation ${operation.n} is missing`)
    machine.turnTo(operation, what)
    return run.step(operation)
  })
}

/** madvise() does what it is asked to wherever memory is mapped, and fails with ENOMEM if that is not everywhere. */
function reachedMapped(op: number, error: number): boolean {
  return op === OP_MADVISE && error === constants.errno.ENOMEM
}

class RecordedMachine implements LitmusMachine {
  faults = 0
  lastSaw = 0
  lastDev = 0
  readonly #shadow: LiveShadow
  #operation: Operation | undefined
  #seen: OperationSeen = { status: DONE, error: 0, pages: [] }
  /** Pages whose access has been told; all of them after any other operation. */
  #told = 0

  constructor(test: LitmusTest) {
    this.#shadow = new LiveShadow(test)
  }

  turnTo(operation: Operation, seen: OperationSeen): void {
    this.#operation = operation
    this.#seen = seen
    this.#told = operation.code === SHOW ? operation.pages : 0
  }

  apply(op: number, mm: number, a = 0, b = 0): number {
    const operation = this.#current
    if (op === OP_DEVREAD || op === OP_DEVWRITE) return this.#device(op, a, b)
    if (PAGEWISE.has(op)) return this.#access(op, mm, a)
    this.#told = operation.pages
    if (op === OP_PIN || (op === OP_MADVISE && operation.value === MADV_COLLAPSE)) {
      for (let i = 0; i < operation.pages; i++) this.#shadow.touched(mm, operation.vpn + i)
    }
    const { status, error } = this.#seen
    if (status === DONE || reachedMapped(op, error)) this.#shadow.done(operation)
    if (status !== DONE) return REFUSED
    for (let i = 0; op === OP_PIN && i < operation.pages; i++) {
      this.#shadow.pinned(operation.pin, i, this.#pageSeen(i).after.pfn)
    }
    for (let i = 0; op === OP_SWAPOUT && i < operation.pages; i++) {
      const { before, after } = this.#pageSeen(i)
      if (before.kind === PAGE_NONE) continue
      if (after.kind !== PAGE_SWAP && after.kind !== PAGE_NONE) continue
      this.#shadow.reclaimed(mm, operation.vpn + i, after.kind === PAGE_SWAP, before.pfn)
    }
    return DONE
  }

  frameOf(_mm: number, vpn: number): number {
    const { kind, pfn } = this.#page(vpn)
    return kind === PAGE_NONE || pfn === 0 ? -1 : pfn
  }

  pageKind(_mm: number, vpn: number): number {
    return this.#page(vpn).kind
  }

  get #current(): Operation {
    if (this.#operation === undefined) throw new Error('no operation yet')
    return this.#operation
  }

  #access(op: number, mm: number, vpn: number): number {
    const index = vpn - this.#current.vpn
    const page = this.#pageSeen(index)
    this.#told = index + 1
    this.faults += page.faults
    this.#shadow.touched(mm, vpn)
    if (page.status !== DONE) return page.status
    if (op === OP_LOAD) this.lastSaw = this.#shadow.load(mm, vpn, page.token)
    else this.#shadow.store(mm, vpn, page.token)
    return DONE
  }

  #device(op: number, pin: number, index: number): number {
    const { n, text, first } = this.#current
    if (this.#seen.status !== DONE) {
      throw new Error(`device failed at operation ${n}, ${text}: error ${this.#seen.error}`)
    }
    const { token, after } = this.#pageSeen(index - first)
    if (op === OP_DEVWRITE) {
      this.#shadow.deviceStore(pin, index, tokenOf(this.#current) + index - first, after.pfn)
    } else {
      this.lastDev = this.#shadow.deviceLoad(pin, index, token)
    }
    return DONE
  }

  #page(vpn: number): Seen {
    const index = vpn - this.#current.vpn
    const page = this.#seen.pages[index]
    if (page === undefined) return NOTHING
    return index < this.#told ? page.after : page.before
  }

  #pageSeen(index: number): PageSeen {
    const page = this.#seen.pages[index]
    if (page === undefined) throw new Error(`truncated answer: page ${index} is missing`)
    return page
  }
}
