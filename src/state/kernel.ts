/**
 * Kernel: all state that a simulated kernel has, in one place; and the fault that is being handled, for the questions
 * that depend on it.
 *
 * Its members are internal: the package's declarations leave them out, so that a policy file asks predicates only.
 */
import { ById } from '../trace/by-id.ts'
import { FIRST_PFN, Frames } from './frames.ts'
import { Holders, type Pin } from './holders.ts'
import type { Mm } from './mm.ts'
import { OwnBits } from './own-bits.ts'
import { SwapSlots } from './swap.ts'
import { PageTables } from './tables.ts'

/** What a policy is asked about, to be looked at through predicates: pageCount(), pageMapcount(), ... */
export class Kernel {
  /** @internal */
  readonly frames: Frames
  /** @internal */
  readonly swap = new SwapSlots()
  /** @internal */
  readonly tables = new PageTables()
  /** By process id; undefined before spawn or fork and after exit. @internal */
  readonly mms: (Mm | undefined)[] = []
  /** @internal */
  readonly pins = new ById<Pin>()
  /** Pins that hold each frame (by its own number, also inside a large folio). @internal */
  readonly holders = new Holders()
  /** What the policy keeps itself, if it does. @internal */
  readonly own = new OwnBits()

  // The fault (or the fork, or the pin) in progress, set by the mechanism before it asks:
  /** Process that faults, forks or pins. @internal */
  mm!: Mm
  /** @internal */
  vpn = 0
  /** do_swap_page(): the entry carried the swp-exclusive marker, or the page never was in the swapcache. @internal */
  swapExclusive = false

  /** SWP_STABLE_WRITES: the swap device (zram) must not see a page change while it writes it. @internal */
  stableWrites = true

  /** @internal */
  constructor(expectedFrames = 1024) {
    this.frames = new Frames(expectedFrames)
  }

  /** Empty again: columns are dear to make, and a litmus test leaves next to nothing in them. @internal */
  restart(): void {
    this.frames.restart(FIRST_PFN)
    this.swap.restart(1)
    this.tables.restart(1)
    this.mms.length = 0
    this.pins.clear()
    this.holders.clear()
    this.own.restart()
    this.vpn = 0
    this.swapExclusive = false
    this.stableWrites = true
  }
}
