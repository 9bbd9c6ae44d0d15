/**
 * regions: the dense page numbers of a trace, and what the importer knows about each page; this file counts in 2 MiB
 * regions, what one page-table page covers.
 *
 * A region that is touched gets the next 512 page numbers, so that pages keep their place in it and huge pages and
 * page tables stay what they were. What is never touched gets none: programs reserve far more than they use.
 */
import { HPAGE_PMD_NR } from '../../trace/hpage.ts'

export const REGION_PAGES = HPAGE_PMD_NR

/** Nothing mapped. */
export const HOLE = 0
/** A page-cache page or the zero page, by a load. */
export const READ = 1
/** A READ page seen from a child: fork copies it or leaves it for a later fault, which no line tells. */
export const READ_BEFORE_FORK = 2
/** A private page, by a store. */
export const STORED = 3
/** A private page under MADV_FREE or MADV_PAGEOUT: the kernel may take it at any time. */
export const DISCARDABLE = 4

export interface Region {
  /** The page number in the trace of its first page. */
  readonly base: number
  /** One of the constants above for each page. */
  readonly pages: Uint8Array
}

/** Numbers regions in the order of their first touch; a family of forked address spaces shares one numbering. */
export class RegionNumbers {
  readonly #numbers = new Map<number, number>()

  base(region: number): number {
    let number = this.#numbers.get(region)
    if (number === undefined) {
      number = this.#numbers.size
      this.#numbers.set(region, number)
    }
    return number * REGION_PAGES
  }
}

/** The touched regions of one address space. */
export class Regions {
  readonly #numbers: RegionNumbers
  readonly #touched: Map<number, Region>

  constructor(numbers = new RegionNumbers(), touched = new Map<number, Region>()) {
    this.#numbers = numbers
    this.#touched = touched
  }

  fork(): Regions {
    const touched = new Map<number, Region>()
    for (const [number, { base, pages }] of this.#touched) {
      const copy = pages.map((page) => (page === READ ? READ_BEFORE_FORK : page))
      touched.set(number, { base, pages: copy })
    }
    return new Regions(this.#numbers, touched)
  }

  get(page: number): Region | undefined {
    return this.#touched.get(regionOf(page))
  }

  touch(page: number): Region {
    const number = regionOf(page)
    const region = { base: this.#numbers.base(number), pages: new Uint8Array(REGION_PAGES) }
    this.#touched.set(number, region)
    return region
  }

  /** The parts of [start, end) in touched regions, lowest first. */
  parts(start: number, end: number): Part[] {
    if (start >= end) return []
    const first = regionOf(start)
    const last = regionOf(end - 1)
    const parts: Part[] = []
    // A reservation may span more regions than were ever touched.
    const numbers =
      last - first < this.#touched.size
        ? Array.from({ length: last - first + 1 }, (_, i) => first + i)
        : [...this.#touched.keys()].filter((n) => n >= first && n <= last).sort((a, b) => a - b)
    for (const number of numbers) {
      const region = this.#touched.get(number)
      if (!region) continue
      const from = Math.max(start, number * REGION_PAGES)
      const to = Math.min(end, (number + 1) * REGION_PAGES)
      const index = from - number * REGION_PAGES
      parts.push({ region, from, index, vpn: region.base + index, pages: to - from })
    }
    return parts
  }
}

/** A range of pages within one region. */
export interface Part {
  readonly region: Region
  /** The first page, as the recorded program numbers it, in the region, and in the trace. */
  readonly from: number
  readonly index: number
  readonly vpn: number
  readonly pages: number
}

export function regionOf(page: number): number {
  return Math.floor(page / REGION_PAGES)
}
