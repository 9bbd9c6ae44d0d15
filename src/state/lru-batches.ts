/**
 * LruBatches: the pages that wait in one CPU's batches for their place on an LRU list.
 */
export class LruBatches {
  /** Pages that a batch holds. */
  readonly capacity: number
  readonly fresh: Int32Array
  freshCount = 0
  readonly lazyfree: Int32Array
  lazyfreeCount = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.fresh = new Int32Array(capacity)
    this.lazyfree = new Int32Array(capacity)
  }
}
