/**
 * do_fault_around(): a load that faults on a file or on shared memory maps its neighbours with it, those that the page
 * cache holds, so that their first loads need no fault.
 */
import { HUGE_PAGES } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PTE_PRESENT, PTE_WRITE, TABLE_PAGES } from '../state/tables.ts'
import { pteAlloc } from './alloc.ts'
import { mapPte } from './folio.ts'
import type { Machine } from './machine.ts'
import { cachedFrame } from './page-cache.ts'
import { hugeCacheFolio, liesAligned } from './shmem-huge.ts'
import { mapsShareWritable } from './soft-dirty.ts'

/** fault_around_bytes, 64 KiB where nobody has changed it. */
export const FAULT_AROUND_PAGES = 16

/**
 * Maps the others of the aligned pages around `vpn`, as far as the area and the page table go, or all pages of a huge
 * folio that the area covers (6.18). Not where userfaultfd waits for stores or minor faults
 * (uffd_disable_fault_around()).
 */
export function faultAround(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  if (vma.uffdWp || vma.uffdMinor) return
  const from = Math.max(vpn & -FAULT_AROUND_PAGES, vma.start)
  const tableEnd = (vpn & -TABLE_PAGES) + TABLE_PAGES
  const end = Math.min(from + FAULT_AROUND_PAGES, vma.end, tableEnd)
  const flags = mapsShareWritable(m, vma) ? PTE_PRESENT | PTE_WRITE : PTE_PRESENT
  for (let at = from; at < end; at++) {
    if (at === vpn) continue
    const pfn = cachedFrame(m, vma.object, vma.pgoff + at - vma.start)
    if (pfn === 0 || m.pagedOut.has(pfn)) continue
    if (m.era.faultAroundMapsFolio && hugeCacheFolio(m, vma, at) !== 0 && liesAligned(vma, at)) {
      mapAround(m, mm, pfn - (at & (HUGE_PAGES - 1)), at & -HUGE_PAGES, HUGE_PAGES, vpn, flags)
      return
    }
    mapAround(m, mm, pfn, at, 1, vpn, flags)
  }
}

/** Maps `pages` pages from `pfn` on, at `vpn` on, where entries are empty, but for the one that `faulted`. */
function mapAround(
  m: Machine,
  mm: Mm,
  pfn: number,
  vpn: number,
  pages: number,
  faulted: number,
  flags: number,
): void {
  const { ptes } = m.tables
  for (let i = 0; i < pages; i++) {
    const index = pteAlloc(m, mm, vpn + i)
    if (ptes[index] !== 0 || vpn + i === faulted) continue
    mapPte(m.frames, mm, pfn + i)
    ptes[index] = ((pfn + i) << PFN_SHIFT) | flags
  }
}
