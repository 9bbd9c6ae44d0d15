/**
 * Exchange: what processes do while devices hold their pages: they take pins and give them back, devices read and store
 * through these, and the processes access a few pages at a time, none of which needs a fault. All of it in one loop; what
 * it does, and in which order, is what gup.ts, pins.ts, device.ts and access.ts do step by step.
 */
import { COPY, isCopy, REUSE } from '../policy/api.ts'
import { PG_ANON, PG_EXCLUSIVE } from '../state/frames.ts'
import type { Pin } from '../state/holders.ts'
import type { Mm } from '../state/mm.ts'
import {
  FULL_TABLE_PAGES,
  FULL_TABLE_SHIFT,
  PFN_SHIFT,
  PMD_KIND,
  PMD_OWN,
  PTE_PRESENT,
  PTE_STORE_HIT,
  PTE_STORED,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITTEN,
} from '../state/tables.ts'
import { DEV_COHERENT } from '../trace/observed.ts'
import {
  OP_DEVREAD,
  OP_DEVWRITE,
  OP_LOAD,
  OP_PIN,
  OP_STORE,
  OP_UNPIN,
  PROT_WRITE,
} from '../trace/ops.ts'
import { SEGMENT } from '../trace/trace.ts'
import { devread, devwrite } from './device.ts'
import { pin } from './gup.ts'
import { NO_EXPECTATIONS } from './judge.ts'
import type { Machine } from './machine.ts'
import { unpin } from './pins.ts'
import { isPlain } from './plain.ts'
import { SPECIAL_AT_GUP } from './plain-gup.ts'
import { isAccess, WRITABLE } from './plain-touch.ts'
import { uncheckedStores } from './unchecked.ts'

/** Loads of more pages at a time are left to the engine's own loop. */
const FEW = 16
/** So many steps through a pin are taken one by one before it is looked at again whether they have become simple. */
const STEPS = 64

/** Does the segment begin something that exchange() is for? */
export function isExchange(m: Machine, segments: Int32Array, s: number): boolean {
  const op = segments[s]!
  if (isAccess(op)) return m.k.pins.size > 0 && segments[s + 3]! - segments[s + 2]! <= FEW
  return op >= OP_PIN && op <= OP_DEVWRITE
}

/**
 * Takes the segments from `s` on, until one is something else, or has an access that needs more than a look. Returns that
 * one, of which nothing was done.
 */
export function exchange(m: Machine, segments: Int32Array, args: Int32Array, s: number): number {
  const { judge, k } = m
  let steps = 0
  let at = besidePin(m, pinAt(m, segments, args, s), segments, args, s)
  while (at < segments.length) {
    const op = segments[at]!
    const lo = segments[at + 2]!
    if (isAccess(op)) {
      if (!touches(m, m.mm(segments[at + 1]!), op, args, lo, segments[at + 3]!)) break
      m.events += segments[at + 3]! - lo
      at += SEGMENT
      continue
    }
    if (isThroughPin(op)) {
      const id = args[lo]!
      if (steps > 0) steps--
      else {
        const next = besidePin(m, k.pins.get(id), segments, args, at)
        if (next > at) {
          at = next
          continue
        }
        steps = STEPS
      }
      judge.event = m.events++
      if (op === OP_DEVREAD) devread(m, id, args[lo + 1]!)
      else devwrite(m, id, args[lo + 1]!)
    } else if (op === OP_PIN) {
      judge.event = m.events++
      pin(m, m.mm(segments[at + 1]!), args[lo]!, args[lo + 1]!, args[lo + 2]!, args[lo + 3]!)
      steps = 0
      at += SEGMENT
      if (at < segments.length) at = besidePin(m, pinAt(m, segments, args, at), segments, args, at)
      continue
    } else if (op === OP_UNPIN) {
      judge.event = m.events++
      unpin(m, args[lo]!)
    } else break
    at += SEGMENT
  }
  return at
}

/** What the policy says of a store fault at the page; of anything but a plain page others have to ask. */
function verdictOf(m: Machine, mm: Mm, vpn: number, pte: number): number {
  const { frames, k } = m
  const pfn = pte >>> PFN_SHIFT
  if (!m.plain || m.spent !== 0 || !isPlain(mm.find(vpn), PROT_WRITE)) return COPY
  if ((pte & (WRITABLE | PTE_UFFD_WP)) !== PTE_PRESENT) return COPY
  if ((frames.word[pfn]! & SPECIAL_AT_GUP) !== PG_ANON) return COPY
  k.mm = mm
  k.vpn = vpn
  return m.policy.wpReuse(k, pfn)
}

/** wp_page_reuse() of the page, in a fault of its own. */
function reused(m: Machine, pfn: number, verdict: number): void {
  m.verdicts[verdict]!++
  if (m.policy.tracksExclusive) m.frames.set(pfn, PG_EXCLUSIVE)
  m.counts.storeFaults++
  m.addFaults(1, m.cost.faultEntry + m.cost.reuse)
}

/** The pin that the segment at `s` goes through; of an access, the next one: it is nearly always its owner's. */
function pinAt(m: Machine, segments: Int32Array, args: Int32Array, s: number): Pin | undefined {
  const at = isAccess(segments[s]!) ? s + SEGMENT : s
  if (at >= segments.length || !isThroughPin(segments[at]!)) return undefined
  return m.k.pins.get(args[segments[at + 2]!]!)
}

function isThroughPin(op: number): boolean {
  return op === OP_DEVREAD || op === OP_DEVWRITE
}

/** Makes the accesses to pages args[lo..hi), or one store, if they need no fault and loads find what they should. */
function touches(
  m: Machine,
  mm: Mm,
  op: number,
  args: Int32Array,
  lo: number,
  hi: number,
): boolean {
  if (op === OP_STORE) return hi === lo + 1 && uncheckedStores(m, mm, args, lo, hi, m.events) > lo
  if (hi - lo > FEW) return false
  const { judge } = m
  const { ptes } = m.tables
  const { token } = m.frames
  const { id, tables } = mm
  const expected = judge.expectations(id)
  const { arena, directory } = expected ?? NO_EXPECTATIONS
  for (let i = lo; i < hi; i++) {
    const vpn = args[i]!
    const range = vpn >>> FULL_TABLE_SHIFT
    const offset = vpn & (FULL_TABLE_PAGES - 1)
    const pte = ptes[tables[range]! + offset]!
    if ((pte & PTE_PRESENT) === 0) return false
    const found = token[pte >>> PFN_SHIFT]!
    if (expected !== undefined && arena[directory[range]! + offset] !== found) {
      if (!judge.seesExpected(id, vpn, found)) return false
    }
  }
  return true
}

/**
 * Takes the segments from `s` on in which a device reads or stores through the pin, or its owner accesses a page, as long
 * as the judge needs no more than a look either. Returns the first that is something else.
 */
function besidePin(
  m: Machine,
  taken: Pin | undefined,
  segments: Int32Array,
  args: Int32Array,
  s: number,
): number {
  if (taken === undefined || m.eager || m.contested.size !== 0) return s
  const owner = m.k.mms[taken.mm]
  const { id: pinId, frames: pfns, vpn: first, write } = taken
  if (owner === undefined || owner.moved) return s
  if ((first & (FULL_TABLE_PAGES - 1)) + pfns.length > FULL_TABLE_PAGES) return s
  const { judge } = m
  const exchanges = judge.exchanges(taken.id)
  if (exchanges === undefined) return s
  const { ptes } = m.tables
  const { token } = m.frames
  const { id } = owner
  const range = first >>> FULL_TABLE_SHIFT
  const isOwn = (owner.pmds[range]! & PMD_KIND) === PMD_OWN
  /** Where the entry of the pin's first page is, in the table that covers them all. */
  const entries = owner.tables[range]! + (first & (FULL_TABLE_PAGES - 1))
  let at = s
  for (; at < segments.length; at += SEGMENT) {
    const op = segments[at]!
    const lo = segments[at + 2]!
    if (op === OP_LOAD || op === OP_STORE) {
      if (segments[at + 1] !== id || segments[at + 3] !== lo + 1) break
      const vpn = args[lo]!
      if (vpn >>> FULL_TABLE_SHIFT !== range) {
        if (op === OP_STORE || !touches(m, owner, op, args, lo, lo + 1)) break
        continue
      }
      const page = vpn - first
      const pte = ptes[entries + page]!
      if (op === OP_LOAD) {
        if ((pte & PTE_PRESENT) === 0) break
        const found = token[pte >>> PFN_SHIFT]!
        if (!exchanges.sees(page, found) && !judge.seesExpected(id, vpn, found)) break
      } else if ((pte & PTE_STORE_HIT) !== PTE_STORE_HIT) {
        if (!isOwn) break
        const faults = (pte & WRITABLE) !== WRITABLE
        const verdict = faults ? verdictOf(m, owner, vpn, pte) : REUSE
        if (isCopy(verdict)) break
        const stored = exchanges.stores(page, faults ? 1 : 0)
        if (stored === 0) break
        const pfn = pte >>> PFN_SHIFT
        token[pfn] = stored
        ptes[entries + page] = pte | (faults ? PTE_STORED : PTE_WRITTEN) | PTE_TOK
        if (faults) reused(m, pfn, verdict)
      }
      continue
    }
    if (!isThroughPin(op) || args[lo] !== pinId) break
    const page = args[lo + 1]!
    if (page >= pfns.length) break
    const pfn = pfns[page]!
    if (op === OP_DEVREAD) {
      if (!exchanges.reads(page, token[pfn]!)) break
      m.lastDev = DEV_COHERENT
    } else {
      const stored = write ? exchanges.writes(page) : 0
      if (stored === 0) break
      token[pfn] = stored
      // Its owner's next store has to be told to the judge again.
      ptes[entries + page]! &= ~PTE_TOK
    }
  }
  m.events += (at - s) / SEGMENT
  return at
}
