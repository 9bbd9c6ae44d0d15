/**
 * address-space: where a workload puts its areas, and walks over them.
 */
import { HPAGE_PMD_NR } from '../trace/hpage.ts'
import { PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import type { TraceWriter } from '../trace/trace.ts'

/** Protection of ordinary memory. */
export const PROT_RW = PROT_READ | PROT_WRITE

/** Hands out areas from page 0 upwards, each on a 2 MiB boundary, so that no page table serves two of them. */
export class AddressSpace {
  #end = 0

  /** First page number of a fresh area of `pages` pages. */
  area(pages: number): number {
    const vpn = this.#end
    this.#end += HPAGE_PMD_NR * Math.ceil(pages / HPAGE_PMD_NR)
    return vpn
  }
}

/** Stores to each of `pages` pages from `vpn` on, in order. */
export function storeAll(t: TraceWriter, mm: number, vpn: number, pages: number): void {
  for (let i = 0; i < pages; i++) t.store(mm, vpn + i)
}

/** Loads from each of `pages` pages from `vpn` on, in order. */
export function loadAll(t: TraceWriter, mm: number, vpn: number, pages: number): void {
  for (let i = 0; i < pages; i++) t.load(mm, vpn + i)
}
