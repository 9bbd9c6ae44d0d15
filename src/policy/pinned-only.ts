/**
 * pinned-only: marks answers to forkCopies that are no wherever pageMaybeDmaPinned() is, as page_needs_cow_for_dma() is
 * in the kernel: fork, which sees what references a page has, then need not ask about the others.
 */
import type { Kernel } from '../state/kernel.ts'

type ForkCopies = (k: Kernel, pfn: number) => boolean

const MARKED = new WeakSet<ForkCopies>()

/** Marks this very function: who answers with another one, be it one that calls this, is asked about every page. */
export function pinnedOnly(forkCopies: ForkCopies): void {
  MARKED.add(forkCopies)
}

export function isPinnedOnly(forkCopies: ForkCopies): boolean {
  return MARKED.has(forkCopies)
}
