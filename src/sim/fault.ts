/**
 * handle_mm_fault(): what a page fault does by what it finds: nothing, a huge mapping, a swapped page, a read-only one.
 */

import { COPY_NOT_ANON, SITE_WP } from '../policy/api.ts'
import { HUGE_ORDER, HUGE_PAGES, HUGE_ZERO_PFN, ZERO_PFN } from '../state/frames.ts'
import { type Mm, userfaultfdArmed, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_PRESENT, PTE_SWAP, PTE_WRITE } from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED } from '../trace/ops.ts'
import {
  allocAnonPage,
  anonVmaPrepare,
  dirtyFlags,
  fillFlags,
  fillHuge,
  installHuge,
  newAnonFolio,
  protectedIf,
  pteAlloc,
} from './alloc.ts'
import { faultAround } from './fault-around.ts'
import { mapPte } from './folio.ts'
import { wpHugePmd } from './huge.ts'
import { lruAdd } from './lru.ts'
import type { Machine } from './machine.ts'
import { cachedFrame, pageCacheFrame } from './page-cache.ts'
import { breakTableAtFault } from './shared-tables.ts'
import { doSetPmd, mapSharedFolio } from './shmem-huge.ts'
import { mapsShareWritable } from './soft-dirty.ts'
import { swapIn } from './swap-in.ts'
import { awaitedEvent, userfault } from './userfault.ts'
import { wpPage } from './wp.ts'

/** One fault. It may leave the access impossible still (a userfault, a split huge mapping): the access tries again. */
export function handleFault(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  m.k.mm = mm
  m.k.vpn = vpn
  mm.reserve(vpn)
  const event = awaitedEvent(m, mm, vma, vpn)
  if (event !== 0) {
    if (!write && vma.kind !== MAP_PRIVATE_ANON) faultAround(m, mm, vma, vpn)
    userfault(m, mm, vma, vpn, event)
    return
  }
  const pmd = mm.pmd(vpn)
  if (pmd === 0 && doHugePmdAnonymousPage(m, mm, vma, vpn, write)) return
  if (pmd === 0 && doSetPmd(m, mm, vma, vpn)) return
  if ((pmd & PMD_HUGE) !== 0) {
    if (!write || (pmd & PTE_WRITE) !== 0 || wpHugePmd(m, mm, vma, vpn, false)) return
  } else if (pmd !== 0 && (pmd & PTE_WRITE) === 0) {
    breakTableAtFault(m, mm, vma, vpn)
  }
  handlePteFault(m, mm, vma, vpn, write)
}

function handlePteFault(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  const index = pteAlloc(m, mm, vpn)
  const pte = m.tables.ptes[index]!
  if ((pte & PTE_PRESENT) !== 0) {
    if (write && (pte & PTE_WRITE) === 0) wpPage(m, mm, vma, vpn)
  } else if ((pte & PTE_SWAP) !== 0) {
    swapIn(m, mm, vma, vpn, write)
  } else if (vma.kind === MAP_PRIVATE_ANON) {
    doAnonymousPage(m, mm, vma, vpn, write)
  } else {
    doFault(m, mm, vma, vpn, write)
  }
}

function doAnonymousPage(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  if (!write) {
    m.tables.ptes[mm.pteIndex(vpn)] = (ZERO_PFN << PFN_SHIFT) | PTE_PRESENT
    return
  }
  anonVmaPrepare(m, mm, vma)
  const order = anonFolioOrder(m, mm, vma, vpn)
  if (order > 0) {
    fillFolio(m, mm, vma, vpn & -(1 << order), order)
    return
  }
  m.spent += m.cost.zeroFill4k
  const pfn = allocAnonPage(m)
  mapPte(m.frames, mm, pfn)
  m.tables.ptes[mm.pteIndex(vpn)] = (pfn << PFN_SHIFT) | fillFlags(vma)
  lruAdd(m, pfn)
  // No store follows that would tell the judge of a page where there was none.
  if (m.fromKernel) m.judge.separated(mm.id, vpn, 1)
}

/** alloc_anon_folio(): the area's order where the aligned range lies in the area and is empty, else 0. */
function anonFolioOrder(m: Machine, mm: Mm, vma: Vma, vpn: number): number {
  const order = vma.folioOrder
  if (order === 0 || order === HUGE_ORDER || vma.hugeAdvice !== 'huge') return 0
  if (userfaultfdArmed(vma)) return 0
  const start = vpn & -(1 << order)
  const end = start + (1 << order)
  if (start < vma.start || end > vma.end) return 0
  const first = mm.pteIndex(start)
  for (let i = first; i < first + (1 << order); i++) if (m.tables.ptes[i] !== 0) return 0
  return order
}

function fillFolio(m: Machine, mm: Mm, vma: Vma, start: number, order: number): void {
  const { frames, tables } = m
  const pages = 1 << order
  m.spent += m.cost.zeroFill4k * pages
  const head = newAnonFolio(m, order)
  const first = mm.pteIndex(start)
  for (let i = 0; i < pages; i++) {
    mapPte(frames, mm, head + i)
    tables.ptes[first + i] = ((head + i) << PFN_SHIFT) | fillFlags(vma)
  }
  lruAdd(m, head)
  m.judge.separated(mm.id, start, pages)
}

/** May a fault or khugepaged put a huge folio into the 2 MiB around `vpn`? */
export function hugeAllowed(vma: Vma, vpn: number): boolean {
  return vma.folioOrder === HUGE_ORDER && vma.hugeAdvice === 'huge' && hugeSuitable(vma, vpn)
}

/** The same for MADV_COLLAPSE, which asks no setting: TVA_ENFORCE_SYSFS is not set. */
export function hugeSuitable(vma: Vma, vpn: number): boolean {
  const start = vpn & -HUGE_PAGES
  return (
    vma.kind === MAP_PRIVATE_ANON &&
    vma.hugeAdvice !== 'never' &&
    start >= vma.start &&
    start + HUGE_PAGES <= vma.end
  )
}

/** Returns whether the fault was served by a huge folio or the huge zero page. */
function doHugePmdAnonymousPage(
  m: Machine,
  mm: Mm,
  vma: Vma,
  vpn: number,
  write: boolean,
): boolean {
  if (!hugeAllowed(vma, vpn)) return false
  // anon_vma_prepare() comes first, also where the huge zero page will do.
  anonVmaPrepare(m, mm, vma)
  if (!write) {
    installHuge(m, mm, vpn, (HUGE_ZERO_PFN << PFN_SHIFT) | PTE_PRESENT | PMD_HUGE)
    return true
  }
  fillHuge(m, mm, vma, vpn)
  return true
}

/** do_fault(): file and shared mappings. A store to a private file page copies it at once (do_cow_fault). */
function doFault(m: Machine, mm: Mm, vma: Vma, vpn: number, write: boolean): void {
  if (!write) faultAround(m, mm, vma, vpn)
  const pgoff = vma.pgoff + vpn - vma.start
  // What is in memory a load has mapped by faultAround() already.
  const around = !write && !m.pagedOut.has(cachedFrame(m, vma.object, pgoff))
  const cached = pageCacheFrame(m, vma.object, pgoff, userfaultfdArmed(vma))
  const index = mm.pteIndex(vpn)
  const marked = userfaultfdPteWp(vma, m.tables.ptes[index]!)
  if (write && vma.kind !== MAP_SHARED) {
    anonVmaPrepare(m, mm, vma)
    m.spent += m.cost.copy4k
    m.decided(SITE_WP, mm, vpn, 1, COPY_NOT_ANON)
    const pfn = allocAnonPage(m)
    m.frames.token[pfn] = m.frames.token[cached]!
    mapPte(m.frames, mm, pfn)
    m.tables.ptes[index] = (pfn << PFN_SHIFT) | protectedIf(marked, dirtyFlags(vma))
    lruAdd(m, pfn)
    return
  }
  const writable = mapsShareWritable(m, vma)
  const flags = write ? dirtyFlags(vma) : PTE_PRESENT | (writable ? PTE_WRITE : 0)
  if (!around && mapSharedFolio(m, mm, vma, vpn, flags)) return
  mapPte(m.frames, mm, cached)
  m.tables.ptes[index] = (cached << PFN_SHIFT) | protectedIf(marked, flags)
}
