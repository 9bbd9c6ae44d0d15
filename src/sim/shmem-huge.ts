/**
 * Huge folios of shared memory: whether an area may map one, and the PMD entry that a fault or MADV_COLLAPSE installs.
 *
 * The model's shared memory is filled page by page (a mount without huge=always), so that its huge folios come from
 * collapses. The table behind a PMD entry is the model's; x86 deposits none for a file.
 */
import { HUGE_ORDER, HUGE_PAGES, PG_LARGE } from '../state/frames.ts'
import { type Mm, userfaultfdArmed, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, PTE_WRITE } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { installHuge } from './alloc.ts'
import { mapHuge, mapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { bringBack, cachedFrame } from './page-cache.ts'
import { mapsShareWritable } from './soft-dirty.ts'

/** May the aligned 2 MiB around `vpn` be a huge page of shared memory? Not against the advice, nor out of step with the object. */
export function shmemSuitable(vma: Vma, vpn: number): boolean {
  return vma.kind === MAP_SHARED && vma.hugeAdvice !== 'never' && liesAligned(vma, vpn)
}

/** Does the area cover the aligned 2 MiB around `vpn`, in step with the object? */
export function liesAligned(vma: Vma, vpn: number): boolean {
  const start = vpn & -HUGE_PAGES
  return (
    start >= vma.start &&
    start + HUGE_PAGES <= vma.end &&
    (vma.pgoff + start - vma.start) % HUGE_PAGES === 0
  )
}

/** Head of the huge folio that the page cache holds for the 2 MiB around `vpn`; 0 if it holds none. */
export function hugeCacheFolio(m: Machine, vma: Vma, vpn: number): number {
  const start = vpn & -HUGE_PAGES
  const pfn = cachedFrame(m, vma.object, vma.pgoff + start - vma.start)
  return pfn !== 0 && m.frames.order[pfn] === HUGE_ORDER ? m.frames.head(pfn) : 0
}

/** do_set_pmd(): a fault where no page table is maps the whole huge folio. Returns false if there is none to map. */
export function doSetPmd(m: Machine, mm: Mm, vma: Vma, vpn: number): boolean {
  const suits = m.era.faultAsksAdvice
    ? shmemSuitable(vma, vpn)
    : vma.kind === MAP_SHARED && liesAligned(vma, vpn)
  if (!suits) return false
  const head = hugeCacheFolio(m, vma, vpn)
  if (head === 0) return false
  bringBack(m, head, userfaultfdArmed(vma))
  if (!m.frames.has(head, PG_LARGE)) return false
  const write = mapsShareWritable(m, vma) ? PTE_WRITE : 0
  mapHuge(m.frames, mm, head)
  installHuge(m, mm, vpn, (head << PFN_SHIFT) | PTE_PRESENT | write | PMD_HUGE)
  return true
}

/**
 * finish_fault(): a huge folio that no PMD entry can map, since there is a page table, is mapped by all 512 entries at
 * once where they are all empty and in the area. Returns whether it was.
 */
export function mapSharedFolio(m: Machine, mm: Mm, vma: Vma, vpn: number, flags: number): boolean {
  if (!m.era.faultMapsSharedFolio || vma.kind !== MAP_SHARED || userfaultfdArmed(vma)) return false
  const start = vpn & -HUGE_PAGES
  const head = liesAligned(vma, vpn) ? hugeCacheFolio(m, vma, vpn) : 0
  if (head === 0) return false
  const { ptes } = m.tables
  const first = mm.pteIndex(start)
  for (let i = 0; i < HUGE_PAGES; i++) if (ptes[first + i] !== 0) return false
  for (let i = 0; i < HUGE_PAGES; i++) {
    mapPte(m.frames, mm, head + i)
    ptes[first + i] = ((head + i) << PFN_SHIFT) | flags
  }
  return true
}
