/**
 * observed: the words for what a load or a device saw, and for the reference that a pin holds. Mechanism and oracle
 * both speak them, and neither may import the other.
 */

/** Bits of Judge.load; a leak is always a mismatch too. */
export const SAW_MISMATCH = 1
export const SAW_LEAK = 2

/** Answers of Judge.devread. */
export const DEV_COHERENT = 0
export const DEV_INCOHERENT = 1
export const DEV_LEAK = 2
/** The owner has unmapped the page since, and what is read is not someone else's. */
export const DEV_NOLEAK = 3

/** What kind of reference a pin holds (kernel flags, not the system call that took it). */
export const HOLD_GET_RO = 0
export const HOLD_GET_WRITE = 1
export const HOLD_PIN_RO = 2
export const HOLD_PIN_WRITE = 3
