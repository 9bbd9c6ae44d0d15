/**
 * Plain pages, touched: the accesses that need more than a look but no decision about sharing: a page that returns from
 * swap, and the first store through an entry that is writable already. In one piece, as plain.ts takes write faults;
 * what they do, and in which order, is what access.ts, fault.ts and swap-in.ts do step by step.
 */
import { isCopy, REUSE_FREE_SWAP, SITE_SWAPIN } from '../policy/api.ts'
import { PG_ANON, PG_EXCLUSIVE, PG_LRU_BATCH } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
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
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
  PTE_WRITTEN,
} from '../state/tables.ts'
import { OP_LOAD, OP_STORE, PROT_NONE, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { SEGMENT } from '../trace/trace.ts'
import { checkedBit, store } from './access.ts'
import { NO_EXPECTATIONS } from './judge.ts'
import { drainFresh } from './lru.ts'
import type { Machine } from './machine.ts'
import { isPlain } from './plain.ts'
import { mapsCleanWritable } from './swap-in.ts'
import { hugeFrame } from './walk.ts'
import { wpPage } from './wp.ts'

export const WRITABLE = PTE_PRESENT | PTE_WRITE
/** So many hits in a row are left to the engine's own loop, which does nothing else. */
export const HITS = 4
/** So many segments are taken at a time: V8 compiles what is called often better than what never returns. */
export const SEGMENTS = 512

/** More bits than an entry can have. */
const NEVER = -1

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
  const { word, token } = frames
  const { count, cached, token: saved } = swap
  const { id, pmds, tables } = mm
  const { start, end: stop, prot } = vma
  // Compared, so that V8 knows them to be true or false and does not look each time.
  const freesSwapCache = policy.freesSwapCache === true
  const asksAtLoad = policy.asksAtLoad === true
  const exclusiveFlag = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  /** Bits that a swap entry must have for a load to map the page writable; more than there are: it never does. */
  const writableBits = (prot & PROT_WRITE) === 0 ? NEVER : bitsForWritable(m, vma)
  const maySwapIn = vma.anonVma !== 0 && !m.swapDisk
  const swapInNs = cost.faultEntry + cost.swapIn
  const last = batches.capacity - 1
  const { fresh } = batches
  /** Are there only pages that are plain to the judge too? */
  let plain = judge.plainStores(id)
  /** What a page was when the policy was last asked about one, and what it answered. */
  let asked = 0
  let verdict = REUSE_FREE_SWAP
  let reusable = false
  let expected = judge.expectations(id)
  let { arena, directory } = expected ?? NO_EXPECTATIONS
  let checked = m.contested.size === 0
  /** Frames, or fewer, that can be had before the columns grow. */
  let room = 0
  let s = at.segment
  /** Number of the event that an operand stands for, minus the operand's index. */
  let first = at.event - i
  let hi = segments[s + 3]!
  let write = segments[s] === OP_STORE
  let left = SEGMENTS
  let hits = 0
  let loadFaults = 0
  let storeFaults = 0
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
      if (--left <= 0) break
      continue
    }
    const vpn = args[i]!
    if (vpn < start || vpn >= stop || (prot & (write ? PROT_WRITE : PROT_READ)) === 0) break
    const range = vpn >>> FULL_TABLE_SHIFT
    const index = tables[range]! + (vpn & (FULL_TABLE_PAGES - 1))
    const pte = ptes[index]!
    const pmd = pmds[range]! & PMD_KIND
    let pfn = pte >>> PFN_SHIFT
    let entry = pte | PTE_WRITTEN
    let decided = 0
    if (pmd !== PMD_OWN) {
      // The table behind a huge mapping holds the translations that were used.
      if (!write || pmd !== PMD_HUGE_OWN || pte !== 0) break
      pfn = hugeFrame(pmds[range]!, vpn)
      pmds[range]! |= PTE_DIRTY
      entry = (pfn << PFN_SHIFT) | WRITABLE
    } else if ((pte & PTE_PRESENT) !== 0) {
      if (write ? (pte & PTE_STORE_HIT) === PTE_STORE_HIT : true) {
        if (++hits === HITS) break
        if (!write && !judge.seesExpected(id, vpn, token[pfn]!)) break
        i++
        continue
      }
      if ((pte & PTE_WRITE) === 0) break
    } else {
      if ((pte & (PTE_SWAP | PTE_UFFD_WP)) !== PTE_SWAP || !maySwapIn) break
      const slot = pfn
      if (cached[slot] !== 0 || count[slot] !== 1) break
      if (room === 0) {
        room = frames.room
        if (room === 0) break
      }
      room--
      pfn = frames.alloc()
      // A full batch is emptied at once; here when the page is mapped, so that nothing else need hold it.
      const was = batches.freshCount === last ? PG_ANON : PG_ANON | PG_LRU_BATCH
      const found = saved[slot]!
      token[pfn] = found
      if (freesSwapCache) swap.release(slot)
      const asks = write || asksAtLoad
      if (asks && was !== asked) {
        asked = was
        word[pfn] = was
        k.vpn = vpn
        k.swapExclusive = true
        verdict = policy.swapinReuse(k, pfn)
        reusable = !isCopy(verdict)
      }
      if (!freesSwapCache) swap.release(slot)
      const exclusive = asks && reusable
      word[pfn] = (was | (exclusive ? exclusiveFlag : 0)) + 1
      fresh[batches.freshCount++] = pfn
      if (batches.freshCount > last) drainFresh(m, batches)
      entry = (pfn << PFN_SHIFT) | PTE_PRESENT | (pte & PTE_SOFT_DIRTY)
      if (!write) {
        loadFaults++
        const writable = exclusive && (pte & writableBits) === writableBits
        ptes[index] = writable ? entry | PTE_WRITE : entry
        const place = directory[range]! + (vpn & (FULL_TABLE_PAGES - 1))
        if (expected !== undefined && arena[place] !== found) {
          judge.event = first + i
          if (!judge.seesExpected(id, vpn, found)) m.lastSaw = judge.load(id, vpn, found)
        }
        hits = 0
        i++
        // Read, then modified: a store to the same page that comes next finds its entry at hand.
        const next = s + SEGMENT
        if (args[i] !== vpn || i < hi || next === end || !writable || !checked || !plain) continue
        if (segments[next] !== OP_STORE || segments[next + 1] !== id) continue
        const stored = judge.storeOwn(vpn, 0)
        if (stored === 0) continue
        ptes[index] = entry | PTE_WRITTEN | PTE_STORE_HIT
        token[pfn] = stored
        s = next
        first += hi - segments[s + 2]!
        i = segments[s + 2]! + 1
        hi = segments[s + 3]!
        write = true
        left--
        continue
      }
      if (!exclusive) {
        ptes[index] = entry
        k.vpn = vpn
        judge.event = first + i
        breaksCow(m, mm, vma, vpn, swapInNs)
        i++
        break
      }
      storeFaults++
      m.verdicts[verdict]!++
      decided = 1
      entry |= PTE_STORED
    }
    let stored = plain ? judge.storeOwn(vpn, decided) : 0
    if (stored === 0) {
      judge.event = first + i
      const unsafe = decided !== 0 && judge.verdict(SITE_SWAPIN, id, vpn, 1, verdict, 0)
      if (unsafe) m.contested.add(pfn)
      stored = judge.store(id, vpn)
      plain &&= judge.plainStores(id)
      expected = judge.expectations(id)
      arena = (expected ?? NO_EXPECTATIONS).arena
      directory = (expected ?? NO_EXPECTATIONS).directory
      checked = m.contested.size === 0
    }
    ptes[index] = entry | (checked ? PTE_TOK : checkedBit(m, pfn))
    token[pfn] = stored
    hits = 0
    i++
  }
  at.segment = s
  at.arg = i
  at.event = first + i
  counts.loadFaults += loadFaults
  counts.storeFaults += storeFaults
  m.addFaults(loadFaults + storeFaults, swapInNs)
}

/** The rest of a store fault on a page that just came back, and that the policy does not let be written to. */
function breaksCow(m: Machine, mm: Mm, vma: Vma, vpn: number, swapInNs: number): void {
  m.faults++
  m.counts.storeFaults++
  m.spent = swapInNs
  wpPage(m, mm, vma, vpn)
  m.endFault()
  store(m, mm, vpn)
}

function bitsForWritable(m: Machine, vma: Vma): number {
  if (mapsCleanWritable(m, vma, 0)) return 0
  return mapsCleanWritable(m, vma, PTE_SOFT_DIRTY) ? PTE_SOFT_DIRTY : NEVER
}

export function isAccess(op: number): boolean {
  return op === OP_STORE || op === OP_LOAD
}
