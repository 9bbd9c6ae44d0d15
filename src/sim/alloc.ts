/**
 * Allocation: fresh pages and page tables, and the entries that point at them.
 */
import { HUGE_ORDER, HUGE_PAGES, PG_ANON, PG_EXCLUSIVE } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
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
import { PROT_WRITE } from '../trace/ops.ts'
import { mapHuge } from './folio.ts'
import { lruAdd } from './lru.ts'
import type { Machine } from './machine.ts'
import { folioIsFresh, pageIsFresh } from './own-bits.ts'

/** anon_vma_prepare(): an anonymous page is about to be put into the area. */
export function anonVmaPrepare(m: Machine, mm: Mm, vma: Vma): void {
  if (vma.anonVma !== 0) return
  vma.anonVma = mm.neighbouringAnonVma(vma) || ++m.anonVmas
  // A neighbour's is its own root too: what came with a fork is not taken over.
  vma.anonRoot = vma.anonVma
}

/** Flags of the entry of a page that was just filled: dirty only where it may be written to. */
export function fillFlags(vma: Vma): number {
  return (vma.prot & PROT_WRITE) !== 0 ? dirtyFlags(vma) : PTE_PRESENT
}

/** Index of the entry for `vpn`, in a table of its own if there was none. */
export function pteAlloc(m: Machine, mm: Mm, vpn: number): number {
  mm.reserve(vpn)
  if (mm.pmd(vpn) === 0) {
    m.spent += m.cost.tableAlloc
    mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, m.tables.alloc())
  }
  return mm.pteIndex(vpn)
}

/** Flags of an entry that a store has just made, in an area that may be written to or not (FOLL_FORCE). */
export function dirtyFlags(vma: Vma): number {
  const write = (vma.prot & PROT_WRITE) !== 0 ? PTE_WRITE : 0
  return PTE_PRESENT | PTE_DIRTY | PTE_SOFT_DIRTY | write
}

/** Protection by userfaultfd passes from the old entry, or its marker, to the page: a store faults again. */
export function protectedIf(armed: boolean, flags: number): number {
  return armed ? (flags & ~PTE_WRITE) | PTE_UFFD_WP : flags
}

/** A fresh, zeroed anonymous order-0 page. */
export function allocAnonPage(m: Machine): number {
  const pfn = m.frames.alloc()
  m.frames.set(pfn, m.policy.tracksExclusive ? PG_ANON | PG_EXCLUSIVE : PG_ANON)
  pageIsFresh(m, pfn)
  return pfn
}

/** Head of a fresh, zeroed anonymous folio, exclusive in every page. */
export function newAnonFolio(m: Machine, order: number): number {
  const { frames } = m
  const head = frames.allocFolio(order)
  const flags = m.policy.tracksExclusive ? PG_ANON | PG_EXCLUSIVE : PG_ANON
  for (let i = 0; i < 1 << order; i++) frames.set(head + i, flags)
  folioIsFresh(m, head, 1 << order)
  return head
}

/** A zeroed huge folio for the 2 MiB around `vpn`, which hold nothing (or the huge zero page). */
export function fillHuge(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  anonVmaPrepare(m, mm, vma)
  m.spent += m.cost.zeroFill2M
  const head = newAnonFolio(m, HUGE_ORDER)
  mapHuge(m.frames, mm, head)
  // Dirty whether or not the area may be stored to, other than a small page.
  installHuge(m, mm, vpn, (head << PFN_SHIFT) | dirtyFlags(vma) | PMD_HUGE)
  lruAdd(m, head)
  m.judge.separated(mm.id, vpn & -HUGE_PAGES, HUGE_PAGES)
}

/** Points the PMD entry at a huge folio; the table behind it is deposited for the day that it is split. */
export function installHuge(m: Machine, mm: Mm, vpn: number, pmd: number): void {
  mm.reserve(vpn)
  const { tables } = m
  let table = mm.tables[vpn >>> TABLE_SHIFT]!
  if (table === 0) {
    m.spent += m.cost.tableAlloc
    table = tables.alloc()
  } else tables.ptes.fill(0, table, table + HUGE_PAGES)
  mm.setPmd(vpn, pmd, table)
}
