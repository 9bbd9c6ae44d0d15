/**
 * Bits that a policy keeps itself, so that the next PG_anon_exclusive needs no change of the mechanism: how wide they
 * are, and what they are after each thing that can happen to a page or a process.
 *
 * A policy does not set bits, it answers what they are from now on; `bits` is what they were. Answers stay below
 * 2 ** width. A page's bits follow its bytes: into swap and back, to another frame in a migration. Of a huge mapping
 * there is one set, asked for with the folio's head; when the mapping is split each page gets it. A page that is copied
 * starts afresh, a frame that is freed forgets. Whatever is left out keeps the bits as they are.
 */

import { refuseUnknown } from '../params/declared.ts'
import type { Kernel } from '../state/kernel.ts'

/** Bits after something that happened to a page. */
type PageMoment = (k: Kernel, pfn: number, bits: number) => number

/** Bits of every page: how many, and what they are after each thing that happens to it. */
export interface PageBits {
  /** Number of bits, 1 to 30. */
  readonly width: number
  /** One set for all pages of a large folio, as most page flags are kept, instead of one for each page. Default: no. */
  readonly perFolio: boolean
  /** A new anonymous page: filled by a fault or a collapse, or a copy (wp_page_copy, copy_present_page). Default: 0. */
  readonly fresh: (k: Kernel, pfn: number) => number
  /** wp_page_reuse(): a store took the page over, or a pin that unshares did. */
  readonly reused: PageMoment
  /** fork mapped the page for the child too. (Asked after forkCopies, which may have spared it.) */
  readonly shared: PageMoment
  /** get_user_pages() took a reference: FOLL_PIN, or FOLL_GET. Also a store by FOLL_FORCE, once it is done. */
  readonly taken: (k: Kernel, pfn: number, bits: number, follPin: boolean) => number
  /** Such a reference is given back. */
  readonly released: (k: Kernel, pfn: number, bits: number, follPin: boolean) => number
  /** try_to_unmap_one(): one of the entries that show the page became a swap entry. */
  readonly swappedOut: PageMoment
  /** The page was freed meanwhile and is read from its slot into another frame; `bits` went out with it. */
  readonly readIn: PageMoment
  /** do_swap_page(): an entry shows the page again. `sole`: swapinReuse was asked, and allowed to write in place. */
  readonly swappedIn: (k: Kernel, pfn: number, bits: number, sole: boolean) => number
  /** copy_nonpresent_pte(): fork gave the child a swap entry for the page too. */
  readonly swapShared: (k: Kernel, bits: number) => number
  /** KSM made the page stand for one more page with the same bytes. */
  readonly merged: PageMoment
  /** An entry that showed the page is gone (munmap, exit, MADV_DONTNEED), or shows a copy now. */
  readonly unmapped: PageMoment
}

/** The same of every process. */
export interface MmBits {
  /** Number of bits, 1 to 30. */
  readonly width: number
  /** What a child begins with, from what its parent has. Default: 0. */
  readonly child: (k: Kernel, bits: number) => number
  /** What the parent has after fork. */
  readonly forked: (k: Kernel, bits: number) => number
  /** get_user_pages() begins, whatever comes of it. (exec starts over with 0.) */
  readonly takes: (k: Kernel, bits: number, follPin: boolean) => number
}

/** `width`, and what else is not as by default. */
export type GivenPageBits = Partial<PageBits> & Pick<PageBits, 'width'>
/** `width`, and what else is not as by default. */
export type GivenMmBits = Partial<MmBits> & Pick<MmBits, 'width'>

const zero = (): number => 0
const keptOfPage = (_k: Kernel, _pfn: number, bits: number): number => bits
const kept = (_k: Kernel, bits: number): number => bits

export function wholePageBits(given: GivenPageBits | null): PageBits | null {
  if (given === null) return null
  const whole = Object.freeze({
    width: given.width,
    perFolio: given.perFolio ?? false,
    fresh: given.fresh ?? zero,
    reused: given.reused ?? keptOfPage,
    shared: given.shared ?? keptOfPage,
    taken: given.taken ?? keptOfPage,
    released: given.released ?? keptOfPage,
    swappedOut: given.swappedOut ?? keptOfPage,
    readIn: given.readIn ?? keptOfPage,
    swappedIn: given.swappedIn ?? keptOfPage,
    swapShared: given.swapShared ?? kept,
    merged: given.merged ?? keptOfPage,
    unmapped: given.unmapped ?? keptOfPage,
  })
  return checked('pageBits', given, whole)
}

export function wholeMmBits(given: GivenMmBits | null): MmBits | null {
  if (given === null) return null
  const whole = Object.freeze({
    width: given.width,
    child: given.child ?? zero,
    forked: given.forked ?? kept,
    takes: given.takes ?? kept,
  })
  return checked('mmBits', given, whole)
}

/** What the columns hold is a 32-bit integer that is never negative. */
const WIDEST = 30
/** What is no function. */
const KINDS: Readonly<Record<string, string>> = { width: 'number', perFolio: 'boolean' }

function checked<B extends { readonly width: number }>(name: string, given: object, whole: B): B {
  refuseUnknown(`hook of ${name}`, Object.keys(given), Object.keys(whole))
  const { width } = whole
  if (!Number.isInteger(width) || width < 1 || width > WIDEST) {
    throw new RangeError(`invalid width of ${name}: ${width}; expected 1 to ${WIDEST} bits`)
  }
  for (const [moment, hook] of Object.entries(whole)) {
    const expected = KINDS[moment] ?? 'function'
    if (typeof hook !== expected) {
      throw new RangeError(
        `invalid hook: ${name}.${moment} is ${typeof hook}; expected: ${expected}`,
      )
    }
  }
  return whole
}
