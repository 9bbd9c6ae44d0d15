/** result: what one operation of a litmus test was seen to do, as `cowbench litmus --json` prints it. */
import type { Operation } from './program.ts'
import { type PageOutcome, parseRuns } from './words.ts'

const NO_FLAGS: readonly string[] = []

export class OperationResult {
  readonly test: string
  readonly policy: string
  readonly operation: Operation
  readonly outcome: string
  /** `leak`, `mismatch`: what the loads of the operation saw and should not have. Sorted. */
  readonly flags: readonly string[]

  constructor(
    test: string,
    policy: string,
    operation: Operation,
    outcome: string,
    flags: readonly string[] = NO_FLAGS,
  ) {
    this.test = test
    this.policy = policy
    this.operation = operation
    this.outcome = outcome
    this.flags = flags
  }

  get n(): number {
    return this.operation.n
  }

  get op(): string {
    return this.operation.text
  }

  /** Page by page; none where the outcome speaks for the operation as a whole. Worked out when asked for. */
  get pages(): readonly PageOutcome[] {
    const { verb, first } = this.operation
    if (this.outcome.includes('=')) return parseRuns(this.outcome)
    if (verb === 'poke' || verb === 'devread') return [{ page: first, outcome: this.outcome }]
    return []
  }

  /** The fields of one line of JSON, in order; `flags` only where there are any. */
  toJSON(): Record<string, unknown> {
    const { test, policy, n, op, outcome, flags, pages } = this
    return flags.length > 0
      ? { test, policy, n, op, outcome, flags, pages }
      : { test, policy, n, op, outcome, pages }
  }
}
