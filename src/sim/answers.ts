/**
 * Answers of an operation.
 */
export const OK = 0
/** The access is not permitted; nothing changed. */
export const SEGV = 1
/** The call failed; nothing changed. */
export const FAILED = 2
