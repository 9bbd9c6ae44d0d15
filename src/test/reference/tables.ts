/** tables: page tables shared at fork, and what each design does before an entry of a shared one is changed. */
import { copyMarks, copyPresentPte, copySwapPte } from './copy-pte.ts'
import { maybeDmaPinned } from './frames.ts'
import { type Area, type Pmd, type Process, type Pte, TABLE_PAGES, type Table } from './nouns.ts'
import { areaAt, pmdAt } from './space.ts'
import type { World } from './world.ts'

/** Who is about to change entries. The 2021 prototype knows of faults, and of areas that are cut, only. */
export type Change = 'fault' | 'gup' | 'unmapPart' | 'protect' | 'reclaim' | 'merge' | 'remap'

const BREAKS_UNACCOUNTED: readonly Change[] = ['fault', 'unmapPart', 'remap']

/** Gives `pmd` a table of its own, where its design breaks a shared one for this change. */
export function privateTable(w: World, pmd: Pmd, change: Change): void {
  const { table } = pmd
  if (table === null || pmd.write) return
  switch (w.rules.tables) {
    case 'copied':
      return
    case 'unaccounted':
      if (BREAKS_UNACCOUNTED.includes(change)) copyUnaccounted(w, pmd)
      return
    case 'owner':
      if (table.users.size === 1 && !table.gupExclusive) {
        takeOver(w, pmd)
        table.owner = null
      } else if (change === 'reclaim' && table.users.size > 1) {
        // Recorded: the walk gives up the first sharer's table without a copy, and its pages are lost.
        leaveTable(w, pmd)
        pmd.process.pmds.delete(pmd.number)
      } else {
        copyOwned(w, pmd)
      }
      return
    case 'accounted':
      if (table.users.size === 1) takeOver(w, pmd)
      else copyAccounted(w, pmd)
  }
}

/** The last sharer keeps the table: a decision like that about a page. */
function takeOver(w: World, pmd: Pmd): void {
  pmd.write = true
  w.tally.reuses++
}

/** May fork give the child this table of the parent? */
export function sharesTable(w: World, parent: Process, pmd: Pmd): boolean {
  const { table } = pmd
  if (table === null) return false
  const first = pmd.number * TABLE_PAGES
  const areas = parent.areas.filter((a) => a.start < first + TABLE_PAGES && first < a.end)
  const inherited = areas.every((area) => area.kind !== 'shared' && !area.dontFork)
  switch (w.rules.tables) {
    case 'copied':
      return false
    case 'unaccounted':
      return areas[0]?.kind === 'anon' && !areas[0].dontFork && coversTable(areas[0], first)
    case 'owner':
      // Recorded: also where userfaultfd watches the area.
      return inherited && !table.gupExclusive
    case 'accounted':
      // The child's entries could not lose their userfaultfd bits.
      if (areas.some((area) => area.uffdWp)) return false
      return inherited && ![...table.entries.values()].some((pte) => isPinnedExclusive(parent, pte))
  }
}

function coversTable(area: Area | undefined, first: number): boolean {
  return area !== undefined && area.start <= first && first + TABLE_PAGES <= area.end
}

function isPinnedExclusive(parent: Process, pte: Pte): boolean {
  return pte.page?.exclusive === true && parent.hasPinned && maybeDmaPinned(pte.page.folio)
}

/** Points the child at the parent's table; the entries are prepared only where sharers are accounted. */
export function shareTable(w: World, parent: Pmd, child: Pmd): void {
  const { table } = parent
  if (table === null) return
  w.tally.table_shares++
  if (w.rules.tables === 'accounted') {
    for (const pte of table.entries.values()) {
      pte.write = false
      pte.swapExclusive = false
      if (pte.page !== null) {
        pte.page.exclusive = false
        pte.page.folio.mmIds?.map(child.process.mm, 1)
      }
    }
  }
  if (w.rules.tables === 'owner') table.owner ??= parent
  w.setTable(child, table)
  parent.write = false
  child.write = false
}

/** Takes `pmd` off its table: the last one out gives up everything the table maps. */
export function leaveTable(w: World, pmd: Pmd): void {
  const { table } = pmd
  if (table === null) return
  table.users.delete(pmd)
  pmd.table = null
  if (table.owner === pmd) table.owner = null
  if (table.users.size === 0) {
    for (const pte of [...table.entries.values()]) w.clearPte(pmd.process, pte)
  } else if (table.accounted) {
    for (const pte of table.entries.values()) pte.page?.folio.mmIds?.unmap(pmd.process.mm, 1)
  }
}

/** On-demand-fork: present pages only, write-protected in the copy alone; swap entries are lost. */
function copyUnaccounted(w: World, pmd: Pmd): void {
  replaceTable(w, pmd, (pte, table) => {
    if (pte.page !== null) copyMarks(w.mapPage(pmd.process, table, pte.index, pte.page), pte)
  })
}

/** COW PTE v2: an ordinary copy_pte_range() from the shared table, so pages are accounted and protected only now. */
function copyOwned(w: World, pmd: Pmd): void {
  const { process } = pmd
  replaceTable(w, pmd, (pte, table) => {
    if (pte.page !== null) copyPresentPte(w, process, process, pte, table)
    else if (pte.slot !== null) copySwapPte(w, pte, table)
    keepsUffdWp(pmd, pte, table)
  })
}

/** Protection by userfaultfd stays where the process is registered. */
function keepsUffdWp(pmd: Pmd, pte: Pte, table: Table): void {
  const copy = table.entries.get(pte.index)
  if (copy === undefined) return
  copy.uffdWp =
    pte.uffdWp && areaAt(pmd.process, pmd.number * TABLE_PAGES + pte.index)?.uffdWp === true
  if (copy.uffdWp) copy.write = false
}

/** Accounted sharing: the same entries once more; the counts are right already. */
function copyAccounted(w: World, pmd: Pmd): void {
  replaceTable(w, pmd, (pte, table) => {
    if (pte.page !== null) copyMarks(w.mapPage(pmd.process, table, pte.index, pte.page), pte)
    else if (pte.slot !== null) copyMarks(w.mapSlot(table, pte.index, pte.slot), pte)
    keepsUffdWp(pmd, pte, table)
  })
}

function replaceTable(w: World, pmd: Pmd, copyEntry: (pte: Pte, table: Table) => void): void {
  const old = pmd.table
  if (old === null) return
  w.tally.table_copies++
  if (old.users.size === 1) w.tally.missed_reuses++
  const table = w.newTable()
  for (const pte of [...old.entries.values()]) copyEntry(pte, table)
  for (const index of old.markers) table.markers.add(index)
  leaveTable(w, pmd)
  w.setTable(pmd, table)
}

/** The page table of the process at `vpn`, made if there is none; null under a huge folio. */
export function tableAt(w: World, process: Process, vpn: number): Table | null {
  let pmd = pmdAt(process, vpn)
  if (pmd === null) {
    pmd = w.newPmd(process, vpn)
    w.setTable(pmd, w.newTable())
  }
  return pmd.table
}
