/**
 * address-space: the mappings of one recorded process; this file turns what changes them into events of the trace.
 *
 * The trace learns of a mapping when its 2 MiB region is first touched, part by part: a mapping without pages is of
 * no interest to COW, and a reservation of a terabyte would need page numbers for all of it. Positions are page
 * numbers of the recorded program.
 */
import {
  MADV_COLLAPSE,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_PAGEOUT,
  MAP_SHARED,
  PROT_WRITE,
} from '../../trace/ops.ts'
import { INSERTED_POPULATE } from '../../trace/recording.ts'
import { type Area, Areas, isAccounted, type Rights } from './areas.ts'
import type { ImportOutput } from './output.ts'
import {
  DISCARDABLE,
  HOLE,
  type Part,
  READ,
  REGION_PAGES,
  type Region,
  Regions,
  regionOf,
  STORED,
} from './regions.ts'

export class AddressSpace {
  /** The process id in the trace. */
  readonly mm: number
  readonly areas: Areas
  readonly regions: Regions
  /** Processes that run in it: more than one between vfork and exec. */
  users = 1
  /** The program break in bytes, once a call has shown it. */
  programBreak: number | undefined
  /** Was its first mapping recorded, or did it exist before the recording began? */
  readonly fromStart: boolean
  /** One past the stack page that exec wrote first, until the first store shows how far down it wrote. */
  argumentsEnd: number | undefined
  readonly #output: ImportOutput

  constructor(
    output: ImportOutput,
    mm: number,
    fromStart: boolean,
    areas = new Areas(),
    regions = new Regions(),
  ) {
    this.#output = output
    this.mm = mm
    this.fromStart = fromStart
    this.areas = areas
    this.regions = regions
  }

  fork(): AddressSpace {
    const areas = this.areas.clone((area) => !area.advice.includes(MADV_DONTFORK))
    const mm = this.#output.writer.fork(this.mm)
    const child = new AddressSpace(this.#output, mm, this.fromStart, areas, this.regions.fork())
    child.programBreak = this.programBreak
    child.argumentsEnd = this.argumentsEnd
    return child
  }

  /** Maps `area`, in place of whatever was there. */
  map(area: Area): void {
    this.unmap(area.start, area.end)
    this.areas.insert({ ...area })
    for (const part of this.regions.parts(area.start, area.end)) this.#announce(area, part)
  }

  unmap(start: number, end: number): void {
    for (const area of this.areas.remove(start, end)) {
      for (const { vpn, pages, region, index } of this.regions.parts(area.start, area.end)) {
        this.#output.writer.munmap(this.mm, vpn, pages)
        region.pages.fill(HOLE, index, index + pages)
      }
    }
  }

  protect(start: number, end: number, { prot, executable }: Rights): void {
    for (const area of this.areas.within(start, end)) {
      area.executable = executable
      area.accounted ||= isAccounted(area.kind, prot)
      if (area.prot === prot) continue
      area.prot = prot
      for (const { vpn, pages } of this.regions.parts(area.start, area.end)) {
        this.#output.writer.mprotect(this.mm, vpn, pages, prot)
      }
    }
    this.areas.join(start, end)
  }

  advise(start: number, end: number, advice: number): void {
    if (!PASSING_ADVICE.has(advice)) {
      for (const area of this.areas.within(start, end)) {
        area.advice = withAdvice(area.advice, advice)
      }
      this.areas.join(start, end)
    }
    for (const { vpn, pages, region, index } of this.#touchedParts(start, end)) {
      this.#output.writer.madvise(this.mm, vpn, pages, advice)
      for (let i = index; i < index + pages; i++) {
        region.pages[i] = adviced(advice, region.pages[i]!)
      }
    }
  }

  /** Fills the range without faults, as MAP_POPULATE does. */
  populate(start: number, end: number, write: boolean): void {
    for (const area of this.areas.overlapping(start, end)) {
      const stores = write && (area.prot & PROT_WRITE) !== 0
      const last = Math.min(end, area.end)
      for (let page = Math.max(start, area.start); page < last; page++) {
        const { base, pages } = this.touch(page)
        const i = page % REGION_PAGES
        if (pages[i] === STORED || (pages[i] !== HOLE && !stores)) continue
        this.#output.insert(this.mm, base + i, stores, INSERTED_POPULATE)
        pages[i] = stores && area.kind !== MAP_SHARED ? STORED : READ
      }
    }
  }

  /** Moves the mappings of `pages` pages at `start` to `to`, in place of whatever was there. */
  move(start: number, pages: number, to: number): void {
    this.unmap(to, to + pages)
    // Both ends keep within one region, so a part is cut where either crosses a boundary.
    const moving = this.areas.within(start, start + pages).map((area) => ({ ...area }))
    for (const area of moving) {
      for (let at = area.start; at < area.end; ) {
        const target = to + (at - start)
        const end = Math.min(area.end, at + roomInRegion(at), at + roomInRegion(target))
        this.#movePart(area, at, end, target)
        at = end
      }
    }
  }

  /** The region of a page, announced to the trace if this is its first touch. */
  touch(page: number): Region {
    const known = this.regions.get(page)
    if (known) return known
    const region = this.regions.touch(page)
    const start = regionOf(page) * REGION_PAGES
    const end = start + REGION_PAGES
    for (const part of this.#touchedParts(start, end)) this.#announce(part.area, part)
    return region
  }

  /** What of [start, end) is mapped in touched regions. */
  #touchedParts(start: number, end: number): (Part & { area: Area })[] {
    return this.areas.overlapping(start, end).flatMap((area) => {
      const parts = this.regions.parts(Math.max(start, area.start), Math.min(end, area.end))
      return parts.map((part) => ({ ...part, area }))
    })
  }

  #movePart(area: Area, start: number, end: number, to: number): void {
    const source = this.regions.get(start)
    // Announces what else lies in the target's region, before the moved part joins it.
    const target = source ? this.touch(to) : this.regions.get(to)
    this.areas.remove(start, end)
    const moved = {
      ...area,
      start: to,
      end: to + (end - start),
      pgoff: area.pgoff + (start - area.start),
    }
    this.areas.insert(moved)
    if (source && target) {
      const from = start % REGION_PAGES
      const vpn = target.base + (to % REGION_PAGES)
      this.#output.writer.mremap(this.mm, source.base + from, end - start, vpn)
      target.pages.set(source.pages.slice(from, from + (end - start)), to % REGION_PAGES)
      source.pages.fill(HOLE, from, from + (end - start))
    } else {
      for (const part of this.regions.parts(to, moved.end)) this.#announce(moved, part)
    }
  }

  #announce(area: Area, { from, vpn, pages }: Part): void {
    const { kind, prot, object } = area
    const pgoff = object === 0 ? 0 : area.pgoff + (from - area.start)
    this.#output.writer.mmap(this.mm, vpn, pages, kind, prot, 0, object, pgoff)
    for (const advice of area.advice) this.#output.writer.madvise(this.mm, vpn, pages, advice)
  }
}

/** Advice about the pages of the moment, which leaves nothing with the mapping. */
const PASSING_ADVICE: ReadonlySet<number> = new Set([
  MADV_DONTNEED,
  MADV_FREE,
  MADV_PAGEOUT,
  MADV_COLLAPSE,
])

function withAdvice(before: readonly number[], advice: number): number[] {
  const opposite =
    advice === MADV_HUGEPAGE ? MADV_NOHUGEPAGE : advice === MADV_NOHUGEPAGE ? MADV_HUGEPAGE : advice
  return [...before.filter((one) => one !== advice && one !== opposite), advice]
}

/** What is known of a page after advice on it. */
function adviced(advice: number, page: number): number {
  if (advice === MADV_DONTNEED) return HOLE
  if (advice === MADV_FREE || advice === MADV_PAGEOUT) return page === STORED ? DISCARDABLE : page
  return page
}

function roomInRegion(page: number): number {
  return REGION_PAGES - (page % REGION_PAGES)
}
