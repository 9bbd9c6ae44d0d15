/**
 * Plain pages, touched: the accesses that need more than a look but no decision about sharing: a page that returns from
 * swap, and the first store through an entry that is writable already. In one piece, as plain.ts takes write faults;
 * what they do, and in which order, is what access.ts, fault.ts and swap-in.ts do step by step.
 */
import { isCopy, REUSE_FREE_SWAP, SITE_SWAPIN } from '../policy/api.ts'
import { PG_ANON, PG_EXCLUSIVE, PG_LRU_BATCH } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_HUGE_OWN,
  PMD_KIND,
  PMD_OWN,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_STORE_HIT,
  PTE_STORED,
  PTE_SWAP,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { OP_LOAD, OP_STORE, PROT_NONE, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { SEGMENT } from '../trace/trace.ts'
import { checkedBit, store } from './access.ts'
import { drainFresh } from './lru.ts'
import type { Machine } from './machine.ts'
import { isPlain } from './plain.ts'
import { mapsCleanWritable } from './swap-in.ts'
import { hugeFrame } from './walk.ts'
import { wpPage } from './wp.ts'

export const WRITABLE = PTE_PRESENT | PTE_WRITE
/** So many hits in a row are left to the engine's own loop, which does nothing else. */
export const HITS = 4

/** An access of a trace: the index of its segment, that of its operand, and its event number. */
export interface Position {
  segment: number
  arg: number
  event: number
}

/**
 * Takes the accesses of one process from `at` on, in all segments before `end`, as long as each meets a page of one
 * private anonymous area that is in swap and nowhere else, or that the process may store to but has not. Leaves `at`
 * where it stopped; that access has changed nothing yet.
 */
export function touchesPlain(
  m: Machine,
  mm: Mm,
  segments: Int32Array,
  args: Int32Array,
  at: Position,
  end: number,
): void {
  let i = at.arg
  const vma = mm.find(args[i]!)
  if (!m.plain || m.spent !== 0 || !isPlain(vma, PROT_NONE)) return
  const { k, frames, policy, judge, batches, counts, cost } = m
  const { swap } = k
  const { ptes } = m.tables
  const { id, pmds, tables } = mm
  const { start, end: stop, prot } = vma
  const { freesSwapCache, asksAtLoad } = policy
  const exclusiveFlag = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  const maySwapIn = vma.anonVma !== 0 && !m.swapDisk
  const swapInNs = cost.faultEntry + cost.swapIn
  let s = at.segment
  /** Number of the event that an operand stands for, minus the operand's index. */
  let first = at.event - i
  let hi = segments[s + 3]!
  let write = segments[s] === OP_STORE
  let hits = 0
  let loadFaults = 0
  let storeFaults = 0
  let { faultNs } = counts
  k.mm = mm
  for (;;) {
    if (i >= hi) {
      const next = s + SEGMENT
      if (next === end || segments[next + 1] !== id || !isAccess(segments[next]!)) break
      s = next
      i = segments[s + 2]!
      first += hi - i
      hi = segments[s + 3]!
      write = segments[s] === OP_STORE
      continue
    }
    const vpn = args[i]!
    if (vpn < start || vpn >= stop || (prot & (write ? PROT_WRITE : PROT_READ)) === 0) break
    const range = vpn >>> FULL_TABLE_SHIFT
    const index = tables[range]! + (vpn & (FULL_TABLE_PAGES - 1))
    const pte = ptes[index]!
    const pmd = pmds[range]! & PMD_KIND
    if (pmd !== PMD_OWN) {
      // The table behind a huge mapping holds the translations that were used.
      if (!write || pmd !== PMD_HUGE_OWN || pte !== 0) break
      const pfn = hugeFrame(pmds[range]!, vpn)
      pmds[range]! |= PTE_DIRTY | PTE_SOFT_DIRTY
      ptes[index] = (pfn << PFN_SHIFT) | WRITABLE | checkedBit(m, pfn)
      judge.event = first + i
      frames.token[pfn] = judge.store(id, vpn)
    } else if ((pte & PTE_PRESENT) !== 0) {
      if (write) {
        if ((pte & PTE_WRITE) === 0) break
        if ((pte & PTE_STORE_HIT) === PTE_STORE_HIT) {
          if (++hits === HITS) break
          i++
          continue
        }
        const pfn = pte >>> PFN_SHIFT
        ptes[index] = pte | PTE_STORED | checkedBit(m, pfn)
        judge.event = first + i
        frames.token[pfn] = judge.store(id, vpn)
      } else {
        if (++hits === HITS) break
        if (!judge.seesExpected(id, vpn, frames.token[pte >>> PFN_SHIFT]!)) break
        i++
        continue
      }
    } else {
      if ((pte & (PTE_SWAP | PTE_UFFD_WP)) !== PTE_SWAP || !maySwapIn) break
      const slot = pte >>> PFN_SHIFT
      if (swap.cached[slot] !== 0 || swap.count[slot] !== 1) break
      judge.event = first + i
      k.vpn = vpn
      const pfn = frames.alloc()
      const { token, word } = frames
      token[pfn] = swap.token[slot]!
      word[pfn] = PG_ANON | PG_LRU_BATCH
      batches.fresh[batches.freshCount++] = pfn
      if (batches.freshCount === batches.capacity) {
        // The fault's own reference keeps the page.
        frames.hold(pfn)
        drainFresh(m, batches)
        frames.unhold(pfn)
      }
      k.swapExclusive = true
      if (freesSwapCache) swap.put(slot)
      const asks = write || asksAtLoad
      const verdict = asks ? policy.swapinReuse(k, pfn) : REUSE_FREE_SWAP
      const exclusive = asks && !isCopy(verdict)
      if (!freesSwapCache) swap.put(slot)
      word[pfn]! += 1 | (exclusive ? exclusiveFlag : 0)
      if (!write) {
        loadFaults++
        faultNs += swapInNs
        const clean =
          exclusive && (prot & PROT_WRITE) !== 0 && mapsCleanWritable(m, vma, pte) ? PTE_WRITE : 0
        ptes[index] = (pfn << PFN_SHIFT) | PTE_PRESENT | (pte & PTE_SOFT_DIRTY) | clean
        m.lastSaw = judge.load(id, vpn, token[pfn]!)
      } else if (exclusive) {
        storeFaults++
        faultNs += swapInNs
        m.verdicts[verdict]!++
        let stored = judge.plainStores(id) ? judge.storeAfter(vpn, verdict) : 0
        if (stored === 0) {
          if (judge.verdict(SITE_SWAPIN, id, vpn, 1, verdict, 0)) m.contested.add(pfn)
          stored = judge.store(id, vpn)
        }
        ptes[index] = (pfn << PFN_SHIFT) | PTE_STORED | checkedBit(m, pfn)
        token[pfn] = stored
      } else {
        ptes[index] = (pfn << PFN_SHIFT) | PTE_PRESENT | (pte & PTE_SOFT_DIRTY)
        counts.faultNs = faultNs
        m.faults++
        counts.storeFaults++
        m.spent = swapInNs
        wpPage(m, mm, vma, vpn)
        m.endFault()
        store(m, mm, vpn)
        faultNs = counts.faultNs
      }
    }
    hits = 0
    i++
  }
  at.segment = s
  at.arg = i
  at.event = first + i
  const faults = loadFaults + storeFaults
  if (faults === 0) return
  m.faults += faults
  counts.loadFaults += loadFaults
  counts.storeFaults += storeFaults
  counts.faultNs = faultNs
  m.faultTimes.add(swapInNs, faults)
}

export function isAccess(op: number): boolean {
  return op === OP_STORE || op === OP_LOAD
}
