/**
 * World: a machine with its truth, small enough to be gone back to: a handful of processes that map the same few pages,
 * in one page table each. What the machine can do next depends on what state.ts keeps of it, and on nothing else.
 */
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { eraOf, policyWith, type RunSettings } from '../run.ts'
import { OK } from '../sim/answers.ts'
import { Engine } from '../sim/engine.ts'
import { mustWait } from '../sim/locks.ts'
import type { Machine } from '../sim/machine.ts'
import { hugeFrame, presentFrame } from '../sim/walk.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, PTE_SWAP } from '../state/tables.ts'
import { OP_DEVREAD, OP_LOAD, OP_STORE_SAME, PROT_READ } from '../trace/ops.ts'
import { LOST_EVENT, MOST_PINS, NO_BREACH, Truth } from './truth.ts'

export type WorldSettings = Omit<RunSettings, 'cost'> & { readonly swapDisk?: boolean }

/** A breach that is there to be seen: by a load of a page, or by a device's read through a pin. */
export interface Seen {
  readonly breach: number
  readonly mm: number
  readonly vpn: number
  /** -1 for a load. */
  readonly pin: number
}

/** What is broken after an operation; `seen` undefined: the operation itself showed it. */
export interface Broken {
  readonly breach: number
  readonly seen: Seen | undefined
}

export class World {
  readonly engine: Engine
  readonly machine: Machine
  readonly truth = new Truth()
  /** Pages of the one area, from page 0 of the address space on. */
  readonly pages: number

  constructor({ policy, params, era, swapDisk }: WorldSettings, pages: number) {
    this.engine = new Engine({
      ...{ policy: policyWith(policy, params), era: eraOf(policy, era) },
      ...{ judge: this.truth, eager: true },
      ...{ cost: DEFAULT_PROFILE, swapDisk: swapDisk ?? false },
    })
    this.machine = this.engine.machine
    this.truth.machine = this.machine
    this.pages = pages
  }

  mm(id: number): Mm | undefined {
    return this.machine.k.mms[id]
  }

  /** Applies one operation of src/trace/ops.ts. What it breached is in `truth.breach`. */
  apply(op: number, mm: number, a: number, b: number, c: number, d: number, e = 0): number {
    this.truth.begin()
    return this.engine.apply(op, mm, a, b, c, d, e)
  }

  /** The process stores one content, of its own, to each of the pages. */
  storeSame(mm: number, vpn: number, pages: number): number {
    const { engine, truth } = this
    truth.begin()
    const content = truth.newContent()
    for (let page = vpn; page < vpn + pages; page++) {
      const answer = engine.apply(OP_STORE_SAME, mm, page, content)
      if (answer !== OK) return answer
    }
    return OK
  }

  /** What the last operation has broken, be it seen by a look only; undefined if nothing is. */
  broken(): Broken | undefined {
    const { truth } = this
    const seen = truth.breach === LOST_EVENT ? undefined : this.look()
    const breach = seen?.breach ?? truth.breach
    return breach === NO_BREACH ? undefined : { breach, seen }
  }

  /** The first breach that a load or a device's read would show now. */
  look(): Seen | undefined {
    const { machine, truth } = this
    // What would have to wait for an operation in progress cannot look.
    const busy = machine.tasks.length > 0
    const { mms } = machine.k
    for (let id = 0; id < mms.length; id++) {
      const mm = mms[id]
      if (mm === undefined) continue
      for (let vpn = 0; vpn < this.pages; vpn++) {
        const vma = mm.find(vpn)
        if (vma === undefined || (vma.prot & PROT_READ) === 0) continue
        if (busy && this.#waits(id, vpn, -1)) continue
        const breach = truth.loadBreach(id, vpn, this.bytesAt(id, vpn))
        if (breach !== NO_BREACH) return { breach, mm: id, vpn, pin: -1 }
      }
    }
    // Where a load already finds something else than it should, the device is not asked.
    for (let pin = 0; pin < MOST_PINS; pin++) {
      const mm = truth.pinOwner[pin]!
      if (mm < 0 || (busy && this.#waits(mm, truth.pinPage[pin]!, pin))) continue
      const vpn = truth.pinPage[pin]!
      const breach = truth.pinBreach(pin, this.pinned(pin), this.bytesAt(mm, vpn))
      if (breach !== NO_BREACH) return { breach, mm, vpn, pin }
    }
    return undefined
  }

  /** Would the load have to wait for an operation in progress, or the device for its pin? */
  #waits(mm: number, vpn: number, pin: number): boolean {
    const { machine } = this
    if (mustWait(machine, OP_LOAD, mm, vpn, 0, 0)) return true
    return pin >= 0 && mustWait(machine, OP_DEVREAD, mm, pin, 0, 0)
  }

  /** Does another process map the frame that this one, if it lives, has there? */
  sharesPage(id: number, vpn: number): boolean {
    const { machine } = this
    const { mms } = machine.k
    const own = mms[id]
    const pfn = own === undefined ? 0 : presentFrame(machine, own, vpn)
    return mms.some(
      (mm) => pfn !== 0 && mm !== undefined && mm !== own && presentFrame(machine, mm, vpn) === pfn,
    )
  }

  /** The token that the device finds through a pin. */
  pinned(pin: number): number {
    const { k, frames } = this.machine
    return frames.token[k.pins.get(pin)?.frames[0] ?? 0]!
  }

  /** The token that a load would find, wherever the page is. */
  bytesAt(id: number, vpn: number): number {
    const { machine } = this
    const { frames, k, tables } = machine
    const mm = machine.mm(id)
    const pmd = mm.pmd(vpn)
    if ((pmd & PMD_HUGE) !== 0) return frames.token[hugeFrame(pmd, vpn)]!
    const pte = tables.ptes[mm.pteIndex(vpn)]!
    if ((pte & PTE_PRESENT) !== 0) return frames.token[pte >>> PFN_SHIFT]!
    if ((pte & PTE_SWAP) === 0) return 0
    const slot = pte >>> PFN_SHIFT
    const cached = k.swap.cached[slot]!
    return cached === 0 ? k.swap.token[slot]! : frames.token[cached]!
  }
}
