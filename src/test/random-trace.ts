/**
 * Random valid traces for property tests: a list of numbers is read as operations on what exists at that moment, so
 * that any list is a valid trace and any shorter list is one too (which is what lets a failure shrink).
 */
import fc from 'fast-check'
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from '../trace/hpage.ts'
import {
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
  MAP_PRIVATE_ANON,
  MAP_PRIVATE_FILE,
  PIN_DMAPIN,
  PIN_IOURING,
  PIN_ODIRECT,
  PIN_ROPIN,
  PIN_VMSPLICE,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { type Trace, TraceWriter } from '../trace/trace.ts'

/** [operation, process, place, extent]: taken modulo what there is. */
export type Draw = readonly [number, number, number, number]

export interface Recipe {
  /** AREA_KINDS of the first process. */
  readonly areas: readonly number[]
  readonly draws: readonly Draw[]
}

interface Area {
  readonly start: number
  readonly pages: number
  /** Was only ever changed as a whole, so that it is one VMA: mremap refuses more until 6.17. */
  whole: boolean
}

interface Process {
  readonly id: number
  areas: Area[]
}

const RW = PROT_READ | PROT_WRITE

/** Pages and folio order of an area; the last one is a file. */
const AREA_KINDS = [
  { pages: 16, order: 0 },
  { pages: 32, order: 2 },
  { pages: 512, order: HPAGE_PMD_ORDER },
  { pages: 8, order: 0, file: true },
] as const

const ADVICE = [
  MADV_DONTNEED,
  MADV_FREE,
  MADV_PAGEOUT,
  MADV_COLLAPSE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_MERGEABLE,
  MADV_DONTFORK,
] as const
export const PINS = [PIN_VMSPLICE, PIN_IOURING, PIN_ODIRECT, PIN_DMAPIN, PIN_ROPIN] as const

/** Does the recipe map an area that folios of more than one page may fill? */
export function usesLargeFolios({ areas }: Recipe): boolean {
  return areas.some((kind) => (AREA_KINDS[kind]?.order ?? 0) > 0)
}

/** More live processes than this teach nothing new, and slow the reference down. */
const MOST_PROCESSES = 4

/** Recipes of up to `events` operations. */
export function recipes(events: number): fc.Arbitrary<Recipe> {
  const number = fc.nat({ max: 1 << 16 })
  const draw = fc.tuple(fc.nat({ max: WEIGHTED.length - 1 }), number, number, number)
  return fc.record({
    areas: fc.array(fc.nat({ max: AREA_KINDS.length - 1 }), { minLength: 1, maxLength: 2 }),
    draws: fc.array(draw, { minLength: 1, maxLength: events, size: 'max' }),
  })
}

/**
 * The trace that a recipe describes, without MADV_DONTNEED on request. Every process exits and every pin is dropped at
 * its end.
 */
export function traceOf({ areas, draws }: Recipe, keepsDontneed = true): Trace {
  const cook = new Cook(areas, keepsDontneed)
  for (const draw of draws) cook.step(draw)
  return cook.finish()
}

type Step = (cook: Cook, process: Process, place: number, extent: number) => void

const STEPS: readonly { readonly weight: number; readonly step: Step }[] = [
  { weight: 8, step: (c, p, place) => c.onPage(p, place, (vpn) => c.t.store(p.id, vpn)) },
  { weight: 5, step: (c, p, place) => c.onPage(p, place, (vpn) => c.t.load(p.id, vpn)) },
  {
    weight: 3,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) => {
        for (let i = 0; i < pages; i++) c.t.store(p.id, vpn + i)
      }),
  },
  { weight: 3, step: (c, p) => c.fork(p) },
  { weight: 2, step: (c, p) => c.exit(p) },
  { weight: 1, step: (c, p, place) => place % 4 === 0 && c.exec(p) },
  {
    weight: 2,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) =>
        c.t.mprotect(p.id, vpn, pages, place % 3 === 0 ? PROT_READ : RW),
      ),
  },
  {
    weight: 1,
    step: (c, p, place, extent) =>
      c.onArea(p, place, ({ start, pages }) => {
        c.t.mprotect(p.id, start, pages, PROT_READ)
        if (extent % 2 === 0) c.t.mprotect(p.id, start, pages, RW)
      }),
  },
  {
    weight: 4,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) =>
        c.madvise(p, vpn, pages, ADVICE[extent % ADVICE.length] ?? MADV_DONTNEED),
      ),
  },
  {
    weight: 2,
    step: (c, p, place) =>
      c.onArea(p, place, ({ start, pages }) => c.t.madvise(p.id, start, pages, MADV_COLLAPSE)),
  },
  { weight: 4, step: (c, p, place, extent) => c.pin(p, place, extent) },
  { weight: 3, step: (c, _p, place) => c.unpin(place) },
  { weight: 3, step: (c, _p, place, extent) => c.device(place, extent) },
  {
    weight: 3,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) => c.t.swapout(p.id, vpn, pages)),
  },
  {
    weight: 2,
    step: (c, p, place) =>
      c.onArea(p, place, ({ start, pages }) => c.t.swapout(p.id, start, pages)),
  },
  { weight: 1, step: (c) => c.t.drain() },
  {
    weight: 2,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) => c.t.uffdWp(p.id, vpn, pages, place % 2 === 0)),
  },
  { weight: 1, step: (c, p) => c.t.clearRefs(p.id, 4) },
  {
    weight: 1,
    step: (c, p, place, extent) =>
      c.onRange(p, place, extent, (vpn, pages) =>
        c.t.storeSame(
          p.id,
          Array.from({ length: Math.min(4, pages) }, (_, i) => vpn + i),
        ),
      ),
  },
  { weight: 1, step: (c) => c.t.ksmWait() },
  { weight: 2, step: (c, p, place) => c.onPage(p, place, (vpn) => c.t.poke(p.id, vpn)) },
  { weight: 1, step: (c, p, place, extent) => c.mremap(p, place, extent) },
  { weight: 1, step: (c, p, place, extent) => c.munmap(p, place, extent) },
]

/** Index of a step, as often as its weight says. */
const WEIGHTED: readonly number[] = STEPS.flatMap(({ weight }, i) =>
  new Array<number>(weight).fill(i),
)

interface Held {
  readonly id: number
  readonly owner: number
  readonly pages: number
  readonly writes: boolean
}

class Cook {
  readonly t = new TraceWriter()
  #processes: Process[]
  #pins: Held[] = []
  #nextRange = 0

  readonly #keepsDontneed: boolean

  constructor(kinds: readonly number[], keepsDontneed: boolean) {
    this.#keepsDontneed = keepsDontneed
    const id = this.t.spawn()
    const areas = kinds.map((kind) => this.#map(id, kind))
    this.#processes = [{ id, areas }]
  }

  step([operation, process, place, extent]: Draw): void {
    const chosen = this.#processes[process % Math.max(1, this.#processes.length)]
    if (chosen === undefined) return
    STEPS[WEIGHTED[operation] ?? 0]?.step(this, chosen, place, extent)
  }

  finish(): Trace {
    for (const process of [...this.#processes]) this.exit(process)
    return this.t.finish()
  }

  onArea(process: Process, place: number, visit: (area: Area) => void): void {
    const area = process.areas[place % Math.max(1, process.areas.length)]
    if (area !== undefined) visit(area)
  }

  onPage(process: Process, place: number, visit: (vpn: number) => void): void {
    this.onArea(process, place, ({ start, pages }) => visit(start + ((place >> 3) % pages)))
  }

  onRange(
    process: Process,
    place: number,
    extent: number,
    visit: (vpn: number, pages: number) => void,
  ): void {
    this.onArea(process, place, (area) => {
      const first = (place >> 3) % area.pages
      area.whole = false
      visit(area.start + first, 1 + ((extent >> 4) % (area.pages - first)))
    })
  }

  madvise(process: Process, vpn: number, pages: number, advice: number): void {
    if (advice === MADV_DONTNEED && !this.#keepsDontneed) return
    this.t.madvise(process.id, vpn, pages, advice)
  }

  fork(process: Process): void {
    if (this.#processes.length >= MOST_PROCESSES) return
    this.#processes.push({ id: this.t.fork(process.id), areas: [...process.areas] })
  }

  exit(process: Process): void {
    this.t.exit(process.id)
    this.#processes = this.#processes.filter((other) => other !== process)
    this.#pins = this.#pins.filter(({ owner }) => owner !== process.id)
  }

  exec(process: Process): void {
    this.t.exec(process.id)
    this.#pins = this.#pins.filter(({ owner }) => owner !== process.id)
    process.areas = [this.#map(process.id, 0)]
  }

  pin(process: Process, place: number, extent: number): void {
    this.onRange(process, place, extent, (vpn, pages) => {
      const some = Math.min(pages, 4)
      const kind = PINS[extent % PINS.length] ?? PIN_VMSPLICE
      const id = this.t.pin(process.id, vpn, some, kind)
      const writes = kind !== PIN_VMSPLICE && kind !== PIN_ROPIN
      this.#pins.push({ id, owner: process.id, pages: some, writes })
    })
  }

  unpin(place: number): void {
    const pin = this.#pins[place % Math.max(1, this.#pins.length)]
    if (pin === undefined) return
    this.t.unpin(pin.owner, pin.id)
    this.#pins = this.#pins.filter((other) => other !== pin)
  }

  device(place: number, extent: number): void {
    const pin = this.#pins[place % Math.max(1, this.#pins.length)]
    if (pin === undefined) return
    const index = (extent >> 1) % pin.pages
    if (extent % 2 === 0 || !pin.writes) this.t.devread(pin.owner, pin.id, index)
    else this.t.devwrite(pin.owner, pin.id, index)
  }

  mremap(process: Process, place: number, extent: number): void {
    this.onArea(process, place, (area) => {
      if (!area.whole) return
      const moved = extent % 2 === 0 ? area.pages : 1 + (extent % area.pages)
      const to = this.#range()
      this.t.mremap(process.id, area.start, moved, to)
      process.areas = process.areas.filter((other) => other !== area)
      process.areas.push({ start: to, pages: moved, whole: true })
      if (moved < area.pages) {
        const pages = area.pages - moved
        process.areas.push({ start: area.start + moved, pages, whole: true })
      }
    })
  }

  munmap(process: Process, place: number, extent: number): void {
    this.onArea(process, place, (area) => {
      const gone = 1 + (extent % area.pages)
      this.t.munmap(process.id, area.start + area.pages - gone, gone)
      process.areas = process.areas.filter((other) => other !== area)
      if (gone < area.pages) {
        process.areas.push({ start: area.start, pages: area.pages - gone, whole: area.whole })
      }
    })
  }

  #map(id: number, index: number): Area {
    const kind = AREA_KINDS[index] ?? AREA_KINDS[0]
    const start = this.#range()
    const file = 'file' in kind
    this.t.mmap(
      id,
      start,
      kind.pages,
      file ? MAP_PRIVATE_FILE : MAP_PRIVATE_ANON,
      RW,
      kind.order,
      1,
    )
    return { start, pages: kind.pages, whole: true }
  }

  /** A 2 MiB range that no process has used. */
  #range(): number {
    this.#nextRange += HPAGE_PMD_NR
    return this.#nextRange - HPAGE_PMD_NR
  }
}
