/**
 * Address spaces: mmap, mremap and madvise.
 */
import { HUGE_ORDER, HUGE_PAGES, PG_ZERO } from '../state/frames.ts'
import { type Mm, userfaultfdArmed, type Vma } from '../state/mm.ts'
import {
  PMD_HUGE,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_TOK,
  PTE_UFFD_WP,
  TABLE_SHIFT,
} from '../state/tables.ts'
import {
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
  MADV_UNMERGEABLE,
  MAP_PRIVATE_ANON,
  PROT_WRITE,
} from '../trace/ops.ts'
import { FOLIO_SPLIT, SET_MREMAP_FOLIO } from '../trace/settings.ts'
import { installHuge, pteAlloc } from './alloc.ts'
import { FAILED, OK } from './answers.ts'
import { collapse } from './collapse.ts'
import { unmergeKsm } from './ksm.ts'
import { madviseFree } from './lazyfree.ts'
import { lruDrainAtZap } from './lru.ts'
import type { Machine } from './machine.ts'
import { swapOut } from './reclaim.ts'
import { breakSharedTable } from './shared-tables.ts'
import { carve, changeAreas, splitFolio, splitHugePmd } from './split.ts'
import { markProtected, protectedPages } from './userfault.ts'
import { forEachPmd, overlapping, presentFrame } from './walk.ts'
import { munmap, zapRange } from './zap.ts'

export function mmap(
  m: Machine,
  mm: Mm,
  start: number,
  pages: number,
  kind: number,
  prot: number,
  folioOrder: number,
  object: number,
  pgoff: number,
): number {
  const end = start + pages
  if (pages <= 0 || mm.covers(start, end)) return FAILED
  mm.insert({
    area: m.areas++,
    start,
    end,
    kind,
    prot,
    folioOrder: folioOrder === 0 && kind === MAP_PRIVATE_ANON ? HUGE_ORDER : folioOrder,
    hugeAdvice: folioOrder > 0 ? 'huge' : 'none',
    object,
    pgoff,
    anonVma: 0,
    anonRoot: 0,
    forked: false,
    dontfork: false,
    accounted: (prot & PROT_WRITE) !== 0,
    mergeable: false,
    uffdWp: false,
    uffdMissing: false,
    uffdMinor: false,
    softDirty: true,
  })
  mm.reserve(end - 1)
  m.frames.reserve(pages)
  m.tables.reserve(pages)
  m.judge.mmap(mm.id, start, pages, kind, object, pgoff)
  return OK
}

/** Moves [start, end) to `to`, in whole huge mappings where both sides are aligned. */
export function mremap(m: Machine, mm: Mm, start: number, end: number, to: number): number {
  if (mm.covers(to, to + end - start)) return FAILED
  const areas = mm.overlapping(start, end)
  const first = areas[0]
  if (first === undefined || first.start > start) return FAILED
  if (first.end < end && !movesSeveral(m, areas)) return FAILED
  m.k.mm = mm
  const vmas = carve(m, mm, start, end)
  // "it would be confusing if they were to turn up at the new location"
  for (const vma of vmas) if (vma.mergeable) unmergeKsm(m, mm, vma.start, vma.end)
  const area = m.areas++
  for (const vma of vmas) {
    mm.insert({
      ...vma,
      area,
      start: vma.start + to - start,
      end: vma.end + to - start,
      // Userfaultfd without UFFD_FEATURE_EVENT_REMAP stays behind.
      uffdWp: false,
      uffdMissing: false,
      uffdMinor: false,
    })
  }
  mm.moved = true
  movePageTables(m, mm, start, end, to)
  m.judge.mremap(mm.id, start, end - start, to)
  // The old range holds nothing any more; taking it away drains the batch, as any munmap does.
  munmap(m, mm, start, end)
  m.endExit()
  return OK
}

/**
 * remap_move(), 6.17, of areas and the holes behind the first: not where userfaultfd would have to be told of each. (It
 * moves those before the first such area, which is left out here.)
 */
function movesSeveral({ era }: Machine, areas: readonly Vma[]): boolean {
  return era.mremapsAreas && !areas.some(userfaultfdArmed)
}

function movePageTables(m: Machine, mm: Mm, start: number, end: number, to: number): void {
  mm.reserve(to + end - start - 1)
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    const target = vpn + to - start
    if ((pmd & PMD_HUGE) !== 0) {
      if (stop - vpn === HUGE_PAGES && (target & (HUGE_PAGES - 1)) === 0) {
        moveHuge(m, mm, vpn, target, pmd)
        return
      }
      splitHugePmd(m, mm, vpn)
      // on-demand-fork, too, breaks the sharing before it moves a part.
    } else breakSharedTable(m, mm, vpn)
    // move_page_tables() has tables ready before it looks whether there is anything to move.
    forEachPmd(target, target + stop - vpn, (page) => pteAlloc(m, mm, page))
    const aligned = stop - vpn === HUGE_PAGES && (target - vpn) % HUGE_PAGES === 0
    const softDirty = aligned && movesTables(m, mm.find(vpn)) ? 0 : PTE_SOFT_DIRTY
    for (let page = vpn; page < stop; page++) movePte(m, mm, page, page + to - start, softDirty)
    if (m.settings[SET_MREMAP_FOLIO] === FOLIO_SPLIT && !aligned) splitMoved(m, mm, target)
  })
}

/** Wilcox, January 2022: a huge folio off its place should be split, so that khugepaged can build an aligned one. */
function splitMoved(m: Machine, mm: Mm, vpn: number): void {
  const pfn = presentFrame(m, mm, vpn)
  if (m.frames.order[pfn] === HUGE_ORDER && !m.frames.has(pfn, PG_ZERO)) splitFolio(m, pfn, vpn)
}

function moveHuge(m: Machine, mm: Mm, vpn: number, target: number, pmd: number): void {
  const kept = m.era.mremapClearsUffdWp ? pmd & ~PTE_UFFD_WP : pmd
  installHuge(m, mm, target, kept | PTE_SOFT_DIRTY)
  m.tables.release(mm.tables[vpn >>> TABLE_SHIFT]!)
  mm.setPmd(vpn, 0, 0)
}

/** move_normal_pmd(): a whole page table moves as it is, and no entry counts as changed. */
function movesTables({ era }: Machine, vma: Vma | undefined): boolean {
  return vma === undefined || !userfaultfdArmed(vma) || !era.mremapClearsUffdWp
}

/** move_ptes() of one entry. Its old translation is void. */
function movePte(m: Machine, mm: Mm, from: number, to: number, softDirty: number): void {
  const index = mm.pteIndex(from)
  const pte = m.tables.ptes[index]!
  if (pte === 0) return
  const target = pteAlloc(m, mm, to)
  const kept = m.era.mremapClearsUffdWp ? ~(PTE_UFFD_WP | PTE_TOK) : ~PTE_TOK
  const moved = pte & kept
  m.tables.ptes[target] = (pte & (PTE_PRESENT | PTE_SWAP)) !== 0 ? moved | softDirty : moved
  m.tables.ptes[index] = 0
}

/** madvise_walk_vmas(): what is mapped gets the advice; if not all is, the call fails (ENOMEM). */
export function madvise(m: Machine, mm: Mm, start: number, end: number, advice: number): number {
  const whole = mm.firstHole(start, end) === end
  const answer = adviseMapped(m, mm, start, end, advice)
  return whole ? answer : FAILED
}

function adviseMapped(m: Machine, mm: Mm, start: number, end: number, advice: number): number {
  m.k.mm = mm
  switch (advice) {
    case MADV_DONTNEED:
      dontneed(m, mm, start, end)
      m.spent += m.cost.tlbFlush
      m.endExit()
      return OK
    case MADV_FREE:
      return free(m, mm, start, end)
    case MADV_PAGEOUT:
      swapOut(m, mm, start, end, true)
      return OK
    case MADV_COLLAPSE:
      return collapse(m, mm, start, end)
    default:
      changeAreas(
        m,
        mm,
        start,
        end,
        (vma) => !hasAdvice(vma, advice),
        (vma) => adviseArea(vma, advice),
      )
      if (advice === MADV_UNMERGEABLE) unmergeKsm(m, mm, start, end)
      m.endCall()
      return OK
  }
}

/** madvise_free_single_vma(), for each area up to the first that is not anonymous, whose pages are not the process's own. */
function free(m: Machine, mm: Mm, start: number, end: number): number {
  const parts = overlapping(mm, start, end)
  const other = parts.findIndex((part) => mm.find(part.start)?.kind !== MAP_PRIVATE_ANON)
  for (const part of other < 0 ? parts : parts.slice(0, other)) {
    madviseFree(m, mm, part.start, part.end)
  }
  m.endExit()
  return other < 0 ? OK : FAILED
}

/** madvise_dontneed_single_vma(), for each area; userfaultfd's protection of shared memory outlives it. */
function dontneed(m: Machine, mm: Mm, start: number, end: number): void {
  const parts = overlapping(mm, start, end)
  const marked = parts.flatMap((part) => protectedPages(m, mm, part.start, part.end))
  for (const part of parts) {
    lruDrainAtZap(m)
    zapRange(m, mm, part.start, part.end, false)
  }
  m.judge.dontneed(mm.id, start, end - start)
  markProtected(m, mm, marked)
}

function hasAdvice(vma: Vma, advice: number): boolean {
  const advised: Vma = { ...vma }
  adviseArea(advised, advice)
  return (
    advised.hugeAdvice === vma.hugeAdvice &&
    advised.mergeable === vma.mergeable &&
    advised.dontfork === vma.dontfork
  )
}

function adviseArea(vma: Vma, advice: number): void {
  switch (advice) {
    case MADV_HUGEPAGE:
      vma.hugeAdvice = 'huge'
      break
    case MADV_NOHUGEPAGE:
      vma.hugeAdvice = 'never'
      break
    case MADV_MERGEABLE:
      vma.mergeable = true
      break
    case MADV_UNMERGEABLE:
      vma.mergeable = false
      break
    case MADV_DONTFORK:
      vma.dontfork = true
      break
    default:
      throw new RangeError(`unknown advice: ${advice}`)
  }
}
