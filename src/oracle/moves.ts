/**
 * moves: where mremap took the pages. Relatives share a page that may have been moved in one of them, so that it has to
 * be looked for by its *home*, the address that it had before any move.
 */
import { cut, type Range, rangeAt } from './ranges.ts'

export class Moves {
  /** By process: moved ranges; `target` is the home of the first page. */
  readonly #ranges = new Map<number, readonly Range[]>()

  /** Was nothing ever moved, in any process that still exists? */
  get none(): boolean {
    return this.#ranges.size === 0
  }

  move(mm: number, vpn: number, pages: number, to: number): void {
    const { inside, outside } = cut(this.#ranges.get(mm) ?? [], vpn, pages)
    const moved: Range[] = []
    let at = vpn
    for (const range of inside.sort((a, b) => a.vpn - b.vpn)) {
      if (at < range.vpn) moved.push({ vpn: at, pages: range.vpn - at, target: at })
      moved.push(range)
      at = range.vpn + range.pages
    }
    if (at < vpn + pages) moved.push({ vpn: at, pages: vpn + pages - at, target: at })
    const arrived = moved.map((range) => ({ ...range, vpn: range.vpn + to - vpn }))
    this.#keep(mm, [...outside, ...arrived.filter((range) => range.vpn !== range.target)])
  }

  unmap(mm: number, vpn: number, pages: number): void {
    const ranges = this.#ranges.get(mm)
    if (ranges !== undefined) this.#keep(mm, cut(ranges, vpn, pages).outside)
  }

  fork(parent: number, child: number): void {
    const ranges = this.#ranges.get(parent)
    if (ranges !== undefined) this.#ranges.set(child, ranges)
  }

  drop(mm: number): void {
    this.#ranges.delete(mm)
  }

  home(mm: number, vpn: number): number {
    const range = rangeAt(this.#ranges.get(mm) ?? [], vpn)
    return range === undefined ? vpn : range.target + vpn - range.vpn
  }

  /** Every address at which the process may have the page of that home: more than one where the home was reused. */
  places(mm: number, home: number): number[] {
    const places = [home]
    for (const { vpn, pages, target } of this.#ranges.get(mm) ?? []) {
      if (home >= target && home < target + pages) places.push(vpn + home - target)
    }
    return places
  }

  #keep(mm: number, ranges: readonly Range[]): void {
    if (ranges.length === 0) this.#ranges.delete(mm)
    else this.#ranges.set(mm, ranges)
  }
}
