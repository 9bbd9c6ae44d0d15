/**
 * Plain pages: the store fault that nearly every fault is, on a page with nothing special about it, in one piece. What
 * it does, and in which order, is what access.ts, fault.ts and wp.ts do step by step; the policy and the judge are asked
 * the same questions.
 */
import { isCopy } from '../policy/api.ts'
import {
  MAPCOUNT,
  PG_ANON,
  PG_DIRTY,
  PG_EXCLUSIVE,
  PG_LARGE,
  PG_LRU_BATCH,
} from '../state/frames.ts'
import { type Mm, userfaultfdArmed, type Vma } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_PRESENT,
  PTE_STORE_HIT,
  PTE_STORED,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, PROT_WRITE } from '../trace/ops.ts'
import { removeMappings } from './folio.ts'
import { drainFresh } from './lru.ts'
import type { Machine } from './machine.ts'

/** Flags that take more than a look. */
export const SPECIAL = ~(MAPCOUNT | PG_EXCLUSIVE | PG_LARGE | PG_DIRTY)

/**
 * Takes the stores args[lo..hi) one after the other, as long as each either hits or meets a present, read-only entry of
 * a plain page: anonymous, in no cache and no batch. Returns where it stopped; that store has changed nothing yet.
 */
export function plainStores(m: Machine, mm: Mm, args: Int32Array, lo: number, hi: number): number {
  const { k, frames, policy, judge, batches, counts, verdicts } = m
  const vma = plainArea(m, mm, args[lo]!)
  if (vma === undefined) return lo
  const { ptes } = m.tables
  const { tables, pmds } = mm
  const { start, end } = vma
  const { word, token: tokens } = frames
  const exclusive = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  const copyNs = m.cost.faultEntry + m.cost.copy4k
  const reuseNs = m.cost.faultEntry + m.cost.reuse
  let copies = 0
  let reuses = 0
  /** Frames, or fewer, that can be had before the columns grow. */
  let room = 0
  k.mm = mm
  let i = lo
  for (; i < hi; i++) {
    const vpn = args[i]!
    const range = vpn >>> FULL_TABLE_SHIFT
    const index = tables[range]! + (vpn & (FULL_TABLE_PAGES - 1))
    const pte = ptes[index]!
    if ((pte & PTE_STORE_HIT) === PTE_STORE_HIT) continue
    if ((pte & (PTE_PRESENT | PTE_WRITE | PTE_UFFD_WP)) !== PTE_PRESENT) break
    if (vpn < start || vpn >= end) break
    if ((pmds[range]! & PMD_KIND) !== PMD_OWN) break
    const old = pte >>> PFN_SHIFT
    const was = word[old]!
    const large = (was & PG_LARGE) !== 0
    if ((was & SPECIAL) !== PG_ANON || (large && (word[frames.head(old)]! & SPECIAL) !== PG_ANON)) {
      break
    }
    if (room === 0) {
      room = frames.room
      if (room === 0) break
    }
    k.vpn = vpn
    const verdict = large ? policy.wpReuseLarge(k, old) : policy.wpReuse(k, old)
    const token = judge.storeAfter(vpn, verdict)
    if (token === 0) break
    verdicts[verdict]!++
    if (isCopy(verdict)) {
      room--
      const pfn = frames.alloc()
      word[pfn] = (PG_ANON | PG_LRU_BATCH | exclusive) + 1
      tokens[pfn] = token
      ptes[index] = (pfn << PFN_SHIFT) | PTE_STORE_HIT | PTE_STORED
      batches.fresh[batches.freshCount++] = pfn
      if (batches.freshCount === batches.capacity) drainFresh(m, batches)
      word[old] = was - 1
      if (large) removeMappings(frames, frames.head(old), mm, 1)
      if (large || (was & MAPCOUNT) === 1) frames.freeIfUnused(old)
      copies++
    } else {
      word[old] = was | exclusive
      tokens[old] = token
      ptes[index] = pte | PTE_STORE_HIT | PTE_STORED
      reuses++
    }
  }
  m.faults += copies + reuses
  counts.storeFaults += copies + reuses
  // Whole numbers of nanoseconds (src/metrics/cost.ts): it does not matter in which order they are added.
  counts.faultNs += copies * copyNs + reuses * reuseNs
  if (copies > 0) m.faultTimes.add(copyNs, copies)
  if (reuses > 0) m.faultTimes.add(reuseNs, reuses)
  return i
}

/**
 * The area of the page, if a store fault in it may be taken in one piece: private anonymous memory that may be written
 * to, and of which no event is awaited, while whatever was stored to counts as checked.
 */
function plainArea(m: Machine, mm: Mm, vpn: number): Vma | undefined {
  if (!m.plain || m.spent !== 0 || m.contested.size !== 0) return undefined
  const vma = mm.find(vpn)
  return isPlain(vma, PROT_WRITE) && m.judge.plainStores(mm.id) ? vma : undefined
}

/** Private anonymous memory with these permissions, of which no event is awaited. */
export function isPlain(vma: Vma | undefined, prot: number): vma is Vma {
  if (vma === undefined || vma.kind !== MAP_PRIVATE_ANON) return false
  return (vma.prot & prot) === prot && !userfaultfdArmed(vma)
}
