/**
 * Huge folios of shared memory: whether an area may map one, and the PMD entry that a fault or MADV_COLLAPSE installs.
 *
 * The model's shared memory is filled page by page (a mount without huge=always), so that its huge folios come from
 * collapses. The table behind a PMD entry is the model's; x86 deposits none for a file.
 */
import { HUGE_ORDER, HUGE_PAGES } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, PTE_WRITE } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { cachedFrame, installHuge } from './alloc.ts'
import { mapHuge } from './folio.ts'
import type { Machine } from './machine.ts'
import { mapsShareWritable } from './soft-dirty.ts'

/** Does the area of shared memory cover the aligned 2 MiB around `vpn`, in step with the object? */
export function shmemSuitable(vma: Vma, vpn: number): boolean {
  const start = vpn & -HUGE_PAGES
  return (
    vma.kind === MAP_SHARED &&
    vma.hugeAdvice !== 'never' &&
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
  if (!shmemSuitable(vma, vpn)) return false
  const head = hugeCacheFolio(m, vma, vpn)
  if (head === 0) return false
  const write = mapsShareWritable(m, vma) ? PTE_WRITE : 0
  mapHuge(m.frames, mm, head)
  installHuge(m, mm, vpn, (head << PFN_SHIFT) | PTE_PRESENT | write | PMD_HUGE)
  return true
}
