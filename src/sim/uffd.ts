/**
 * userfaultfd write-protection, of anonymous and of shared memory, and the modelled manager that answers its events.
 */
import { HUGE_PAGES, PG_ANON } from '../state/frames.ts'
import type { Mm, Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_DIRTY,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_SWAP,
  PTE_TOK,
  PTE_UFFD_WP,
  PTE_WRITE,
} from '../state/tables.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, PROT_WRITE, UFFD_WP } from '../trace/ops.ts'
import { pteAlloc } from './alloc.ts'
import { FAILED, OK } from './answers.ts'
import type { Machine } from './machine.ts'
import { unshareForWalk } from './shared-tables.ts'
import { tracksSoftDirty } from './soft-dirty.ts'
import { setPmdFlags, splitHugePmd } from './split.ts'
import { forEachPmd } from './walk.ts'

/** A store met a write-protected page: the manager un-protects that one page, and the store tries again. */
export function userfaultWp(m: Machine, mm: Mm, vma: Vma, vpn: number): void {
  if (m.fromKernel) return
  m.spent += m.cost.uffdEvent
  m.counts.wpEvents++
  m.judge.uffdEvent(mm.id, vpn, UFFD_WP)
  resolveRange(m, mm, vma, vpn, vpn + 1)
}

/**
 * UFFDIO_WRITEPROTECT over [start, end), area by area until one is not registered; the first use that protects registers
 * the whole areas.
 */
export function uffdWriteProtect(
  m: Machine,
  mm: Mm,
  start: number,
  end: number,
  on: boolean,
): number {
  const found = mm.overlapping(start, end)
  if (!m.era.uffdWp || !found.every((vma) => mayWriteProtect(m, vma))) return FAILED
  if (on) for (const { area } of found) register(m, mm, area)
  // Registering may have joined some.
  const touched = mm.overlapping(start, end)
  const [first] = touched
  if (first === undefined) return FAILED
  if (!m.era.uffdWpAreas && (first.start > start || first.end < end)) return FAILED
  m.k.mm = mm
  m.spent += m.cost.tlbFlush
  for (const vma of touched) {
    if (!vma.uffdWp) return FAILED
    const from = Math.max(start, vma.start)
    const to = Math.min(end, vma.end)
    if (!on) resolveRange(m, mm, vma, from, to)
    else if (vma.kind === MAP_PRIVATE_ANON) protectRange(m, mm, from, to)
    else protectWithMarkers(m, mm, from, to)
  }
  return OK
}

/** UFFDIO_REGISTER of all that one mmap() call made. */
function register(m: Machine, mm: Mm, area: number): void {
  for (const vma of mm.vmas.filter((one) => one.area === area && !one.uffdWp)) {
    vma.uffdWp = true
    mm.merge(vma, m.era.mergesUntouched)
  }
}

/**
 * vma_can_userfault(): what is not anonymous needs PTE markers, which remember the protection of pages that are not
 * mapped. (Files are taken for ones of tmpfs; of others no area may be registered.)
 */
export function mayWriteProtect(m: Machine, vma: Vma): boolean {
  return m.era.uffdWp && (vma.kind === MAP_PRIVATE_ANON || m.era.uffdShmemWp)
}

/** Takes the protection of all areas in [start, end) away, as unregistering them does. */
export function unprotect(m: Machine, mm: Mm, start: number, end: number): void {
  for (const vma of mm.vmas) {
    if (!vma.uffdWp || vma.end <= start || vma.start >= end) continue
    resolveRange(m, mm, vma, Math.max(start, vma.start), Math.min(end, vma.end))
  }
}

/**
 * Of files and shared memory every page is protected, mapped or not: a PTE marker remembers it of a hole. There are no
 * write-protected huge mappings of them.
 */
function protectWithMarkers(m: Machine, mm: Mm, start: number, end: number): void {
  for (let vpn = start; vpn < end; vpn++) {
    splitHugePmd(m, mm, vpn)
    unshareForWalk(m, mm, vpn)
    const index = pteAlloc(m, mm, vpn)
    const pte = m.tables.ptes[index]!
    m.spent += m.cost.mprotectPerPte
    m.tables.ptes[index] = protectedEntry(pte)
  }
  m.judge.uffdWp(mm.id, start, end - start, true)
}

function protectedEntry(pte: number): number {
  return (pte & PTE_SWAP) !== 0 ? pte | PTE_UFFD_WP : (pte & ~(PTE_WRITE | PTE_TOK)) | PTE_UFFD_WP
}

function protectRange(m: Machine, mm: Mm, start: number, end: number): void {
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    if ((pmd & PMD_HUGE) !== 0) {
      if (stop - vpn === HUGE_PAGES) {
        setPmdFlags(m, mm, vpn, (pmd & ~PTE_WRITE) | PTE_UFFD_WP)
        m.judge.uffdWp(mm.id, vpn, HUGE_PAGES, true)
        return
      }
      splitHugePmd(m, mm, vpn)
    } else unshareForWalk(m, mm, vpn)
    const { ptes } = m.tables
    const first = mm.pteIndex(vpn)
    for (let i = first; i < first + stop - vpn; i++) {
      const pte = ptes[i]!
      if ((pte & (PTE_PRESENT | PTE_SWAP)) === 0) continue
      m.spent += m.cost.mprotectPerPte
      m.judge.uffdWp(mm.id, vpn + i - first, 1, true)
      ptes[i] = protectedEntry(pte)
    }
  })
}

/**
 * Clears the bit. Entries become what the area's default protection gives, which is read-only, also those that were
 * writable; since 6.12 exclusive ones are made writable at once. Shared memory was mapped writable until 6.1.
 */
function resolveRange(m: Machine, mm: Mm, vma: Vma, start: number, end: number): void {
  m.judge.uffdWp(mm.id, start, end - start, false)
  forEachPmd(start, end, (vpn, stop) => {
    const pmd = mm.pmd(vpn)
    if (pmd === 0) return
    if ((pmd & PMD_HUGE) !== 0) {
      if (stop - vpn === HUGE_PAGES) {
        resolveHuge(m, mm, vma, vpn, pmd)
        return
      }
      splitHugePmd(m, mm, vpn)
    } else unshareForWalk(m, mm, vpn)
    const first = mm.pteIndex(vpn)
    for (let i = first; i < first + stop - vpn; i++) resolvePte(m, vma, i)
  })
}

function resolveHuge(m: Machine, mm: Mm, vma: Vma, vpn: number, pmd: number): void {
  const head = pmd >>> PFN_SHIFT
  const upgrade =
    resolvesByFlags(m, vma) ||
    (resolvesManually(m, vma, pmd, head) &&
      m.policy.upgradesPmd(m.k, head, (pmd & PTE_DIRTY) !== 0))
  setPmdFlags(m, mm, vpn, (pmd & ~(PTE_UFFD_WP | PTE_WRITE)) | (upgrade ? PTE_WRITE : 0))
}

function resolvePte(m: Machine, vma: Vma, index: number): void {
  const { ptes } = m.tables
  const pte = ptes[index]!
  if ((pte & PTE_SWAP) !== 0) {
    ptes[index] = pte & ~PTE_UFFD_WP
    return
  }
  if ((pte & PTE_PRESENT) === 0) {
    // At most a marker.
    ptes[index] = 0
    return
  }
  m.spent += m.cost.mprotectPerPte
  const pfn = pte >>> PFN_SHIFT
  const upgrade =
    resolvesByFlags(m, vma) ||
    (resolvesManually(m, vma, pte, pfn) && m.policy.upgradesPte(m.k, pfn, (pte & PTE_DIRTY) !== 0))
  ptes[index] = (pte & ~(PTE_UFFD_WP | PTE_WRITE | PTE_TOK)) | (upgrade ? PTE_WRITE : 0)
}

function resolvesByFlags(m: Machine, vma: Vma): boolean {
  return m.era.uffdResolveByFlags && vma.kind === MAP_SHARED && (vma.prot & PROT_WRITE) !== 0
}

/** Is the policy asked? Never of shared memory: vma_wants_manual_pte_write_upgrade() takes read-only for its choice. */
function resolvesManually(m: Machine, vma: Vma, entry: number, pfn: number): boolean {
  if (!m.policy.wpResolveWritable || vma.kind === MAP_SHARED) return false
  return mayUpgrade(m, vma, entry) && m.frames.has(pfn, PG_ANON)
}

/** can_change_pte_writable(), the part that is no question to a policy: may the entry be writable at all? */
export function mayUpgrade(m: Machine, vma: Vma, entry: number): boolean {
  if ((vma.prot & PROT_WRITE) === 0) return false
  return !tracksSoftDirty(m, vma) || (entry & PTE_SOFT_DIRTY) !== 0
}
