/**
 * Unmapping: munmap, MADV_DONTNEED, exec and exit take entries away, and free what nobody refers to any more.
 */
import { HUGE_PAGES, PG_ZERO } from '../state/frames.ts'
import type { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_WRITE, TABLE_PAGES } from '../state/tables.ts'
import { zapPteRange } from './drop.ts'
import { unmapHuge } from './folio.ts'
import { lruDrain } from './lru.ts'
import type { Machine } from './machine.ts'
import { dropPin } from './pins.ts'
import { breakSharedTable, zapSharedTable } from './shared-tables.ts'
import { carve, splitHugePmd } from './split.ts'

/** zap_page_range(): empties every entry in [start, end). */
export function zapRange(m: Machine, mm: Mm, start: number, end: number): void {
  m.k.mm = mm
  for (let vpn = start; vpn < end; ) {
    const next = Math.min(end, (vpn & -TABLE_PAGES) + TABLE_PAGES)
    const pmd = mm.pmd(vpn)
    if (pmd !== 0) zapPmdRange(m, mm, vpn, next, pmd)
    vpn = next
  }
}

function zapPmdRange(m: Machine, mm: Mm, start: number, end: number, pmd: number): void {
  if ((pmd & PMD_HUGE) !== 0) {
    if (end - start === HUGE_PAGES) {
      zapHugePmd(m, mm, start)
      return
    }
    splitHugePmd(m, mm, start)
  } else if ((pmd & PTE_WRITE) === 0) {
    if (end - start === TABLE_PAGES && zapSharedTable(m, mm, start)) return
    breakSharedTable(m, mm, start)
  }
  zapPteRange(m, mm, mm.pteIndex(start), mm.pteIndex(start) + end - start)
}

function zapHugePmd(m: Machine, mm: Mm, vpn: number): void {
  const { frames } = m
  const head = mm.pmd(vpn) >>> PFN_SHIFT
  releaseTable(m, mm, vpn)
  if (frames.has(head, PG_ZERO)) return
  m.spent += m.cost.ptePerExit
  unmapHuge(frames, mm, head)
  frames.freeIfUnused(head)
}

/** Takes the page table at `vpn` away from `mm`, which is the only one to use it. */
function releaseTable(m: Machine, mm: Mm, vpn: number): void {
  m.spent += m.cost.tableFree
  m.tables.release(mm.tables[vpn >>> 9]!)
  mm.setPmd(vpn, 0, 0)
}

/** free_pgtables(): tables under [start, end) that no area needs any more. */
function freeTables(m: Machine, mm: Mm, start: number, end: number): void {
  for (let vpn = start & -TABLE_PAGES; vpn < end; vpn += TABLE_PAGES) {
    if (mm.pmd(vpn) !== 0 && !mm.covers(vpn, vpn + TABLE_PAGES)) releaseTable(m, mm, vpn)
  }
}

export function munmap(m: Machine, mm: Mm, start: number, end: number): void {
  lruDrain(m)
  for (const vma of carve(m, mm, start, end)) zapRange(m, mm, vma.start, vma.end)
  mm.remove(start, end)
  freeTables(m, mm, start, end)
  m.spent += m.cost.tlbFlush
}

/** exit_mmap(), for exit and exec; the process's pins go too. */
export function exitMm(m: Machine, mm: Mm): void {
  lruDrain(m)
  const { vmas } = mm
  for (const vma of vmas) zapRange(m, mm, vma.start, vma.end)
  mm.vmas = []
  mm.remove(0, 0)
  const end = mm.pmds.length * TABLE_PAGES
  freeTables(m, mm, 0, end)
  for (const pin of [...m.k.pins.values()]) if (pin.mm === mm.id) dropPin(m, pin)
  lruDrain(m)
}
