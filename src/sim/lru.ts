/**
 * LRU batches: a fresh page waits in its CPU's batch, which holds a reference, until the batch is full or drained.
 */
import { MAPCOUNT, PG_LARGE, PG_LAZYFREE_BATCH, PG_LRU_BATCH } from '../state/frames.ts'
import type { LruBatches } from '../state/lru-batches.ts'
import type { Machine } from './machine.ts'

/** The batches of the CPU that the event at hand runs on. */
function here(m: Machine): LruBatches {
  return m.noise === undefined ? m.batches : m.cpus[m.noise.cpuAt(m.judge.event)]!
}

/** folio_add_lru(): a page enters the batch when it is filled, copied or read from swap. */
export function lruAdd(m: Machine, pfn: number): void {
  const { frames } = m
  const batches = here(m)
  // A large folio is put on the LRU at once, and takes the rest of the batch with it.
  if (frames.has(pfn, PG_LARGE)) {
    drainFresh(m, batches)
    return
  }
  frames.set(pfn, PG_LRU_BATCH)
  batches.fresh[batches.freshCount++] = pfn
  if (batches.freshCount === batches.capacity) drainFresh(m, batches)
}

/** folio_mark_lazyfree(), at the end of MADV_FREE. */
export function lruAddLazyfree(m: Machine, head: number): void {
  const { frames } = m
  const batches = here(m)
  if (frames.has(head, PG_LAZYFREE_BATCH)) return
  frames.set(head, PG_LAZYFREE_BATCH)
  batches.lazyfree[batches.lazyfreeCount++] = head
  if (batches.lazyfreeCount === batches.capacity || frames.has(head, PG_LARGE))
    drainLazyfree(m, batches)
}

/** Unmapping empties the batches too, until some version before 6.18. */
export function lruDrainAtZap(m: Machine): void {
  if (m.era.zapDrains) lruDrain(m)
}

/** lru_add_drain(): empties this CPU's batches; pages that only a batch still held are freed. */
export function lruDrain(m: Machine): void {
  drain(m, here(m))
}

/** lru_add_drain_all(): those of every CPU. */
export function lruDrainAll(m: Machine): void {
  for (const batches of m.cpus) drain(m, batches)
}

function drain(m: Machine, batches: LruBatches): void {
  if (batches.freshCount + batches.lazyfreeCount === 0) return
  m.spent += m.cost.lruDrain
  drainFresh(m, batches)
  drainLazyfree(m, batches)
}

export function drainFresh({ frames }: Machine, batches: LruBatches): void {
  const { word } = frames
  const count = batches.freshCount
  batches.freshCount = 0
  for (let i = 0; i < count; i++) {
    const pfn = batches.fresh[i]!
    const left = word[pfn]! & ~PG_LRU_BATCH
    word[pfn] = left
    if ((left & MAPCOUNT) === 0) frames.freeIfUnused(pfn)
  }
}

function drainLazyfree({ frames }: Machine, batches: LruBatches): void {
  const count = batches.lazyfreeCount
  batches.lazyfreeCount = 0
  for (let i = 0; i < count; i++) {
    const pfn = batches.lazyfree[i]!
    frames.clear(pfn, PG_LAZYFREE_BATCH)
    frames.freeIfUnused(pfn)
  }
}
