/**
 * LRU batches: a fresh page waits in its CPU's batch, which holds a reference, until the batch is full or drained.
 */
import { PG_LARGE, PG_LAZYFREE_BATCH, PG_LRU_BATCH } from '../state/frames.ts'
import type { Machine } from './machine.ts'

/** folio_add_lru(): a page enters the batch when it is filled, copied or read from swap. */
export function lruAdd(m: Machine, pfn: number): void {
  const { batches, frames } = m
  // A large folio is put on the LRU at once, and takes the rest of the batch with it.
  if (frames.has(pfn, PG_LARGE)) {
    drainFresh(m)
    return
  }
  frames.set(pfn, PG_LRU_BATCH)
  batches.fresh[batches.freshCount++] = pfn
  if (batches.freshCount === batches.capacity) drainFresh(m)
}

/** folio_mark_lazyfree(), at the end of MADV_FREE. */
export function lruAddLazyfree(m: Machine, head: number): void {
  const { batches, frames } = m
  if (frames.has(head, PG_LAZYFREE_BATCH)) return
  frames.set(head, PG_LAZYFREE_BATCH)
  batches.lazyfree[batches.lazyfreeCount++] = head
  if (batches.lazyfreeCount === batches.capacity || frames.has(head, PG_LARGE)) drainLazyfree(m)
}

/** Unmapping empties the batches too, until some version before 6.18. */
export function lruDrainAtZap(m: Machine): void {
  if (m.era.zapDrains) lruDrain(m)
}

/** lru_add_drain(): empties this CPU's batches; pages that only a batch still held are freed. */
export function lruDrain(m: Machine): void {
  if (m.batches.freshCount + m.batches.lazyfreeCount === 0) return
  m.spent += m.cost.lruDrain
  drainFresh(m)
  drainLazyfree(m)
}

function drainFresh(m: Machine): void {
  const { batches, frames } = m
  const count = batches.freshCount
  batches.freshCount = 0
  for (let i = 0; i < count; i++) {
    const pfn = batches.fresh[i]!
    frames.clear(pfn, PG_LRU_BATCH)
    frames.freeIfUnused(pfn)
  }
}

function drainLazyfree(m: Machine): void {
  const { batches, frames } = m
  const count = batches.lazyfreeCount
  batches.lazyfreeCount = 0
  for (let i = 0; i < count; i++) {
    const pfn = batches.lazyfree[i]!
    frames.clear(pfn, PG_LAZYFREE_BATCH)
    frames.freeIfUnused(pfn)
  }
}
