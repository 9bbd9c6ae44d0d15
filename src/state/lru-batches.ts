/**
 * LruBatches: the pages that wait in one CPU's batches for their place on an LRU list.
 */

/** PAGEVEC_SIZE until 6.9. */
export const BATCH = 15

/** One CPU's batches. */
export class LruBatches {
  readonly fresh = new Int32Array(BATCH)
  freshCount = 0
  readonly lazyfree = new Int32Array(BATCH)
  lazyfreeCount = 0
}
