/**
 * Plain pages: the store fault that nearly every fault is, on a page with nothing special about it, in one piece. What
 * it does, and in which order, is what access.ts, fault.ts and wp.ts do step by step; the policy and the judge are asked
 * the same questions.
 */
import { isCopy, REUSE, SITE_WP } from '../policy/api.ts'
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
export const SPECIAL_AT_FAULT = ~(MAPCOUNT | PG_EXCLUSIVE | PG_LARGE | PG_DIRTY)

/** Stores that are looked at before the first of them that misses is taken. */
const AHEAD = 256
/** The same to begin with: whoever is not plain is soon left to others. */
const FIRST_AHEAD = 32
const TOOK_ALL = -1
/** Eight stores with a miss: the index of the first one's operand, and a bit for each that misses. */
const eights = new Int32Array(AHEAD / 8)
const misses = new Int32Array(AHEAD / 8)
/** Copies that were made and not yet told to the judge. */
const copied = {
  vpns: new Int32Array(AHEAD),
  pfns: new Int32Array(AHEAD),
  verdicts: new Int32Array(AHEAD),
  /** Of the stores that follow. */
  tokens: new Int32Array(AHEAD),
}

/**
 * Takes the stores args[lo..hi) one after the other, as long as each either hits or meets a present, read-only entry of
 * a plain page: anonymous, in no cache and no batch. Returns where it stopped; that store has changed nothing yet.
 *
 * Looking first at many stores, and then at the few that miss, spares the processor a wrong guess for each of these, and
 * lets it fetch their entries all at once. What hits before the others are taken hits after them.
 */
export function plainStores(m: Machine, mm: Mm, args: Int32Array, lo: number, hi: number): number {
  const vma = plainArea(m, mm, args[lo]!)
  if (vma === undefined) return lo
  const { ptes } = m.tables
  const { tables } = mm
  let ahead = FIRST_AHEAD
  for (let i = lo; i < hi; ) {
    const whole = Math.min(hi - i, ahead) & -8
    const end = whole > 0 ? i + whole : hi
    const count = whole > 0 ? findMisses(ptes, tables, args, i, end) : allMisses(i, hi)
    const at = count > 0 ? takeMisses(m, mm, vma, args, count) : TOOK_ALL
    if (at !== TOOK_ALL) return at
    i = end
    if (ahead < AHEAD) ahead *= 2
  }
  return hi
}

/** Fewer than eight are not looked at ahead. */
function allMisses(lo: number, hi: number): number {
  eights[0] = lo
  misses[0] = (1 << (hi - lo)) - 1
  return 1
}

/**
 * How many eights of the stores have one that misses. No branch for each store, and the columns' places, which V8 looks
 * up anew in every turn of a loop, are looked up once for eight.
 */
function findMisses(
  ptes: Int32Array,
  tables: Int32Array,
  args: Int32Array,
  lo: number,
  hi: number,
): number {
  let count = 0
  for (let i = lo; i < hi; i += 8) {
    const missed =
      missBit(ptes, tables, args[i]!) |
      (missBit(ptes, tables, args[i + 1]!) << 1) |
      (missBit(ptes, tables, args[i + 2]!) << 2) |
      (missBit(ptes, tables, args[i + 3]!) << 3) |
      (missBit(ptes, tables, args[i + 4]!) << 4) |
      (missBit(ptes, tables, args[i + 5]!) << 5) |
      (missBit(ptes, tables, args[i + 6]!) << 6) |
      (missBit(ptes, tables, args[i + 7]!) << 7)
    eights[count] = i
    misses[count] = missed
    count += -missed >>> 31
  }
  return count
}

/** 1 for a store that does not hit. */
function missBit(ptes: Int32Array, tables: Int32Array, vpn: number): number {
  const pte = ptes[tables[vpn >>> FULL_TABLE_SHIFT]! + (vpn & (FULL_TABLE_PAGES - 1))]!
  return ((pte & PTE_STORE_HIT) - PTE_STORE_HIT) >>> 31
}

/** Takes the stores that the first `count` of `eights` and `misses` name. Returns where it stopped, or TOOK_ALL. */
function takeMisses(m: Machine, mm: Mm, vma: Vma, args: Int32Array, count: number): number {
  const { k, frames, policy, judge, batches, counts, verdicts } = m
  const { ptes } = m.tables
  const { tables, pmds } = mm
  const { start, end } = vma
  const { word } = frames
  const exclusive = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  let copies = 0
  let reuses = 0
  /** Frames, or fewer, that can be had before the columns grow. */
  let room = 0
  /** What a page was when the policy was last asked, and what it answered: a small page to which nobody has a reference. */
  let asked = 0
  let verdict = REUSE
  const unheld = frames.held === 0
  k.mm = mm
  let i = TOOK_ALL
  outer: for (let eight = 0, left = misses[0]!; ; left &= left - 1) {
    while (left === 0) {
      if (++eight === count) {
        i = TOOK_ALL
        break outer
      }
      left = misses[eight]!
    }
    i = eights[eight]! + 31 - Math.clz32(left & -left)
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
    if (
      (was & SPECIAL_AT_FAULT) !== PG_ANON ||
      (large && (word[frames.head(old)]! & SPECIAL_AT_FAULT) !== PG_ANON)
    ) {
      break
    }
    if (room === 0) {
      room = frames.room
      if (room === 0) break
    }
    if (was !== asked) {
      k.vpn = vpn
      verdict = large ? policy.wpReuseLarge(k, old) : policy.wpReuse(k, old)
      asked = unheld && !large ? was : 0
    }
    if (isCopy(verdict)) {
      verdicts[verdict]!++
      room--
      const pfn = frames.alloc()
      word[pfn] = (PG_ANON | PG_LRU_BATCH | exclusive) + 1
      ptes[index] = (pfn << PFN_SHIFT) | PTE_STORE_HIT | PTE_STORED
      batches.fresh[batches.freshCount++] = pfn
      if (batches.freshCount === batches.capacity) drainFresh(m, batches)
      word[old] = was - 1
      if (large) removeMappings(frames, frames.head(old), mm, 1)
      if (large || (was & MAPCOUNT) === 1) frames.freeIfUnused(old)
      copied.vpns[copies] = vpn
      copied.pfns[copies] = pfn
      copied.verdicts[copies] = verdict
      copies++
    } else {
      const token = judge.storeAfter(vpn, verdict)
      if (token === 0) break
      verdicts[verdict]!++
      word[old] = was | exclusive
      frames.token[old] = token
      ptes[index] = pte | PTE_STORE_HIT | PTE_STORED
      reuses++
    }
  }
  if (copies > 0) tellCopies(m, mm.id, copies)
  m.faults += copies + reuses
  counts.storeFaults += copies + reuses
  const copyNs = m.cost.faultEntry + m.cost.copy4k
  const reuseNs = m.cost.faultEntry + m.cost.reuse
  // Machine.addFaults() written out: what V8 puts into this function is limited (fh +6 % with two calls here).
  counts.faultNs += copies * copyNs + reuses * reuseNs
  if (copies > 0) m.faultTimes.add(copyNs, copies)
  if (reuses > 0) m.faultTimes.add(reuseNs, reuses)
  return i
}

/** Tells the judge about the copies made, in their order, and stores into each. */
function tellCopies({ judge, frames }: Machine, mm: number, count: number): void {
  const { vpns, pfns, verdicts, tokens } = copied
  for (let told = 0; told < count; told++) {
    told = judge.storesAfterCopies(vpns, tokens, told, count)
    if (told === count) break
    judge.verdict(SITE_WP, mm, vpns[told]!, 1, verdicts[told]!, 0)
    tokens[told] = judge.store(mm, vpns[told]!)
    judge.plainStores(mm)
  }
  const { token } = frames
  for (let i = 0; i < count; i++) token[pfns[i]!] = tokens[i]!
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
