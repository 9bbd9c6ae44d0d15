/**
 * Plain pages, taken by get_user_pages() and given back: what gup.ts, wp.ts and pins.ts do step by step, in one loop,
 * for pages that may be stored to, or may after a fault that takes them over.
 */
import {
  GUP_BREAK_COW,
  GUP_TAKE,
  GUP_UNSHARE,
  isCopy,
  REUSE,
  SITE_UNSHARE,
  SITE_WP,
} from '../policy/api.ts'
import { HELD, MAPCOUNT, PG_ANON, PG_DIRTY, PG_EXCLUSIVE, PG_LARGE } from '../state/frames.ts'
import type { Pin } from '../state/holders.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_STORED,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import type { Machine } from './machine.ts'
import { isPlain } from './plain.ts'
import { copyOf, mapCopy } from './wp.ts'

export const SPECIAL_AT_GUP = ~(MAPCOUNT | PG_EXCLUSIVE | PG_DIRTY)

/**
 * Takes the pages of the pin from the one at `from` on, as long as one table covers them, and each may be stored to or is
 * a plain page that the policy lets its process have. Returns the first that is not so, of which nothing has changed.
 */
export function gupPlain(m: Machine, mm: Mm, taken: Pin, from: number): number {
  const { frames, judge, k, policy, verdicts } = m
  if (!m.plain || policy.tables !== 'copy' || m.spent !== 0) return from
  if (policy.tagsGupPages || policy.gupSlowBreaksCow) return from
  const { vpn, write, follPin, frames: pfns } = taken
  if (from === pfns.length) return from
  const vma = mm.find(vpn + from)
  if (!isPlain(vma, PROT_READ | PROT_WRITE)) return from
  const range = (vpn + from) >>> FULL_TABLE_SHIFT
  if ((mm.pmds[range]! & PMD_KIND) !== PMD_OWN) return from
  const end = Math.min(pfns.length, vma.end - vpn, ((range + 1) << FULL_TABLE_SHIFT) - vpn)
  const { ptes } = m.tables
  const table = mm.tables[range]! - (range << FULL_TABLE_SHIFT) + vpn
  const { word, refs, pins } = frames
  const references = follPin ? pins : refs
  const { id } = mm
  /** The flags of pages that nothing but their entry refers to, and what the policy says of all of them. */
  let known = 0
  let need: number = GUP_TAKE
  let verdict: number = REUSE
  /** The judge lets the process have the pages up to here. */
  let judged = from
  const exclusive = policy.tracksExclusive ? PG_EXCLUSIVE : 0
  let reuses = 0
  let unshares = 0
  let unshared = 0
  let copied = 0
  k.mm = mm
  let i = from
  for (; i < end; i++) {
    const pte = ptes[table + i]!
    if ((pte & (PTE_PRESENT | PTE_UFFD_WP)) !== PTE_PRESENT) break
    let pfn = pte >>> PFN_SHIFT
    const was = word[pfn]!
    let entry = pte & ~PTE_TOK
    if ((pte & PTE_WRITE) === 0) {
      let copies = false
      if (i >= judged) {
        if ((was & SPECIAL_AT_GUP) !== PG_ANON) break
        const held = frames.held !== 0 && (refs[pfn] !== 0 || pins[pfn] !== 0)
        if (was !== known || held) {
          k.vpn = vpn + i
          need = write ? GUP_BREAK_COW : policy.gupRead(k, pfn, follPin)
          verdict = need === GUP_TAKE ? REUSE : policy.wpReuse(k, pfn)
          copies = isCopy(verdict)
          known = copies || held || (was & MAPCOUNT) !== 1 ? 0 : was
        }
        if (copies) {
          if (frames.room === 0) break
          pfn = copiedFor(m, mm, vpn + i, pte, need, verdict)
          entry = ptes[table + i]!
        } else if (need !== GUP_TAKE) {
          let to = i + 1
          if (frames.held === 0 && known !== 0) to = endOfKind(word, ptes, table, to, end, known)
          judged = i + judge.takesOver(id, vpn + i, to - i)
          if (i === judged) break
        }
      }
      if (need !== GUP_TAKE) {
        if (!copies) {
          verdicts[verdict]!++
          word[pfn] = was | exclusive
        }
        if (need === GUP_UNSHARE) {
          if (copies) unshared++
          else unshares++
        } else if (copies) copied++
        else {
          entry |= PTE_STORED
          reuses++
        }
      }
    }
    ptes[table + i] = entry
    pfns[i] = pfn
    references[(word[pfn]! & PG_LARGE) === 0 ? pfn : frames.head(pfn)]!++
  }
  frames.held += i - from
  k.holders.addPages(taken, from, i)
  m.addFaults(reuses, m.cost.faultEntry + m.cost.reuse)
  m.addFaults(unshares, m.cost.faultEntry + m.cost.unshare)
  m.addFaults(unshared, m.cost.faultEntry + m.cost.unshare + m.cost.copy4k)
  m.addFaults(copied, m.cost.faultEntry + m.cost.copy4k)
  return i
}

/** The process gets a copy of the page behind this entry, as that kind of fault makes it. */
function copiedFor(
  m: Machine,
  mm: Mm,
  vpn: number,
  pte: number,
  need: number,
  verdict: number,
): number {
  const unshares = need === GUP_UNSHARE
  m.decided(unshares ? SITE_UNSHARE : SITE_WP, mm, vpn, 1, verdict)
  const pfn = copyOf(m, pte >>> PFN_SHIFT)
  mapCopy(m, mm, vpn, pfn, unshares ? PTE_PRESENT | (pte & PTE_SOFT_DIRTY) : PTE_STORED)
  return pfn
}

/** The first of the pin's pages [from, end) that is not mapped read-only, or whose frame has other flags than these. */
function endOfKind(
  word: Int32Array,
  ptes: Int32Array,
  table: number,
  from: number,
  end: number,
  flags: number,
): number {
  let i = from
  for (; i < end; i++) {
    const pte = ptes[table + i]!
    if ((pte & (PTE_PRESENT | PTE_UFFD_WP | PTE_WRITE)) !== PTE_PRESENT) break
    if (word[pte >>> PFN_SHIFT] !== flags) break
  }
  return i
}

/** Gives all pages of the pin back. */
export function putPlain(m: Machine, { follPin, dirties, frames: pfns }: Pin): void {
  const { frames } = m
  const { word } = frames
  const dirty = dirties ? PG_DIRTY : 0
  const references = follPin ? frames.pins : frames.refs
  for (let i = 0; i < pfns.length; i++) {
    const pfn = pfns[i]!
    const was = word[pfn]!
    const large = (was & PG_LARGE) !== 0
    const head = large ? frames.head(pfn) : pfn
    word[head]! |= dirty
    references[head]!--
    frames.held--
    if (large || (was & (MAPCOUNT | HELD)) === 0) frames.freeIfUnused(pfn)
  }
}
