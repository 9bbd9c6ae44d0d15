/**
 * mappings: what each page of a process allows, for a generator of random operations that must all be valid.
 */
import { HPAGE_PMD_NR } from '../trace/hpage.ts'

/** Bits of a page, of which 0 is unmapped: it may be loaded from. */
export const PAGE_READ = 1
/** It may be stored to. */
export const PAGE_WRITE = 2
/** fork leaves it out. */
export const PAGE_DONTFORK = 4
/** Under userfaultfd write-protection, or has been. */
export const PAGE_UFFD_WP = 8

/** Pages one after the other. */
export interface Run {
  readonly vpn: number
  readonly pages: number
}

/** Bits of the pages 0 to n - 1. Areas are 2 MiB each, and no run reaches from one into the next. */
export class Mappings {
  readonly #bits: Uint8Array

  constructor(bits: Uint8Array) {
    this.#bits = bits
  }

  get length(): number {
    return this.#bits.length
  }

  /** Does the page have all bits of `has`? */
  has(vpn: number, has: number): boolean {
    return (this.#bits[vpn]! & has) === has
  }

  /** What a forked child starts with: DONTFORK areas are missing, userfaultfd registrations are not inherited. */
  forked(): Mappings {
    return new Mappings(this.#bits.map((bits) => (bits & PAGE_DONTFORK ? 0 : bits & ~PAGE_UFFD_WP)))
  }

  /** Gives the pages these bits and no others. */
  set({ vpn, pages }: Run, bits: number): void {
    this.#bits.fill(bits, vpn, vpn + pages)
  }

  /** Sets some bits of the pages, and clears others. */
  change({ vpn, pages }: Run, set: number, clear: number): void {
    for (let i = vpn; i < vpn + pages; i++) this.#bits[i] = (this.#bits[i]! & ~clear) | set
  }

  /** The pages are at `to` from now on. */
  move({ vpn, pages }: Run, to: number): void {
    this.#bits.copyWithin(to, vpn, vpn + pages)
    this.#bits.fill(0, vpn, vpn + pages)
  }

  /** The pages from `vpn` on, at most `most`, that have all bits of `has` and none of `not`. */
  run(vpn: number, has: number, not: number, most: number): Run {
    const end = Math.min(vpn + most, vpn - (vpn % HPAGE_PMD_NR) + HPAGE_PMD_NR)
    let next = vpn
    while (next < end && (this.#bits[next]! & (has | not)) === has) next++
    return { vpn, pages: next - vpn }
  }

  /** The mapped runs of the area at `vpn`. */
  mapped(vpn: number): Run[] {
    const runs = []
    for (let next = vpn; next < vpn + HPAGE_PMD_NR; next++) {
      const run = this.run(next, PAGE_READ, 0, HPAGE_PMD_NR)
      if (run.pages === 0) continue
      runs.push(run)
      next += run.pages
    }
    return runs
  }
}
