/**
 * machine-shape: what a litmus test needs of the machine that it runs on. src/run.ts makes machines of this shape;
 * tests of the words use a small fake.
 */

export interface LitmusMachine {
  /**
   * Executes one operation of src/trace/ops.ts, its operands in the order of OPERANDS. Returns DONE, NOT_PERMITTED (a
   * load or store that the mapping does not allow: nothing changed) or REFUSED (a pin, collapse or poke that failed).
   * Beside operations in steps also MUST_WAIT; STEP itself STEPPED or OVER too.
   */
  apply(
    op: number,
    mm: number,
    a?: number,
    b?: number,
    c?: number,
    d?: number,
    e?: number,
    f?: number,
    g?: number,
  ): number
  /** Faults taken so far, by anyone, userfaults included. */
  readonly faults: number
  /** The frame that `vpn` of `mm` maps, also inside a huge mapping; -1 if it maps none. The zero pages have frames. */
  frameOf(mm: number, vpn: number): number
  /** What `vpn` of `mm` holds: PAGE_*. */
  pageKind(mm: number, vpn: number): number
  /** How often userfaultfd's manager was asked so far: missing, minor, write. Absent where nobody counts. */
  readonly uffdEvents?: readonly number[]
  /** STEP_* that was made last. Absent where nothing has steps. */
  readonly lastStep?: number
  /** SAW_* bits of the last load (src/trace/observed.ts). */
  readonly lastSaw: number
  /** DEV_* of the last device read (src/trace/observed.ts). */
  readonly lastDev: number
}

/** A machine with nothing in it yet, batches empty. */
export type MachineFactory = () => LitmusMachine

export const DONE = 0
export const NOT_PERMITTED = 1
export const REFUSED = 2
/** It would sleep: nothing changed. */
export const MUST_WAIT = 3
/** A step was made, more are to come. */
export const STEPPED = 4
/** The operation was over before. */
export const OVER = 5

/** LitmusMachine.pageKind; the mechanism's own numbers (src/sim/observe.ts), held equal by a test. */
export const PAGE_NONE = 0
export const PAGE_SWAP = 1
export const PAGE_ZERO = 2
export const PAGE_HUGE_ZERO = 3
export const PAGE_KSM = 4
/** Part of an order-9 folio, mapped by a PMD or by PTEs. */
export const PAGE_HUGE = 5
export const PAGE_SMALL = 6
