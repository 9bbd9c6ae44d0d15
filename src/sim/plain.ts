/**
 * Plain pages: the store fault that nearly every fault is, on a page with nothing special about it, in one piece. What
 * it does, and in which order, is what access.ts, fault.ts and wp.ts do step by step; the policy and the judge are asked
 * the same questions.
 */
import { isCopy } from '../policy/api.ts'
import { MAPCOUNT, PG_ANON, PG_EXCLUSIVE, PG_LRU_BATCH } from '../state/frames.ts'
import { type Mm, userfaultfdArmed, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PMD_TABLE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, PROT_WRITE } from '../trace/ops.ts'
import { checkedBit } from './access.ts'
import { drainFresh } from './lru.ts'
import type { Machine } from './machine.ts'

const PMD_KIND = PMD_TABLE | PMD_HUGE | PTE_WRITE
/** A page table of the process's own. */
const PMD_OWN = PMD_TABLE | PTE_WRITE
const STORED = PTE_PRESENT | PTE_WRITE | PTE_DIRTY | PTE_SOFT_DIRTY

/**
 * Takes the stores args[lo..hi) one after the other, the first of which is event number `event`, as long as each meets
 * a present, read-only entry of a plain page: anonymous, of order 0, in no cache and no batch, without references.
 * Returns where it stopped; that store has changed nothing yet.
 */
export function storesToPlain(
  m: Machine,
  mm: Mm,
  args: Int32Array,
  lo: number,
  hi: number,
  event: number,
): number {
  const vma = mm.find(args[lo]!)
  if (!m.plain || m.spent !== 0 || vma === undefined || !mayStore(vma)) return lo
  const { k, frames, policy, judge, batches, counts, verdicts } = m
  const { ptes } = m.tables
  const { id, tables, pmds } = mm
  const { start, end } = vma
  const exclusive = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  const copyNs = m.cost.faultEntry + m.cost.copy4k
  const reuseNs = m.cost.faultEntry + m.cost.reuse
  // Sums of their own: V8 keeps a field with a fraction in memory. Added to in the order of the faults.
  let { faultNs } = counts
  let copies = 0
  let { word } = frames
  k.mm = mm
  let i = lo
  for (; i < hi; i++) {
    const vpn = args[i]!
    if (vpn < start || vpn >= end) break
    const range = vpn >>> TABLE_SHIFT
    if ((pmds[range]! & PMD_KIND) !== PMD_OWN) break
    const index = tables[range]! + (vpn & 511)
    const pte = ptes[index]!
    if ((pte & (PTE_PRESENT | PTE_WRITE | PTE_UFFD_WP)) !== PTE_PRESENT) break
    const old = pte >>> PFN_SHIFT
    const was = word[old]!
    if ((was & ~(MAPCOUNT | PG_EXCLUSIVE)) !== PG_ANON) break
    k.vpn = vpn
    const verdict = policy.wpReuse(k, old)
    judge.event = event + i - lo
    const token = judge.storeAfter(id, vpn, verdict)
    if (token === 0) break
    verdicts[verdict]!++
    if (isCopy(verdict)) {
      const pfn = frames.alloc()
      word = frames.word
      word[pfn] = (PG_ANON | PG_LRU_BATCH | exclusive) + 1
      frames.token[pfn] = token
      ptes[index] = (pfn << PFN_SHIFT) | STORED | checkedBit(m, pfn)
      batches.fresh[batches.freshCount++] = pfn
      if (batches.freshCount === batches.capacity) drainFresh(m, batches)
      word[old] = was - 1
      if ((was & MAPCOUNT) === 1) frames.freeIfUnused(old)
      faultNs += copyNs
      copies++
    } else {
      word[old] = was | exclusive
      frames.token[old] = token
      ptes[index] = pte | STORED | checkedBit(m, old)
      faultNs += reuseNs
    }
  }
  if (i === lo) return lo
  m.faults += i - lo
  counts.storeFaults += i - lo
  counts.faultNs = faultNs
  if (copies > 0) m.faultTimes.add(copyNs, copies)
  if (copies < i - lo) m.faultTimes.add(reuseNs, i - lo - copies)
  return i
}

/** Private anonymous memory that may be written to, and of which no event is awaited. */
function mayStore(vma: Vma): boolean {
  const writable = vma.kind === MAP_PRIVATE_ANON && (vma.prot & PROT_WRITE) !== 0
  return writable && !userfaultfdArmed(vma)
}
