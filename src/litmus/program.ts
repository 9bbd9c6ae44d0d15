/**
 * program: a litmus test after parsing: a list of operations with numbers for operands, made once and run by every
 * policy as it is.
 */

export interface PinFacts {
  readonly name: string
  readonly kind: number
  /** Process that took it, and the first page's address there. */
  readonly mm: number
  readonly vpn: number
  readonly pages: number
}

export interface LitmusTest {
  /** Base name of the file without `.cow`. */
  readonly name: string
  readonly file: string
  readonly operations: readonly Operation[]
  /** Names of the processes and facts of the pins, by id. */
  readonly processes: readonly string[]
  readonly pins: readonly PinFacts[]
}

export interface Operation extends Operands {
  /** 1-based; comments, blank lines and `expect` lines are not counted. */
  readonly n: number
  /** 1-based line of the file. */
  readonly line: number
  /** The operation as written, with single spaces and without its comment. */
  readonly text: string
  /** First word of `text`. */
  readonly verb: string
  /** OP_*, SHOW or EVENTS. */
  readonly code: number
  /** In the order of the file. */
  readonly expectations: readonly Expectation[]
}

export interface Operands {
  /** Process, by id. */
  readonly mm: number
  /** First page's address; -1 where the operation has no pages. */
  readonly vpn: number
  /** First page's number within its area or pin; SET: the setting, by SET_*. */
  readonly first: number
  readonly pages: number
  /**
   * Operand after the pages: PROT_*, MADV_*, PIN_*, UFFD_* or UFFDIO_*, content number, on or off, target address, the child,
   * or a setting's value.
   */
  readonly value: number
  /** Pin, by id; -1 if none. */
  readonly pin: number
  /** MMAP's kind, largest folio order and object. */
  readonly map: number
  readonly folioOrder: number
  readonly object: number
  readonly area: string
  /** BEGIN, STEP: the operation that is held, by id; -1 in any other. */
  readonly task: number
  /** BEGIN, STEP: its OP_*. */
  readonly held: number
  /** STEP: STEP_*, how far. */
  readonly until: number
}

export interface Expectation {
  /** Policies and kernels (and `drained`, `diskswap`) that it speaks for; empty: everything. */
  readonly names: readonly string[]
  readonly outcome: string
  /** Flags that the load must have; undefined: any. */
  readonly flags: readonly string[] | undefined
  readonly line: number
}
