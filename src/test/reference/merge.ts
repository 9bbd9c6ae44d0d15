/** merge: KSM and MADV_COLLAPSE: the same content in fewer pages, or in one huge folio. */

import { handleFault } from './fault.ts'
import { extraReferences } from './frames.ts'
import { mapNewHuge, splitFolio } from './huge.ts'
import { type Area, type Page, type Pmd, type Process, TABLE_PAGES, type Table } from './nouns.ts'
import { mappedPage, pmdAt, pteAt } from './space.ts'
import { startsReading, swapIn } from './swap.ts'
import { privateTable } from './tables.ts'
import type { World } from './world.ts'

interface Candidate {
  readonly process: Process
  readonly vpn: number
  readonly page: Page
}

/** Lets KSM scan until nothing changes: equal pages of mergeable areas become one, which nobody may write. */
export function ksmWait(w: World): void {
  w.drain()
  const byContent = new Map<number, Candidate[]>()
  for (const candidate of candidates(w)) {
    const { token } = candidate.page
    byContent.set(token, [...(byContent.get(token) ?? []), candidate])
  }
  for (const group of byContent.values()) mergeGroup(w, group)
}

function candidates(w: World): Candidate[] {
  const found: Candidate[] = []
  for (const process of w.processes.values()) {
    for (const area of process.areas) {
      if (!area.mergeable || area.kind === 'shared') continue
      for (let vpn = area.start; vpn < area.end; vpn++) {
        const page = mappedPage(process, vpn)
        if (page?.folio.kind === 'anon') found.push({ process, vpn, page })
      }
    }
  }
  return found
}

/** max_page_sharing: so many places share one merged page, and not one more by merging. */
const MOST_SHARERS = 256

/**
 * Scans until a scan changes nothing. Each page joins the fullest merged page with room; else the first page of a scan waits
 * for a second one. A page that is shared already, by fork, is no second page to merge with.
 */
function mergeGroup(w: World, group: readonly Candidate[]): void {
  const sharers = new Map<Page, number>()
  for (const { page } of group) {
    if (page.folio.ksm) sharers.set(page, (sharers.get(page) ?? 0) + 1)
  }
  const joined = new Set(group.filter(({ page }) => page.folio.ksm))
  const places = [...group]
  let changed = true
  while (changed) {
    changed = false
    let waiting: Candidate | undefined
    for (const [i, candidate] of places.entries()) {
      const { process, vpn, page } = candidate
      if (joined.has(candidate) || isGone(candidate)) continue
      const [fullest] = [...sharers].filter(([, n]) => n < MOST_SHARERS).sort((a, b) => b[1] - a[1])
      const into = page.folio.ksm ? page : fullest?.[0]
      if (into) {
        if (into !== page && !canMerge(w, candidate)) continue
        joined.add(candidate)
        replaceBy(w, candidate, into)
        sharers.set(into, (sharers.get(into) ?? 0) + 1)
      } else if (!waiting) waiting = candidate
      // The next scan begins with another one.
      else if (isGone(waiting)) changed = true
      else if (waiting.page === page) continue
      else if (waiting.page.folio === page.folio) {
        // The waiting page is held meanwhile, so that its folio cannot be split; that is made up for, too late.
        if (splitFolio(w, page.folio)) changed = true
      } else if (canMerge(w, candidate)) {
        markKsm(w, candidate)
        if (canMerge(w, waiting)) {
          // try_to_merge_two_pages(): of the two, the one that the scan comes to later stays.
          replaceBy(w, waiting, page)
          joined.add(waiting)
          joined.add(candidate)
          sharers.set(page, 2)
          waiting = undefined
          changed = true
        } else {
          // That the waiting page is held is found out after this one has become a KSM page, which is then broken.
          breakPage(w, process, vpn, page)
          const copy = mappedPage(process, vpn)
          if (isGone(waiting) && copy !== null) {
            // It was not held: only the split of its folio came in between.
            places[i] = { process, vpn, page: copy }
            changed = true
          }
        }
      }
    }
  }
}

/** Splitting a huge folio may have put the zero page in the place of this one. */
function isGone({ process, vpn, page }: Candidate): boolean {
  return mappedPage(process, vpn) !== page
}

/** replace_page() makes the entry anew: neither soft-dirty nor write-protected by userfaultfd. */
function replaceBy(w: World, { process, vpn, page }: Candidate, kept: Page): void {
  const pmd = pmdAt(process, vpn)
  if (page === kept || pmd === null) return
  privateTable(w, pmd, 'merge')
  const old = pteAt(process, vpn)
  if (old === null || pmd.table === null) return
  w.clearPte(process, old)
  w.mapPage(process, pmd.table, vpn, kept)
}

/** write_protect_page() of the one place. Other mappers may only read anyhow, unless a policy went wrong. */
function markKsm(w: World, { process, vpn, page }: Candidate): void {
  const pmd = pmdAt(process, vpn)
  if (pmd !== null) privateTable(w, pmd, 'merge')
  page.folio.ksm = true
  page.exclusive = false
  // "Page reclaim just frees a clean page with no dirty ptes": a merged page is always dirty.
  page.folio.dirty = true
  const own = pteAt(process, vpn)
  for (const pte of page.mappers) {
    if (pte === own || pte.write) pte.dirty = false
    pte.write = false
  }
}

/** Gives the process pages of its own for those that KSM merged. */
export function breakKsm(w: World, process: Process, start: number, end: number): void {
  for (let vpn = start; vpn < end; vpn++) {
    const page = mappedPage(process, vpn)
    if (page?.folio.ksm) breakPage(w, process, vpn, page)
  }
}

/** A store's fault meets the reference that break_ksm() itself holds. */
function breakPage(w: World, process: Process, vpn: number, { folio }: Page): void {
  const write = w.era.storesToBreakKsm
  folio.speculative++
  handleFault(w, process, vpn, { write, unshare: !write, fromKernel: true })
  folio.speculative--
}

/** write_protect_page(): no reference beyond mappings, swapcache and the scanner's own. */
function canMerge(w: World, candidate: Candidate): boolean {
  const { folio } = candidate.page
  if (!splitFolio(w, folio) || isGone(candidate)) return false
  return extraReferences(candidate.page.folio) === 0
}

/** MADV_COLLAPSE: each whole 2 MiB of the range becomes one huge folio. The first area that fails ends the call. */
export function collapse(w: World, process: Process, start: number, end: number): 'ok' | 'error' {
  if (w.era.collapse === 'no') return 'error'
  const areas = process.areas.filter((area) => area.start < end && start < area.end)
  areas.sort((a, b) => a.start - b.start)
  for (const area of areas) {
    const [from, to] = [Math.max(start, area.start), Math.min(end, area.end)]
    if (!collapseArea(w, process, area, from, to)) return 'error'
  }
  return 'ok'
}

function collapseArea(w: World, process: Process, area: Area, start: number, end: number): boolean {
  const first = Math.ceil(start / TABLE_PAGES) * TABLE_PAGES
  const last = Math.floor(end / TABLE_PAGES) * TABLE_PAGES
  if (!area.anonVma || !mayHoldHuge(area) || last < first) return false
  w.drain()
  let done = true
  for (let vpn = first; vpn < last; vpn += TABLE_PAGES) {
    // No page table here (SCAN_PMD_NONE), or a hole that is userfaultfd's to fill (SCAN_EXCEED_NONE_PTE).
    const ends = pmdAt(process, vpn) === null || (area.uffdWp && meetsHole(process, vpn))
    if (!collapseRange(w, process, area, vpn)) {
      if (ends) return false
      done = false
    }
  }
  return done
}

/** Is a hole what the scan stops at, not a protected page before it? */
function meetsHole(process: Process, vpn: number): boolean {
  const table = pmdAt(process, vpn)?.table
  for (let index = 0; table && index < TABLE_PAGES; index++) {
    const pte = table.entries.get(index)
    if (pte?.uffdWp) return false
    if (pte === undefined || pte.page?.folio.kind === 'zero') return true
    if (pte.page && extraReferences(pte.page.folio) !== 0) return false
  }
  return false
}

function mayHoldHuge(area: Area): boolean {
  const first = Math.ceil(area.start / TABLE_PAGES) * TABLE_PAGES
  const fits = first + TABLE_PAGES <= area.end
  return area.kind === 'anon' && area.advice !== 'never' && fits
}

function collapseRange(w: World, process: Process, area: Area, vpn: number): boolean {
  const pmd = pmdAt(process, vpn)
  if (pmd === null) return false
  if (vpn + TABLE_PAGES > area.end) return false
  if (pmd.folio !== null) return true
  privateTable(w, pmd, 'merge')
  const { table } = pmd
  if (table === null || !mayCollapse(w, area, pmd)) return false
  for (const pte of [...table.entries.values()].sort((a, b) => a.index - b.index)) {
    if (pte.slot === null) continue
    if (startsReading(w, pte.slot)) return false
    swapIn(w, process, pte, false)
  }
  w.drain()
  if (!mayIsolate(table)) return false
  // The copies enter no count: they are made to win a huge page, not to resolve sharing.
  const folio = w.newAnon(9)
  for (const page of folio.pages) {
    const pte = table.entries.get(page.index)
    page.token = pte?.page?.token ?? 0
    if (pte !== undefined) w.clearPte(process, pte)
  }
  table.users.delete(pmd)
  mapNewHuge(w, pmd, folio, area)
  return true
}

/** What came back from swap may be held by a device that never gave it up. */
function mayIsolate(table: Table): boolean {
  const locked = new Set<Page>()
  for (const { page } of table.entries.values()) {
    // A KSM page that comes twice is locked the second time.
    if (page?.folio.ksm && locked.has(page)) return false
    if (page) locked.add(page)
    if (page !== null && page.folio.kind !== 'zero' && extraReferences(page.folio) !== 0)
      return false
  }
  return true
}

function mayCollapse(w: World, area: Area, pmd: Pmd): boolean {
  let writable = 0
  for (let index = 0; index < TABLE_PAGES; index++) {
    const pte = pmd.table?.entries.get(index)
    const page = pte?.page ?? null
    const hole = pte === undefined || page?.folio.kind === 'zero'
    if (hole && area.uffdWp) return false
    if (pte?.uffdWp) return false
    if (page === null || hole) continue
    if (page.folio.kind !== 'anon' || extraReferences(page.folio) !== 0) return false
    if (pte?.write) writable++
  }
  return writable > 0 || w.era.collapse === 'any'
}
