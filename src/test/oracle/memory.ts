/**
 * memory: processes, frames and pins as results/README.md speaks of them: who maps which frame, who may see which
 * token, what a load should find. Nothing here is clever, so that the oracle can be held against it.
 */
import { HOLD_GET_RO, HOLD_GET_WRITE, HOLD_PIN_RO, HOLD_PIN_WRITE } from '../../trace/observed.ts'

export interface Frame {
  token: number
}

export interface Page {
  frame: Frame
  writable: boolean
}

export interface PinnedPage {
  readonly frame: Frame
  vpn: number
  unmapped: boolean
}

export interface Pin {
  readonly mm: number
  readonly hold: number
  readonly pages: readonly PinnedPage[]
  /** Has the owner forked since? */
  forked: boolean
}

export interface Process {
  /** What is there; a missing page reads zeroes. */
  readonly pages: Map<number, Page>
  /** What a load should find; missing: 0. */
  readonly logical: Map<number, number>
  /** What is there where a device's store should be; its promise was broken. */
  readonly astray: Map<number, number>
  readonly maySee: Set<number>
}

export class Memory {
  readonly processes = new Map<number, Process>()
  readonly pins = new Map<number, Pin>()

  spawn(mm: number): void {
    this.processes.set(mm, {
      pages: new Map(),
      logical: new Map(),
      astray: new Map(),
      maySee: new Set([0]),
    })
  }

  process(mm: number): Process {
    const process = this.processes.get(mm)
    if (process === undefined) throw new Error(`no process ${mm}`)
    return process
  }

  token(mm: number, vpn: number): number {
    return this.process(mm).pages.get(vpn)?.frame.token ?? 0
  }

  /** The sole user (results/README.md): nobody else maps the frame, nobody else holds a reference on it. */
  isSole(mm: number, vpn: number): boolean {
    const frame = this.process(mm).pages.get(vpn)?.frame
    if (frame === undefined) return true
    for (const [other, { pages }] of this.processes) {
      for (const [at, page] of pages) {
        if (page.frame === frame && !(other === mm && at === vpn)) return false
      }
    }
    for (const pin of this.pins.values()) {
      if (pin.mm !== mm && pin.pages.some((page) => page.frame === frame)) return false
    }
    return true
  }

  stored(mm: number, vpn: number, page: Page, token: number): void {
    const { logical, astray, maySee } = this.process(mm)
    page.frame.token = token
    logical.set(vpn, token)
    astray.delete(vpn)
    maySee.add(token)
  }

  /** The page is given up. */
  unmap(mm: number, vpn: number): void {
    const { pages, logical, astray } = this.process(mm)
    pages.delete(vpn)
    logical.delete(vpn)
    astray.delete(vpn)
    for (const page of this.#pinned(mm, vpn)) page.unmapped = true
  }

  move(mm: number, from: number, to: number): void {
    const { pages, logical, astray } = this.process(mm)
    moveEntry(pages, from, to)
    moveEntry(logical, from, to)
    moveEntry(astray, from, to)
    for (const page of this.#pinned(mm, from)) page.vpn = to
  }

  /** exec: the process starts anew. */
  clear(mm: number): void {
    const { pages, logical, astray } = this.process(mm)
    pages.clear()
    logical.clear()
    astray.clear()
    this.#dropPins(mm)
  }

  exit(mm: number): void {
    this.processes.delete(mm)
    this.#dropPins(mm)
  }

  promised(pin: Pin): boolean {
    if (pin.hold === HOLD_GET_RO) return false
    return pin.hold !== HOLD_GET_WRITE || !pin.forked
  }

  promisedAcrossFork(mm: number, vpn: number): boolean {
    const frame = this.process(mm).pages.get(vpn)?.frame
    for (const pin of this.pins.values()) {
      if (pin.mm !== mm || (pin.hold !== HOLD_PIN_RO && pin.hold !== HOLD_PIN_WRITE)) continue
      const here = pin.pages.filter((page) => page.vpn === vpn && !page.unmapped)
      if (here.some((page) => page.frame === frame)) return true
    }
    return false
  }

  pinnedFrames(): Set<Frame> {
    return new Set([...this.pins.values()].flatMap((pin) => pin.pages.map((page) => page.frame)))
  }

  #pinned(mm: number, vpn: number): PinnedPage[] {
    const own = [...this.pins.values()].filter((pin) => pin.mm === mm)
    return own.flatMap((pin) => pin.pages.filter((page) => page.vpn === vpn && !page.unmapped))
  }

  #dropPins(mm: number): void {
    for (const [id, pin] of this.pins) if (pin.mm === mm) this.pins.delete(id)
  }
}

function moveEntry<T>(map: Map<number, T>, from: number, to: number): void {
  const value = map.get(from)
  if (value !== undefined) map.set(to, value)
  map.delete(from)
}
