/** markers: PTE markers, which keep userfaultfd's protection of file and shared pages that are not mapped (5.19 on). */
import { type Area, type Process, type Pte, TABLE_PAGES, type Table } from './nouns.ts'
import { pmdAt } from './space.ts'
import { tableAt } from './tables.ts'
import type { World } from './world.ts'

export function hasMarker(process: Process, vpn: number): boolean {
  return pmdAt(process, vpn)?.table?.markers.has(vpn % TABLE_PAGES) === true
}

/** Protects or clears what is not mapped of [start, end). */
export function markHoles(
  w: World,
  process: Process,
  start: number,
  end: number,
  on: boolean,
): void {
  for (let vpn = start; vpn < end; vpn++) {
    const table = on ? tableAt(w, process, vpn) : (pmdAt(process, vpn)?.table ?? null)
    const index = vpn % TABLE_PAGES
    if (on && table?.entries.has(index) === false) table.markers.add(index)
    if (!on) table?.markers.delete(index)
  }
}

/** Does an entry that is taken away leave a marker in its place? */
export function leavesMarker(area: Area | null, pte: Pte): boolean {
  return area !== null && area.kind !== 'anon' && area.uffdWp && pte.uffdWp
}

/** The markers of [first, last), which lie in this table. */
export function markersIn(table: Table, first: number, last: number): number[] {
  return [...table.markers].filter((index) => {
    return first % TABLE_PAGES <= index && index < (first % TABLE_PAGES) + last - first
  })
}
