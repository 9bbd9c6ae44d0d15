/**
 * Invariants: recomputes every count from its parts (page tables, pins, batches, swap slots) and compares.
 */
import {
  PG_ANON,
  PG_CACHE,
  PG_EXCLUSIVE,
  PG_LARGE,
  PG_LAZYFREE_BATCH,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_ZERO,
} from '../state/frames.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_TOK,
  PTE_WRITE,
  TABLE_PAGES,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { OP_STORE, OP_SWAPOUT } from '../trace/ops.ts'
import { STEP_RECHECK, STEP_RETEST } from '../trace/steps.ts'
import type { Machine } from './machine.ts'

/** Counts that the page tables, pins and batches add up to. */
class Recount {
  readonly mapcount: Int32Array
  readonly entire: Int32Array
  readonly large: Int32Array
  readonly refs: Int32Array
  readonly pins: Int32Array
  readonly batched: Uint8Array
  readonly swap: Int32Array
  readonly shares: Int32Array

  constructor(m: Machine) {
    this.mapcount = new Int32Array(m.frames.end)
    this.entire = new Int32Array(m.frames.end)
    this.large = new Int32Array(m.frames.end)
    this.refs = new Int32Array(m.frames.end)
    this.pins = new Int32Array(m.frames.end)
    this.batched = new Uint8Array(m.frames.end)
    this.swap = new Int32Array(m.k.swap.end)
    this.shares = new Int32Array(m.tables.end)
  }
}

/** Throws an Error that names the first count that does not add up. */
export function checkInvariants(m: Machine): void {
  expect(m, m.spent, 0, 'time that nothing was charged with')
  const recount = new Recount(m)
  countTables(m, recount)
  countReferences(m, recount)
  countTasks(m, recount)
  checkTables(m, recount)
  checkFrames(m, recount)
  checkSwap(m, recount)
}

function countTables(m: Machine, r: Recount): void {
  const counted = new Set<number>()
  for (const mm of m.k.mms) {
    if (mm === undefined) continue
    for (let range = 0; range < mm.pmds.length; range++) {
      const pmd = mm.pmds[range]!
      const offset = mm.tables[range]!
      if (pmd === 0) {
        expect(m, offset, 0, `table of process ${mm.id} at an empty PMD entry`)
        continue
      }
      r.shares[offset >>> TABLE_SHIFT]!++
      if ((pmd & PMD_HUGE) !== 0) {
        countHuge(m, r, pmd >>> PFN_SHIFT)
        continue
      }
      // Only `accounted` tables count once for each sharer; the others count once, for whoever was there first.
      const again = counted.has(offset)
      counted.add(offset)
      if (!again || m.policy.tables === 'accounted') countPtes(m, r, offset)
      if ((pmd & PTE_WRITE) === 0) checkNothingChecked(m, offset)
    }
  }
}

function countHuge(m: Machine, r: Recount, head: number): void {
  if (m.frames.has(head, PG_ZERO)) return
  r.entire[head]!++
  r.large[head]!++
}

function countPtes(m: Machine, r: Recount, offset: number): void {
  for (let i = offset; i < offset + TABLE_PAGES; i++) {
    const pte = m.tables.ptes[i]!
    const target = pte >>> PFN_SHIFT
    if ((pte & PTE_PRESENT) !== 0) {
      if (m.frames.has(target, PG_ZERO)) continue
      r.mapcount[target]!++
      if (m.frames.has(target, PG_LARGE)) r.large[m.frames.head(target)]!++
      checkExclusive(m, pte)
    } else if ((pte & PTE_SWAP) !== 0) r.swap[target]!++
  }
}

/** A writable entry of anonymous memory maps an exclusive page; the kernel asserts the same. */
function checkExclusive(m: Machine, pte: number): void {
  const pfn = pte >>> PFN_SHIFT
  if (!m.policy.tracksExclusive || m.policy.tables === 'owner' || (pte & PTE_WRITE) === 0) return
  if (m.frames.has(pfn, PG_ANON)) {
    expect(m, m.frames.has(pfn, PG_EXCLUSIVE) ? 1 : 0, 1, `exclusive bit of writable pfn ${pfn}`)
  }
}

/** Below a read-only PMD entry no entry may let a store through unseen. */
function checkNothingChecked(m: Machine, offset: number): void {
  for (let i = offset; i < offset + TABLE_PAGES; i++) {
    expect(m, m.tables.ptes[i]! & PTE_TOK, 0, `checked bit of entry ${i} of a shared table`)
  }
}

function countReferences(m: Machine, r: Recount): void {
  const { frames } = m
  for (const pin of m.k.pins.values()) {
    for (const pfn of pin.frames) (pin.follPin ? r.pins : r.refs)[frames.head(pfn)]!++
  }
  for (const held of m.speculative) r.refs[frames.head(held.pfn)]!++
  for (const { fresh, freshCount, lazyfree, lazyfreeCount } of m.cpus) {
    for (let i = 0; i < freshCount; i++) r.batched[fresh[i]!]! |= 1
    for (let i = 0; i < lazyfreeCount; i++) r.batched[lazyfree[i]!]! |= 2
  }
}

/** References that tasks hold, and mappings whose entry is cleared for the moment. A pin in progress is a pin already. */
function countTasks(m: Machine, r: Recount): void {
  const { frames } = m
  for (const { op, pfn, copy, step, pte } of m.tasks) {
    if ((op === OP_STORE || op === OP_SWAPOUT) && pfn !== 0) r.refs[frames.head(pfn)]!++
    if (op === OP_STORE && step === STEP_RECHECK) r.refs[copy]!++
    if (op === OP_SWAPOUT && step === STEP_RETEST) r.mapcount[pte >>> PFN_SHIFT]!++
  }
}

function checkTables(m: Machine, r: Recount): void {
  let used = 0
  for (let table = 1; table < m.tables.end; table++) {
    expect(m, m.tables.shares[table]!, r.shares[table]!, `sharers of table ${table}`)
    if (r.shares[table] !== 0) used++
  }
  expect(m, m.tables.used, used, 'page tables in use')
  for (let i = 0; i < TABLE_PAGES; i++) expect(m, m.tables.ptes[i]!, 0, 'entry of the empty table')
}

function checkFrames(m: Machine, r: Recount): void {
  const { frames } = m
  let used = 0
  let held = 0
  for (let pfn = 1; pfn < frames.end; pfn++) {
    held += r.refs[pfn]! + r.pins[pfn]!
    if (frames.has(pfn, PG_ZERO)) continue
    expect(m, frames.mapcount(pfn), r.mapcount[pfn]!, `mapcount of pfn ${pfn}`)
    expect(m, frames.refs[pfn]!, r.refs[pfn]!, `references on pfn ${pfn}`)
    expect(m, frames.pins[pfn]!, r.pins[pfn]!, `pins on pfn ${pfn}`)
    expect(m, frames.entire[pfn]!, r.entire[pfn]!, `huge mappings of pfn ${pfn}`)
    expect(m, frames.largeMapcount[pfn]!, r.large[pfn]!, `mappings of the folio at pfn ${pfn}`)
    expect(m, flag(m, pfn, PG_LRU_BATCH), r.batched[pfn]! & 1, `LRU batch bit of pfn ${pfn}`)
    expect(
      m,
      flag(m, pfn, PG_LAZYFREE_BATCH),
      r.batched[pfn]! >> 1,
      `lazyfree batch bit of pfn ${pfn}`,
    )
    if (frames.has(pfn, PG_LARGE)) {
      if (pfn === frames.head(pfn)) used += frames.pages(pfn)
    } else if (frames.pageCount(pfn) !== 0) used++
    if (frames.has(pfn, PG_CACHE))
      expect(m, flag(m, pfn, PG_ANON), 0, `anon bit of page cache pfn ${pfn}`)
  }
  for (const pfn of m.pagedOut) {
    const head = frames.head(pfn)
    expect(m, flag(m, pfn, PG_CACHE), 1, `page cache bit of paged-out pfn ${pfn}`)
    expect(m, frames.pageCount(head), frames.pages(head), `references on paged-out pfn ${pfn}`)
    for (let i = 0; i < frames.pages(head); i++)
      expect(m, m.pagedOut.has(head + i) ? 1 : 0, 1, `paged-out pages of the folio at pfn ${head}`)
  }
  expect(m, frames.used, used, 'frames in use')
  expect(m, frames.held, held, 'references and pins')
}

function flag(m: Machine, pfn: number, bit: number): number {
  return m.frames.has(pfn, bit) ? 1 : 0
}

function checkSwap(m: Machine, r: Recount): void {
  // on-demand-fork copies swap entries without counting them, which is one of its known holes.
  if (m.policy.tables === 'lazy') return
  const { swap } = m.k
  for (let slot = 1; slot < swap.end; slot++) {
    expect(m, swap.count[slot]!, r.swap[slot]!, `swap entries of slot ${slot}`)
    const cached = swap.cached[slot]!
    if (cached === 0) continue
    const head = m.frames.head(cached)
    expect(m, flag(m, head, PG_SWAPCACHE), 1, `swapcache bit of pfn ${head}`)
    expect(m, m.frames.slot[cached]!, slot, `swap slot of pfn ${cached}`)
  }
}

function expect(m: Machine, got: number, expected: number, what: string): void {
  if (got === expected) return
  throw new Error(
    `broken invariant: ${what} is ${got}, counted ${expected}, after event ${m.judge.event}, policy ${m.policy.name}`,
  )
}
