/**
 * Task: an operation that is taken through its steps one by one, so that others can come between. All that it knows is
 * small integers: the machine's state with its tasks can be copied, compared and hashed.
 */

export interface Task {
  readonly id: number
  /** OP_FORK, OP_PIN, OP_STORE or OP_SWAPOUT. */
  readonly op: number
  readonly mm: number
  /** The page; of a fork, how far it has come. */
  vpn: number
  /** FORK: the child. PIN: PIN_*. */
  readonly operand: number
  /** PIN: the pin's id. */
  readonly pin: number
  /** STEP_* that comes next. */
  step: number
  /** The page that a reference is held on: the reclaimer's isolation, GUP's own, do_wp_page's on the old page; or 0. */
  pfn: number
  /** do_wp_page: the copy that is not mapped yet, or 0. */
  copy: number
  /** The entry as it was read (GUP, do_wp_page), or before it was cleared (reclaim). */
  pte: number
  /** Offset of the page table whose lock is held, or 0. */
  ptl: number
  /** Reclaim: whose mapping is being taken away, and where it is. Fork: `at` is the table that it has entered. */
  mapper: number
  at: number
  /** GUP: has a fork begun since the entry was read? */
  raced: number
  /** Fork: must the child get a copy of the page? */
  copies: number
  /** Estimated time of the steps so far, in ns. */
  spent: number
}

/** A task that has done nothing yet. */
export function newTask(
  id: number,
  op: number,
  mm: number,
  vpn: number,
  operand: number,
  pin: number,
  step: number,
): Task {
  const held = { pfn: 0, copy: 0, pte: 0, ptl: 0, mapper: -1, at: 0, raced: 0, copies: 0, spent: 0 }
  return { id, op, mm, vpn, operand, pin, step, ...held }
}
