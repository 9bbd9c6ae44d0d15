/**
 * Unmapping: munmap, MADV_DONTNEED, exec and exit take entries away, and free what nobody refers to any more.
 */
import { HUGE_PAGES, PG_ZERO } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, TABLE_PAGES, TABLE_SHIFT } from '../state/tables.ts'
import { freeUnmapped, zapPteRange } from './drop.ts'
import { unmapHuge } from './folio.ts'
import { lruDrainAtZap } from './lru.ts'
import type { Machine } from './machine.ts'
import { pageIsUnmapped } from './own-bits.ts'
import { dropPin } from './pins.ts'
import { zapsByTable } from './shared-tables.ts'
import { carve, splitHugePmd } from './split.ts'
import { forEachPmd } from './walk.ts'

/** zap_page_range(): empties every entry in [start, end), for an unmapping or for MADV_DONTNEED. */
export function zapRange(m: Machine, mm: Mm, start: number, end: number, unmaps: boolean): void {
  m.k.mm = mm
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    if ((pmd & PMD_HUGE) !== 0) {
      if (stop - vpn === HUGE_PAGES) {
        zapHugePmd(m, mm, vpn)
        return
      }
      splitHugePmd(m, mm, vpn)
    } else if (m.policy.tables !== 'copy') {
      if (zapsByTable(m, mm, vpn, coversTable(mm, vpn, start, end), unmaps)) return
    }
    const first = mm.pteIndex(vpn)
    zapPteRange(m, mm, first, first + stop - vpn)
    if (!unmaps && m.era.freesEmptyTables && stop - vpn === TABLE_PAGES) releaseTable(m, mm, vpn)
  })
}

/** Does [start, end) hold all that the process has within the 2 MiB around `vpn`? */
function coversTable(mm: Mm, vpn: number, start: number, end: number): boolean {
  const first = vpn & -TABLE_PAGES
  const last = first + TABLE_PAGES
  for (let i = mm.firstEndingAfter(first); i < mm.vmas.length; i++) {
    const vma = mm.vmas[i] as Vma
    if (vma.start >= last) return true
    if (Math.max(vma.start, first) < start || Math.min(vma.end, last) > end) return false
  }
  return true
}

/** Unmaps a huge folio, or the huge zero page, and frees the page table behind it. */
export function zapHugePmd(m: Machine, mm: Mm, vpn: number): void {
  const { frames } = m
  const head = mm.pmd(vpn) >>> PFN_SHIFT
  releaseTable(m, mm, vpn)
  if (frames.has(head, PG_ZERO)) return
  m.spent += m.cost.ptePerExit
  unmapHuge(frames, mm, head)
  pageIsUnmapped(m, head)
  freeUnmapped(m, head)
}

/** Takes the page table at `vpn` away from `mm`, which is the only one to use it. */
export function releaseTable(m: Machine, mm: Mm, vpn: number): void {
  m.spent += m.cost.tableFree
  m.tables.release(mm.tables[vpn >>> TABLE_SHIFT]!)
  mm.setPmd(vpn, 0, 0)
}

/** free_pgtables(): tables under [start, end) that no area needs any more. */
function freeTables(m: Machine, mm: Mm, start: number, end: number): void {
  for (let vpn = start & -TABLE_PAGES; vpn < end; vpn += TABLE_PAGES) {
    if (mm.pmd(vpn) !== 0 && !mm.covers(vpn, vpn + TABLE_PAGES)) releaseTable(m, mm, vpn)
  }
}

export function munmap(m: Machine, mm: Mm, start: number, end: number): void {
  lruDrainAtZap(m)
  carve(m, mm, start, end)
  zapRange(m, mm, start, end, true)
  mm.remove(start, end)
  freeTables(m, mm, start, end)
  m.spent += m.cost.tlbFlush
}

/** exit_mmap(), for exit and exec; the process's pins go too. */
export function exitMm(m: Machine, mm: Mm): void {
  lruDrainAtZap(m)
  const end = mm.endOfTables()
  zapRange(m, mm, 0, end, true)
  mm.removeAll()
  freeTables(m, mm, 0, end)
  const { pins } = m.k
  if (pins.some((pin) => pin.mm === mm.id)) {
    for (const pin of pins.values()) if (pin.mm === mm.id) dropPin(m, pin)
  }
  lruDrainAtZap(m)
}
