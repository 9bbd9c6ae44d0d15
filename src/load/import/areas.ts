/**
 * areas: which ranges of an address space are mapped, and as what; this file keeps them sorted and apart.
 *
 * All positions are page numbers of the recorded program, which need up to 45 bits.
 */
import { MAP_SHARED, PROT_WRITE } from '../../trace/ops.ts'

/** What may be done with a mapping. */
export interface Rights {
  /** PROT_NONE, PROT_READ, or PROT_READ | PROT_WRITE: what can be written can be read. */
  prot: number
  executable: boolean
}

export interface Area extends Rights {
  start: number
  /** One past the last page. */
  end: number
  /** MAP_PRIVATE_ANON, MAP_PRIVATE_FILE or MAP_SHARED. */
  readonly kind: number
  /** Was it ever private and writable (VM_ACCOUNT)? Like `executable`, this keeps neighbours two VMAs. */
  accounted: boolean
  /** The file or shared object, as the trace numbers it; 0 for private anonymous memory. */
  readonly object: number
  /** The page of the object at `start`. */
  pgoff: number
  /** Pages of a hugetlb pool, of which the simulator knows nothing. */
  readonly hugetlb: boolean
  /** May a fault just below extend it? */
  readonly growsDown: boolean
  /** Advice (MADV_*) that stays with the mapping, in the order it was given. */
  advice: readonly number[]
}

/** A new mapping; what is not said is as for anonymous memory. */
export function newArea(
  facts: Pick<Area, 'start' | 'end' | 'kind' | 'prot'> & Partial<Area>,
): Area {
  return {
    ...{ executable: false, accounted: isAccounted(facts.kind, facts.prot) },
    ...{ object: 0, pgoff: 0, hugetlb: false, growsDown: false, advice: [] },
    ...facts,
  }
}

export function isAccounted(kind: number, prot: number): boolean {
  return kind !== MAP_SHARED && (prot & PROT_WRITE) !== 0
}

export class Areas {
  #list: Area[]

  constructor(list: Area[] = []) {
    this.#list = list
  }

  /** The same ranges for another address space, without those that `keep` refuses. */
  clone(keep: (area: Area) => boolean): Areas {
    return new Areas(this.#list.filter(keep).map((area) => ({ ...area })))
  }

  get empty(): boolean {
    return this.#list.length === 0
  }

  find(page: number): Area | undefined {
    const area = this.#list[this.#firstEndingAfter(page)]
    return area && area.start <= page ? area : undefined
  }

  /** The first area that begins above `page`. */
  above(page: number): Area | undefined {
    const list = this.#list
    let i = this.#firstEndingAfter(page)
    while (i < list.length && list[i]!.start <= page) i++
    return list[i]
  }

  /** The areas that have a page in [start, end), uncut. */
  overlapping(start: number, end: number): Area[] {
    const first = this.#firstEndingAfter(start)
    return this.#list.slice(first, this.#firstStartingFrom(end, first))
  }

  /** The areas within [start, end), cut so that none reaches over either bound. */
  within(start: number, end: number): Area[] {
    this.#cut(start)
    this.#cut(end)
    return this.overlapping(start, end)
  }

  /** The unmapped ranges of [start, end). */
  gaps(start: number, end: number): [number, number][] {
    const gaps: [number, number][] = []
    let at = start
    for (let i = this.#firstEndingAfter(start); i < this.#list.length && at < end; i++) {
      const area = this.#list[i]!
      if (area.start >= end) break
      if (area.start > at) gaps.push([at, area.start])
      at = area.end
    }
    if (at < end) gaps.push([at, end])
    return gaps
  }

  /** Joins what `within` has cut in [start, end), where both sides are still alike. */
  join(start: number, end: number): void {
    const list = this.#list
    let kept = Math.max(0, this.#firstEndingAfter(start) - 1)
    let i = kept + 1
    for (; i < list.length && list[i]!.start <= end; i++) {
      const below = list[kept]!
      const area = list[i]!
      if (below.end === area.start && continues(below, area)) below.end = area.end
      else list[++kept] = area
    }
    list.splice(kept + 1, i - kept - 1)
  }

  /** Adds an area where nothing is mapped, as part of the one below it if the two are alike. */
  insert(area: Area): void {
    const i = this.#firstEndingAfter(area.start)
    const below = this.#list[i - 1]
    if (below && below.end === area.start && continues(below, area)) below.end = area.end
    else this.#list.splice(i, 0, area)
  }

  remove(start: number, end: number): Area[] {
    const removed = this.within(start, end)
    if (removed.length > 0) this.#list.splice(this.#list.indexOf(removed[0]!), removed.length)
    return removed
  }

  #cut(page: number): void {
    const i = this.#firstEndingAfter(page)
    const area = this.#list[i]
    if (!area || area.start >= page) return
    const upper = { ...area, start: page, pgoff: area.pgoff + (page - area.start) }
    area.end = page
    this.#list.splice(i + 1, 0, upper)
  }

  #firstEndingAfter(page: number): number {
    let low = 0
    let high = this.#list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#list[middle]!.end <= page) low = middle + 1
      else high = middle
    }
    return low
  }

  #firstStartingFrom(page: number, from: number): number {
    let i = from
    while (i < this.#list.length && this.#list[i]!.start < page) i++
    return i
  }
}

function continues(below: Area, area: Area): boolean {
  return (
    below.kind === area.kind &&
    below.prot === area.prot &&
    below.executable === area.executable &&
    below.accounted === area.accounted &&
    below.object === area.object &&
    (below.object === 0 || below.pgoff + (below.end - below.start) === area.pgoff) &&
    below.growsDown === area.growsDown &&
    below.hugetlb === area.hugetlb &&
    below.advice.join() === area.advice.join()
  )
}
