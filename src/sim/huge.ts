/**
 * do_huge_pmd_wp_page(): write faults on huge mappings.
 */
import { isCopy, REUSE_FREE_SWAP, SITE_WP_HUGE } from '../policy/api.ts'
import { HUGE_ORDER, HUGE_PAGES, PG_EXCLUSIVE, PG_ZERO } from '../state/frames.ts'
import { type Mm, userfaultfdPteWp, type Vma } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PMD_TABLE, PTE_WRITE, TABLE_SHIFT } from '../state/tables.ts'
import { MAP_SHARED } from '../trace/ops.ts'
import { dirtyFlags, fillHuge, installHuge, newAnonFolio } from './alloc.ts'
import { freeUnmapped } from './drop.ts'
import { mapHuge, mapPte, unmapHuge } from './folio.ts'
import { lruAdd } from './lru.ts'
import type { Machine } from './machine.ts'
import { pageIsReused, pageIsUnmapped } from './own-bits.ts'
import { setPmdFlags, splitHugePmd } from './split.ts'
import { tryToFreeSwap } from './swap-cache.ts'
import { userfaultWp } from './uffd.ts'
import { ask, copyOf } from './wp.ts'

/**
 * A store (or an unsharing pin) on a read-only huge mapping. Returns false if the mapping was
 * split: the fault goes on with the page-table entry.
 */
export function wpHugePmd(m: Machine, mm: Mm, vma: Vma, vpn: number, unshare: boolean): boolean {
  const pmd = mm.pmd(vpn)
  const head = pmd >>> PFN_SHIFT
  const start = vpn & -HUGE_PAGES
  if (!unshare && userfaultfdPteWp(vma, pmd)) {
    userfaultWp(m, mm, vma, vpn)
    return true
  }
  if (vma.kind === MAP_SHARED) {
    // Write-protected by clear_refs, or mapped under a registration for write protection: nobody is asked.
    m.counts.sharedReuses++
    setPmdFlags(m, mm, vpn, pmd | dirtyFlags(vma))
    return true
  }
  if (m.frames.has(head, PG_ZERO)) return wpHugeZero(m, mm, vma, vpn)
  const verdict = ask(m, m.policy.pmdReuse, head)
  if (!isCopy(verdict)) {
    if (m.decided(SITE_WP_HUGE, mm, start, HUGE_PAGES, verdict)) contest(m, head)
    m.spent += m.cost.reuse
    if (verdict === REUSE_FREE_SWAP) tryToFreeSwap(m, head)
    if (m.policy.tracksExclusive) m.frames.set(head, PG_EXCLUSIVE)
    pageIsReused(m, head)
    if (!unshare) setPmdFlags(m, mm, vpn, pmd | dirtyFlags(vma))
    return true
  }
  if (m.policy.copiesHuge && !unshare) {
    m.decided(SITE_WP_HUGE, mm, start, HUGE_PAGES, verdict)
    if (vma.hugeAdvice === 'huge') copyHuge(m, mm, vma, vpn, head)
    else copyAsPages(m, mm, vma, vpn, head)
    return true
  }
  m.judge.refusedHuge(mm.id, start, HUGE_PAGES, verdict)
  splitHugePmd(m, mm, vpn)
  return false
}

function contest(m: Machine, head: number): void {
  for (let pfn = head; pfn < head + HUGE_PAGES; pfn++) m.contested.add(pfn)
}

/** A store to the huge zero page, or unsharing it, gets a huge folio, or splits the mapping so that one page is filled. */
function wpHugeZero(m: Machine, mm: Mm, vma: Vma, vpn: number): boolean {
  const { hugeZeroStore } = m.era
  if (hugeZeroStore === 'thp' || (hugeZeroStore === 'advised' && vma.hugeAdvice === 'huge')) {
    fillHuge(m, mm, vma, vpn)
    return true
  }
  splitHugePmd(m, mm, vpn)
  return false
}

/** Until 5.7: the writer gets a huge folio of its own. */
function copyHuge(m: Machine, mm: Mm, vma: Vma, vpn: number, old: number): void {
  const { frames } = m
  m.spent += m.cost.copy2M
  const head = newAnonFolio(m, HUGE_ORDER)
  for (let i = 0; i < HUGE_PAGES; i++) frames.token[head + i] = frames.token[old + i]!
  mapHuge(frames, mm, head)
  installHuge(m, mm, vpn, (head << PFN_SHIFT) | dirtyFlags(vma) | PMD_HUGE)
  lruAdd(m, head)
  dropHuge(m, mm, old)
}

/** do_huge_pmd_wp_page_fallback(): where no huge page may be had (VM_NOHUGEPAGE), 512 small ones. */
function copyAsPages(m: Machine, mm: Mm, vma: Vma, vpn: number, old: number): void {
  const { frames, tables } = m
  m.spent += HUGE_PAGES * m.cost.copy4k
  const table = mm.tables[vpn >>> TABLE_SHIFT]!
  mm.setPmd(vpn, PMD_TABLE | PTE_WRITE, table)
  for (let i = 0; i < HUGE_PAGES; i++) {
    const pfn = copyOf(m, old + i)
    mapPte(frames, mm, pfn)
    tables.ptes[table + i] = (pfn << PFN_SHIFT) | dirtyFlags(vma)
    lruAdd(m, pfn)
  }
  dropHuge(m, mm, old)
}

function dropHuge(m: Machine, mm: Mm, head: number): void {
  unmapHuge(m.frames, mm, head)
  pageIsUnmapped(m, head)
  freeUnmapped(m, head)
}
