/**
 * Answers of an operation.
 */
export const OK = 0
/** The access is not permitted; nothing changed. */
export const SEGV = 1
/** The call failed; nothing changed. */
export const FAILED = 2
/** It would sleep on a lock that an operation in progress holds (locks.ts); nothing changed. */
export const WAITS = 3
/** A step was made, and more are to come. */
export const GOES_ON = 4
/** There is no such operation in progress any more. */
export const OVER = 5
