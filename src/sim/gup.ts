/**
 * get_user_pages(): references that outlive the page-table entry: pipes (vmsplice), direct I/O, io_uring buffers, RDMA.
 */
import { GUP_BREAK_COW, GUP_TAKE, GUP_UNSHARE } from '../policy/api.ts'
import { PG_ANON, PG_DIRTY, PG_DONTCOW, ZERO_PFN } from '../state/frames.ts'
import type { Pin } from '../state/holders.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_TOK,
  PTE_WRITE,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { kernelFault } from './access.ts'
import { FAILED, OK } from './answers.ts'
import { entryNeeds } from './gup-needs.ts'
import { wpHugePmd } from './huge.ts'
import type { Machine } from './machine.ts'
import { mmTakesPages, pageIsTaken } from './own-bits.ts'
import { getPage, putPage } from './pins.ts'
import { gupPlain } from './plain-gup.ts'
import {
  breakTableAtFault,
  findsBelowSharedTable,
  gupBelowSharedTable,
  gupMarksTable,
} from './shared-tables.ts'
import { setPmdFlags } from './split.ts'
import { awaitedEvent } from './userfault.ts'
import { entryAt, frameAt } from './walk.ts'
import { type Want, wantOf } from './want.ts'
import { unsharePage, wpPage } from './wp.ts'

/** A page that stays out of reach after this many faults is a bug. */
const MAX_TRIES = 8

/**
 * Takes references on `pages` pages, or on none (FAILED) if one of them cannot be had. The lockless walk step by step:
 * gup-steps.ts.
 */
export function pin(
  m: Machine,
  mm: Mm,
  vpn: number,
  pages: number,
  kind: number,
  id: number,
): number {
  const want = wantOf(m.era, kind)
  gupBegins(m, mm, want)
  return pinAs(m, mm, vpn, pages, want, id)
}

export function gupBegins(m: Machine, mm: Mm, { follPin }: Want): void {
  if (follPin) mm.hasPinned = true
  mmTakesPages(m, mm, follPin)
}

export function pinAs(
  m: Machine,
  mm: Mm,
  vpn: number,
  pages: number,
  want: Want,
  id: number,
): number {
  const taken = newPin(m, id, mm, vpn, pages, want)
  for (let i = gupPlain(m, mm, taken, 0); i < pages; i = gupPlain(m, mm, taken, i + 1)) {
    const pfn = gupPage(m, mm, vpn + i, want)
    if (pfn === 0) return givesBack(m, mm, taken, i, want)
    taken.frames[i] = pfn
    getPage(m, taken, i)
  }
  if (want.anonOnly && !liesInAnon(mm, vpn, pages)) return givesBack(m, mm, taken, pages, want)
  if (m.era.pinTouches) touch(m, mm, vpn, pages, want)
  m.k.pins.set(id, taken)
  m.judge.pin(id, mm.id, vpn, pages, want.hold)
  m.spent += pages * m.cost.pinPerPage
  m.endCall()
  return OK
}

/** The first `taken` pages of a pin that cannot be had. */
function givesBack(m: Machine, mm: Mm, pin: Pin, taken: number, want: Want): number {
  if (m.era.pinTouches) touch(m, mm, pin.vpn, taken, want)
  for (let i = 0; i < taken; i++) putPage(m, pin, i)
  m.k.holders.recycle(pin)
  m.endCall()
  return FAILED
}

function liesInAnon(mm: Mm, vpn: number, pages: number): boolean {
  return mm.overlapping(vpn, vpn + pages).every(({ kind }) => kind === MAP_PRIVATE_ANON)
}

/** FOLL_TOUCH, which only the walk with the page-table lock knows: what is taken for writing is dirty. */
function touch(m: Machine, mm: Mm, start: number, pages: number, want: Want): void {
  if (!want.slow) return
  const { frames, tables } = m
  for (let vpn = start; vpn < start + pages; vpn++) {
    const vma = mm.find(vpn)
    if (vma === undefined || !(want.write || breaksForReaders(m, vma, want.follPin))) continue
    const pmd = mm.pmd(vpn)
    const pte = tables.ptes[mm.pteIndex(vpn)]!
    if ((pmd & PMD_HUGE) !== 0) setPmdFlags(m, mm, vpn, pmd | PTE_DIRTY)
    else if ((pte & PTE_DIRTY) === 0) frames.set(frames.head(pte >>> PFN_SHIFT), PG_DIRTY)
  }
}

/** A pin whose frames are not known yet. */
export function newPin(
  m: Machine,
  id: number,
  mm: Mm,
  vpn: number,
  pages: number,
  want: Want,
): Pin {
  const { follPin, write, dirties } = want
  return m.k.holders.newPin(id, mm.id, vpn, pages, follPin, write, dirties)
}

/** How followPage() ended. */
const TAKEN = 0
const AGAIN = 1
const UNREACHABLE = 2

/** Does the area let the caller have what it wants? */
function permits(vma: Vma | undefined, { write }: Want): vma is Vma {
  return vma !== undefined && (vma.prot & (write ? PROT_WRITE : PROT_READ)) !== 0
}

/** Frame of the page that a reference may be taken on, after whatever faults that takes; 0 if it cannot be had. */
function gupPage(m: Machine, mm: Mm, vpn: number, want: Want): number {
  const vma = mm.find(vpn)
  if (!permits(vma, want)) return 0
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    m.k.mm = mm
    m.k.vpn = vpn
    const end = followPage(m, mm, vma, vpn, want)
    if (end === TAKEN) return took(m, mm, vpn, want.follPin)
    if (end === UNREACHABLE) return 0
  }
  throw new Error(`endless pin: process ${mm.id}, page ${vpn}, policy ${m.policy.name}`)
}

/** The page is at hand: what GUP leaves behind on it. */
function took(m: Machine, mm: Mm, vpn: number, follPin: boolean): number {
  const pfn = frameAt(m, mm, vpn)
  observed(m, mm, vpn)
  if (m.policy.tagsGupPages && m.frames.has(pfn, PG_ANON)) {
    m.frames.set(m.frames.head(pfn), PG_DONTCOW)
  }
  pageIsTaken(m, mm, vpn, pfn, follPin)
  gupMarksTable(m, mm, vpn)
  return pfn
}

/** A new observer: what the owner stores from now on has to be told to the judge again. */
export function observed(m: Machine, mm: Mm, vpn: number): void {
  m.tables.ptes[mm.pteIndex(vpn)]! &= ~PTE_TOK
}

/** What get_user_pages_fast() finds at `vpn` without any lock: the entry, or 0 if it needs the slow way. */
export function readEntry(m: Machine, mm: Mm, vpn: number, want: Want): number {
  if (want.slow || !permits(mm.find(vpn), want)) return 0
  const entry = entryAt(m, mm, vpn) & ~PTE_TOK
  if ((entry & PTE_PRESENT) === 0) return 0
  m.k.mm = mm
  m.k.vpn = vpn
  if (findsBelowSharedTable(m, mm, vpn, want)) return entry
  const pfn = frameAt(m, mm, vpn)
  if (m.frames.has(pfn, PG_ANON) && m.policy.gupFastRefuses(m.k, pfn)) return 0
  // Whether the page is exclusive is looked at when the reference is held.
  return entryNeeds(m, mm, vpn, entry, want) === GUP_BREAK_COW ? 0 : entry
}

/** follow_page_mask(): can the page be taken as it is? If not, faultin_page(): one fault towards that. */
function followPage(m: Machine, mm: Mm, vma: Vma, vpn: number, want: Want): number {
  mm.reserve(vpn)
  if (gupBelowSharedTable(m, mm, vpn, want)) return TAKEN
  const pmd = mm.pmd(vpn)
  const huge = (pmd & PMD_HUGE) !== 0
  const entry = huge ? pmd : m.tables.ptes[mm.pteIndex(vpn)]!
  if ((entry & PTE_PRESENT) === 0) {
    if (awaitedEvent(m, mm, vma, vpn) !== 0) return UNREACHABLE
    kernelFault(m, mm, vma, vpn, want.write || breaksForReaders(m, vma, want.follPin))
    return tookSwapped(entry, entryAt(m, mm, vpn)) && (vma.prot & PROT_WRITE) === 0 ? TAKEN : AGAIN
  }
  const need = entryNeeds(m, mm, vpn, entry, want)
  if (need === GUP_TAKE) return TAKEN
  if (need === GUP_UNSHARE) {
    m.beginFault()
    unshare(m, mm, vma, vpn)
    m.endFault()
    return TAKEN
  }
  // The manager of userfaultfd serves user-mode stores only.
  if (userfaultfdPteWp(vma, entry)) return UNREACHABLE
  breakCow(m, mm, vma, vpn)
  // In an area that may not be written to the page is the process's own now, and stays read-only (FOLL_COW).
  return (vma.prot & PROT_WRITE) === 0 ? TAKEN : AGAIN
}

/** do_swap_page() that took the page over has broken COW (FOLL_COW); a fill in a read-only area has not. */
export function tookSwapped(before: number, after: number): boolean {
  return (before & PTE_SWAP) !== 0 && (after & PTE_DIRTY) !== 0
}

/**
 * Does this era treat a reader as a writer (should_force_cow_break())? Then a hole is filled, not shown as zeroes. Shared
 * memory has no COW to break.
 */
function breaksForReaders(m: Machine, { kind }: Vma, follPin: boolean): boolean {
  if (kind === MAP_SHARED) return false
  return m.policy.gupReadNotAnon(m.k, ZERO_PFN, follPin) === GUP_BREAK_COW
}

/** A write fault for a reader: COW is broken whatever the area's protection. */
function breakCow(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  m.beginFault()
  forceWrite(m, mm, vma, vpn)
  m.endFault()
}

/** handle_mm_fault() for a write that the page-table entry (present, read-only) does not permit. */
export function forceWrite(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  m.fromKernel = true
  breakCowOnce(m, mm, vma, vpn)
  m.fromKernel = false
}

function breakCowOnce(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  breakTableAtFault(m, mm, vma, vpn)
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0 && wpHugePmd(m, mm, vma, vpn, false)) return
  if ((m.tables.ptes[mm.pteIndex(vpn)]! & (PTE_PRESENT | PTE_WRITE)) === PTE_PRESENT)
    wpPage(m, mm, vma, vpn)
}

/** FAULT_FLAG_UNSHARE: the page is exclusive to the process when this returns. */
function unshare(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  breakTableAtFault(m, mm, vma, vpn)
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0 && wpHugePmd(m, mm, vma, vpn, true)) return
  unsharePage(m, mm, vma, vpn)
}
