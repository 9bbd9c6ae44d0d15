/** spawn: empty processes and fresh areas. */
import type { AreaKind, Process } from './nouns.ts'
import type { World } from './world.ts'

export function spawn(w: World, id: number): Process {
  const process: Process = {
    id,
    parent: null,
    mm: w.newMm(),
    hasPinned: false,
    touched: false,
    areas: [],
    pmds: new Map(),
  }
  w.processes.set(id, process)
  return process
}

export interface NewArea {
  readonly start: number
  readonly end: number
  readonly kind: AreaKind
  readonly object: number
  readonly pgoff?: number
  readonly folioOrder: number
  readonly read: boolean
  readonly write: boolean
}

export function addArea(w: World, process: Process, area: NewArea): void {
  process.areas.push({
    ...area,
    folioOrder: area.folioOrder === 0 && area.kind === 'anon' ? 9 : area.folioOrder,
    pgoff: area.pgoff ?? 0,
    mapping: w.newMapping(),
    advice: area.folioOrder > 0 ? 'huge' : 'none',
    mergeable: false,
    dontFork: false,
    uffdWp: false,
    softDirtyTracked: false,
    anonVma: false,
    anonVmaOwn: 0,
    anonRoot: 0,
    forked: false,
    accounted: true,
  })
  process.areas.sort((a, b) => a.start - b.start)
}
