/**
 * userfaultfd's missing and minor faults: registration, the events of pages that are not mapped, and the modelled
 * manager that provides them, when an event asks for it or before.
 */
import { ZERO_PFN } from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_UFFD_WP,
  TABLE_PAGES,
} from '../state/tables.ts'
import {
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  MAP_SHARED,
  UFFD_MINOR,
  UFFD_MISSING,
  UFFD_WP,
  UFFDIO_CONTINUE,
  UFFDIO_COPY,
  UFFDIO_ZEROPAGE,
} from '../trace/ops.ts'
import { ANSWER_COPY, SET_MISSING_ANSWER } from '../trace/settings.ts'
import { allocAnonPage, anonVmaPrepare, dirtyFlags, pteAlloc } from './alloc.ts'
import { FAILED, OK } from './answers.ts'
import { mapPte } from './folio.ts'
import { lruAdd } from './lru.ts'
import type { Machine } from './machine.ts'
import { cachedFrame, pageCacheFrame } from './page-cache.ts'
import { unshareForWalk } from './shared-tables.ts'
import { changeAreas } from './split.ts'
import { mayWriteProtect, unprotect } from './uffd.ts'
import { forEachPmd } from './walk.ts'

/** UFFDIO_REGISTER of the areas' parts in [start, end) for `modes`, in place of what they had; 0: UFFDIO_UNREGISTER. */
export function uffdRegister(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  modes: number,
): number {
  m.k.mm = mm
  const vmas = mm.overlapping(start, end)
  if (vmas.length === 0 || !vmas.every((vma) => mayRegister(m, vma, modes))) return FAILED
  if ((modes & UFFD_WP) === 0) unprotect(m, mm, start, end)
  const wanted = {
    uffdMissing: (modes & UFFD_MISSING) !== 0,
    uffdWp: (modes & UFFD_WP) !== 0,
    uffdMinor: (modes & UFFD_MINOR) !== 0,
  }
  changeAreas(
    m,
    mm,
    start,
    end,
    (vma) =>
      vma.uffdMissing !== wanted.uffdMissing ||
      vma.uffdWp !== wanted.uffdWp ||
      vma.uffdMinor !== wanted.uffdMinor,
    (vma) => Object.assign(vma, wanted),
  )
  m.judge.uffdRegister(mm.id, start, end - start, modes & (UFFD_MISSING | UFFD_MINOR))
  tellPresent(m, mm, start, end)
  m.spent += m.cost.tlbFlush
  m.endCall()
  return OK
}

/** vma_can_userfault() */
function mayRegister(m: Machine, vma: Vma, modes: number): boolean {
  if (vma.kind === MAP_PRIVATE_FILE && (modes & (UFFD_MISSING | UFFD_MINOR)) !== 0) return false
  if ((modes & UFFD_WP) !== 0 && !mayWriteProtect(m, vma)) return false
  return (modes & UFFD_MINOR) === 0 || (vma.kind === MAP_SHARED && m.era.uffdMinor)
}

/** What is mapped, or in swap, raises no event. */
function tellPresent(m: Machine, mm: Mm, start: number, end: number): void {
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    for (let at = vpn; at < stop; at++) {
      const mapped = (m.tables.ptes[mm.pteIndex(at)]! & (PTE_PRESENT | PTE_SWAP)) !== 0
      if (mapped || (pmd & PMD_HUGE) !== 0) m.judge.uffdPresent(mm.id, at, 1)
    }
  })
}

/** Which event (UFFD_MISSING, UFFD_MINOR) does an access to the page raise? 0: none. */
export function awaitedEvent(m: Machine, mm: Mm, vma: Vma, vpn: number): number {
  if (!vma.uffdMissing && !vma.uffdMinor) return 0
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0) return 0
  if ((m.tables.ptes[mm.pteIndex(vpn)]! & (PTE_PRESENT | PTE_SWAP)) !== 0) return 0
  const inCache =
    vma.kind === MAP_SHARED && cachedFrame(m, vma.object, vma.pgoff + vpn - vma.start) !== 0
  if (inCache) return vma.uffdMinor ? UFFD_MINOR : 0
  return vma.uffdMissing ? UFFD_MISSING : 0
}

/** handle_userfault(): the manager provides the page, and the access tries again. It serves user code only. */
export function userfault(m: Machine, mm: Mm, vma: Vma, vpn: number, event: number): void {
  if (m.fromKernel) return
  m.spent += m.cost.uffdEvent
  if (event === UFFD_MINOR) m.counts.minorEvents++
  else m.counts.missingEvents++
  m.judge.uffdEvent(mm.id, vpn, event)
  provide(m, mm, vma, vpn, event === UFFD_MINOR ? UFFDIO_CONTINUE : missingAnswer(m))
}

function missingAnswer(m: Machine): number {
  return m.settings[SET_MISSING_ANSWER] === ANSWER_COPY ? UFFDIO_COPY : UFFDIO_ZEROPAGE
}

/** The manager's UFFDIO_COPY, UFFDIO_ZEROPAGE or UFFDIO_CONTINUE of a range that it was not asked for. */
export function uffdResolve(m: Machine, mm: Mm, start: number, end: number, how: number): number {
  m.k.mm = mm
  let provided = 0
  for (let vpn = start; vpn < end; vpn++) {
    const vma = mm.find(vpn)
    if (vma === undefined || (!vma.uffdMissing && !vma.uffdMinor && !vma.uffdWp)) continue
    if (provide(m, mm, vma, vpn, how)) provided++
  }
  m.spent += m.cost.uffdEvent
  m.endCall()
  return provided > 0 ? OK : FAILED
}

/** mfill_atomic_pte(). Returns false where something is there already (EEXIST), or is not (EFAULT). */
function provide(m: Machine, mm: Mm, vma: Vma, vpn: number, how: number): boolean {
  if ((mm.pmd(vpn) & PMD_HUGE) !== 0) return false
  unshareForWalk(m, mm, vpn)
  const index = pteAlloc(m, mm, vpn)
  const marker = m.tables.ptes[index]!
  if ((marker & (PTE_PRESENT | PTE_SWAP)) !== 0) return false
  const pfn = pageFor(m, mm, vma, vpn, how)
  if (pfn === 0) return false
  m.judge.uffdPresent(mm.id, vpn, 1)
  // A page under write protection stays there: UFFDIO_COPY_MODE_WP.
  const armed = userfaultfdPteWp(vma, marker)
  if (armed) m.judge.uffdWp(mm.id, vpn, 1, false)
  if (how === UFFDIO_COPY) m.frames.token[pfn] = m.judge.store(mm.id, vpn)
  if (armed) m.judge.uffdWp(mm.id, vpn, 1, true)
  if (pfn === ZERO_PFN) {
    m.tables.ptes[index] = (ZERO_PFN << PFN_SHIFT) | PTE_PRESENT
    return true
  }
  mapPte(m.frames, mm, pfn)
  const flags = armed ? PTE_PRESENT | PTE_UFFD_WP : dirtyFlags(vma)
  m.tables.ptes[index] = (pfn << PFN_SHIFT) | flags
  if (vma.kind !== MAP_SHARED) lruAdd(m, pfn)
  return true
}

/** The page to map: fresh, or the page cache's; 0 if the request is refused. */
function pageFor(m: Machine, mm: Mm, vma: Vma, vpn: number, how: number): number {
  if (vma.kind === MAP_SHARED) {
    const pgoff = vma.pgoff + vpn - vma.start
    const isCached = cachedFrame(m, vma.object, pgoff) !== 0
    const continues = how === UFFDIO_CONTINUE
    if (!continues) m.spent += m.cost.zeroFill4k
    return isCached === continues ? pageCacheFrame(m, vma.object, pgoff) : 0
  }
  if (how === UFFDIO_CONTINUE) return 0
  anonVmaPrepare(m, mm, vma)
  if (how === UFFDIO_ZEROPAGE) return ZERO_PFN
  m.spent += m.cost.zeroFill4k
  return allocAnonPage(m)
}

/** Write-protected pages of files and shared memory in [start, end), of which MADV_DONTNEED leaves markers. */
export function protectedPages(m: Machine, mm: Mm, start: number, end: number): number[] {
  const found: number[] = []
  for (let vpn = start; vpn < end; vpn = (vpn & -TABLE_PAGES) + TABLE_PAGES) {
    if ((mm.pmd(vpn) & PMD_HUGE) !== 0 || mm.pmd(vpn) === 0) continue
    const stop = Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    for (let at = vpn; at < stop; at++) {
      const leavesMarker = mm.find(at)?.kind !== MAP_PRIVATE_ANON
      if (leavesMarker && (m.tables.ptes[mm.pteIndex(at)]! & PTE_UFFD_WP) !== 0) found.push(at)
    }
  }
  return found
}

/** Puts the markers back. */
export function markProtected(m: Machine, mm: Mm, vpns: readonly number[]): void {
  for (const vpn of vpns) {
    m.tables.ptes[pteAlloc(m, mm, vpn)] = PTE_UFFD_WP
    m.judge.uffdWp(mm.id, vpn, 1, true)
  }
}
