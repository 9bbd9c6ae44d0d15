/** scope: the processes, areas and pins that a litmus test has named so far, and where each lies. */
import { HPAGE_PMD_NR } from '../trace/hpage.ts'
import type { Operands } from './program.ts'

/** What an area's page was last told, as far as the names are concerned. */
const UNMAPPED = 0
const MAPPED = 1
const MAPPED_DONTFORK = 2

export interface Area {
  readonly name: string
  readonly vpn: number
  readonly folioOrder: number
  /** UNMAPPED, MAPPED or MAPPED_DONTFORK, page by page. */
  readonly state: Uint8Array
}

export interface Process {
  readonly id: number
  readonly name: string
  alive: boolean
  areas: Map<string, Area>
}

export interface Pin {
  readonly id: number
  readonly name: string
  readonly owner: Process
  readonly area: Area
  readonly first: number
  readonly pages: number
  /** PIN_* */
  readonly kind: number
  held: boolean
  /** Taken in steps: an `unpin` may come too early, which only the machine knows, and be said again. */
  inSteps: boolean
}

export class Scope {
  readonly processes = new Map<string, Process>()
  /** By name: the last pin of that name. */
  readonly pins = new Map<string, Pin>()
  /** By id. */
  readonly allPins: Pin[] = []
  /** By name: the operations that were begun. */
  readonly tasks = new Map<string, Operands>()
  #nextVpn = 0
  #nextObject = 0
  #nextContent = 1

  spawn(name: string): Process {
    const process = { id: this.processes.size, name, alive: true, areas: new Map() }
    this.processes.set(name, process)
    return process
  }

  /** Areas are inherited page for page, without what MADV_DONTFORK holds back. */
  fork(parent: Process, name: string): Process {
    const child = this.spawn(name)
    for (const area of parent.areas.values()) {
      const state = area.state.map((page) => (page === MAPPED ? MAPPED : UNMAPPED))
      child.areas.set(area.name, { ...area, state })
    }
    return child
  }

  exit(process: Process): void {
    this.exec(process)
    process.alive = false
  }

  exec(process: Process): void {
    process.areas = new Map()
    for (const pin of this.allPins) {
      if (pin.owner === process) pin.held = pin.inSteps = false
    }
  }

  /** A new area that starts a 2 MiB range of its own. */
  map(process: Process, name: string, pages: number, folioOrder: number): Area {
    const state = new Uint8Array(pages).fill(MAPPED)
    const area = { name, vpn: this.#nextVpn, folioOrder, state }
    this.#nextVpn += Math.ceil(pages / HPAGE_PMD_NR) * HPAGE_PMD_NR
    process.areas.set(name, area)
    return area
  }

  unmap(area: Area, first: number, pages: number): void {
    area.state.fill(UNMAPPED, first, first + pages)
  }

  dontfork(area: Area, first: number, pages: number): void {
    const range = area.state.subarray(first, first + pages)
    range.forEach((page, i) => {
      if (page === MAPPED) range[i] = MAPPED_DONTFORK
    })
  }

  pin(name: string, owner: Process, area: Area, first: number, pages: number, kind: number): Pin {
    const place = { owner, area, first, pages }
    const pin = { id: this.allPins.length, name, ...place, kind, held: true, inSteps: false }
    this.allPins.push(pin)
    this.pins.set(name, pin)
    return pin
  }

  /** May `name` be given to a new area? Its last pages may have gone, but a store to a hole is no new area. */
  isFree(process: Process, name: string): boolean {
    const area = process.areas.get(name)
    return area === undefined || area.state.every((page) => page === UNMAPPED)
  }

  newObject(): number {
    return this.#nextObject++
  }

  newContent(): number {
    return this.#nextContent++
  }
}
