/**
 * Own bits: tells a policy that keeps bits of its own what has happened to a page or a process, and stores its answer.
 * Under any other policy each of these is one test.
 */
import { HUGE_PAGES, PG_ANON } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE } from '../state/tables.ts'
import type { Machine } from './machine.ts'

/** Bits of the page, 0 if it never had any. */
function ofPage(m: Machine, pfn: number): number {
  return m.k.own.page[pfn] ?? 0
}

function keep(m: Machine, pfn: number, bits: number): void {
  const { frames } = m
  if (m.policy.pageBits?.perFolio !== true || frames.order[pfn] === 0) {
    m.k.own.setPage(pfn, bits)
    return
  }
  const head = frames.head(pfn)
  for (let page = head; page < head + frames.pages(head); page++) m.k.own.setPage(page, bits)
}

/** A fresh anonymous page: filled with zeroes, or about to become a copy. */
export function pageIsFresh(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.fresh(m.k, pfn))
}

/** The same for each page of a fresh folio. */
export function folioIsFresh(m: Machine, head: number, pages: number): void {
  const { pageBits } = m.policy
  if (pageBits === null) return
  const asked = pageBits.perFolio ? 1 : pages
  for (let pfn = head; pfn < head + asked; pfn++) pageIsFresh(m, pfn)
}

/** The frame holds nothing that a policy decides about. */
export function pageIsNotAnon(m: Machine, pfn: number): void {
  if (m.policy.pageBits !== null) keep(m, pfn, 0)
}

/** A store, or a pin that unshares, took the page over. */
export function pageIsReused(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.reused(m.k, pfn, ofPage(m, pfn)))
}

/** fork: one more process maps the page. */
export function pageIsShared(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.shared(m.k, pfn, ofPage(m, pfn)))
}

/** An entry is gone, and its reference too; the page may be about to be freed. */
export function pageIsUnmapped(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.unmapped(m.k, pfn, ofPage(m, pfn)))
}

/** KSM: the page is one that processes share by chance from now on. */
export function pageIsMerged(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.merged(m.k, pfn, ofPage(m, pfn)))
}

/** get_user_pages() returns the page of `mm` at `vpn`. */
export function pageIsTaken(m: Machine, mm: Mm, vpn: number, pfn: number, follPin: boolean): void {
  const { pageBits } = m.policy
  if (pageBits === null || !m.frames.has(pfn, PG_ANON)) return
  const pmd = mm.pmd(vpn)
  const page = (pmd & PMD_HUGE) !== 0 ? pmd >>> PFN_SHIFT : pfn
  keep(m, page, pageBits.taken(m.k, page, ofPage(m, page), follPin))
}

/** A pin on the page is dropped. */
export function pageIsReleased(m: Machine, pfn: number, follPin: boolean): void {
  const { pageBits } = m.policy
  if (pageBits === null || !m.frames.has(pfn, PG_ANON)) return
  keep(m, pfn, pageBits.released(m.k, pfn, ofPage(m, pfn), follPin))
}

/** try_to_unmap_one(): one of the page's entries is a swap entry now. */
export function pageIsSwappedOut(m: Machine, pfn: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.swappedOut(m.k, pfn, ofPage(m, pfn)))
}

/** do_swap_page(): an entry shows the page again. `sole`: swapinReuse was asked, and allowed it. */
export function pageIsSwappedIn(m: Machine, pfn: number, sole: boolean): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.swappedIn(m.k, pfn, ofPage(m, pfn), sole))
}

/** copy_nonpresent_pte(): fork made a second swap entry for the page in this slot, or in the swapcache under it. */
export function slotIsShared(m: Machine, slot: number): void {
  const { pageBits } = m.policy
  if (pageBits === null) return
  const { own, swap } = m.k
  const cached = swap.cached[slot]!
  if (cached !== 0) keep(m, cached, pageBits.swapShared(m.k, ofPage(m, cached)))
  else own.setSlot(slot, pageBits.swapShared(m.k, own.slot[slot] ?? 0))
}

/** The page's bytes are written to its slot. */
export function bitsToSlot(m: Machine, pfn: number, slot: number): void {
  if (m.policy.pageBits !== null) m.k.own.setSlot(slot, ofPage(m, pfn))
}

/** A fresh frame is filled from a slot. */
export function bitsFromSlot(m: Machine, pfn: number, slot: number): void {
  const { pageBits } = m.policy
  if (pageBits !== null) keep(m, pfn, pageBits.readIn(m.k, pfn, m.k.own.slot[slot] ?? 0))
}

/** The page moves to another frame. */
export function bitsToFrame(m: Machine, pfn: number, to: number): void {
  if (m.policy.pageBits !== null) keep(m, to, ofPage(m, pfn))
}

/** A huge mapping is split: what was true of the folio is true of each page. */
export function bitsToEachPage(m: Machine, head: number): void {
  if (m.policy.pageBits === null) return
  const bits = ofPage(m, head)
  for (let i = 1; i < HUGE_PAGES; i++) m.k.own.setPage(head + i, bits)
}

/** get_user_pages() begins, whatever comes of it. */
export function mmTakesPages(m: Machine, mm: Mm, follPin: boolean): void {
  const { mmBits } = m.policy
  if (mmBits === null) return
  m.k.mm = mm
  m.k.own.setMm(mm.id, mmBits.takes(m.k, m.k.own.mm[mm.id] ?? 0, follPin))
}

export function mmIsForked(m: Machine, parent: Mm, child: Mm): void {
  const { mmBits } = m.policy
  if (mmBits === null) return
  const { own } = m.k
  const before = own.mm[parent.id] ?? 0
  own.setMm(child.id, mmBits.child(m.k, before))
  own.setMm(parent.id, mmBits.forked(m.k, before))
}

/** exec: nothing is left of the old address space. */
export function mmIsNew(m: Machine, id: number): void {
  if (m.policy.mmBits !== null) m.k.own.setMm(id, 0)
}
