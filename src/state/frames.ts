/**
 * Frames: what the kernel knows of each 4 KiB page frame and of the folio it belongs to, as columns.
 *
 * A column that a plain order-0 page never touches costs no memory: fresh typed arrays are zero pages of the
 * operating system. Frame 0 is never handed out, so that 0 can mean "none"; frames 1 and 512..1023 are the zero page
 * and the huge zero page.
 */
import { HUGE_ORDER } from '../geometry.ts'

/** Low bits of `word`: how many page-table entries map this very page (for a large folio: PTEs only, not PMDs). */
export const MAPCOUNT = 0x3ffff
export const PG_ANON = 1 << 18
/** PG_anon_exclusive: is the page exclusive to the process that maps it, and writable without further checks? */
export const PG_EXCLUSIVE = 1 << 19
export const PG_SWAPCACHE = 1 << 20
/** In this CPU's lru_add batch, which holds a reference: PageLRU is still false. */
export const PG_LRU_BATCH = 1 << 21
/** In the batch that MADV_FREE fills, which holds a reference: PageLRU is true. */
export const PG_LAZYFREE_BATCH = 1 << 22
export const PG_KSM = 1 << 23
/** Part of a folio of order 1 or more. */
export const PG_LARGE = 1 << 24
export const PG_DIRTY = 1 << 25
/** MADV_FREE took PG_swapbacked away: reclaim may drop the page while it is clean. */
export const PG_LAZYFREE = 1 << 26
/** Nick Piggin's PG_dontcow (2009): get_user_pages has touched this page. */
export const PG_DONTCOW = 1 << 27
/** Page cache or shmem: the object holds a reference. */
export const PG_CACHE = 1 << 28
/** The device is writing the page out; it stays in the swapcache until that is done. */
export const PG_WRITEBACK = 1 << 30
/** The zero page and the huge zero page: never counted, never freed. */
export const PG_ZERO = 1 << 29
/** Somebody holds a reference: known of all pages for as long as fork copies a page table, and of none at other times. */
export const PG_MARKED: number = 1 << 31

/** What keeps a page in memory besides its mappings and its pins. */
export const HELD = PG_SWAPCACHE | PG_LRU_BATCH | PG_LAZYFREE_BATCH | PG_CACHE | PG_ZERO

export const ZERO_PFN = 1
export const HUGE_ZERO_PFN = 512
/** The first frame that is ever handed out. */
export const FIRST_PFN = 1024

export { HUGE_ORDER }
export const HUGE_PAGES: number = 1 << HUGE_ORDER
/** GUP_PIN_COUNTING_BIAS: what one FOLL_PIN adds to the reference count of an order-0 folio. */
export const GUP_PIN_COUNTING_BIAS = 1024
/** A page-table entry holds a 24-bit frame number: 64 GiB. */
const MAX_FRAMES = 1 << 24
/** Room that is made ahead of use, for 16 GiB: mappings may be far larger than what is ever touched of them. */
export const MAX_RESERVED = 1 << 22

export class Frames {
  /** Mapcount and PG_* flags. */
  word: Int32Array
  /** Which bytes the page holds (a token of the oracle's; 0 = zeroes). */
  token: Int32Array
  /** References by FOLL_GET, isolation and speculation. Of a large folio: at its head, for all of it. */
  refs: Int32Array
  /** FOLL_PIN count. Of a large folio: at its head, for all of it. */
  pins: Int32Array
  /** Swap slot of a swapcache page. */
  slot: Int32Array
  /** Order of the folio that the frame belongs to. */
  order: Uint8Array
  // Large folios, at the head frame:
  /** PMD mappings. */
  entire: Int32Array
  /** All mappings: each PTE counts one, each PMD counts one. */
  largeMapcount: Int32Array
  /** MM owner tracking (6.15): two owners with how many of the mappings are theirs, and the SHARED bit. */
  mm0: Int32Array
  mm0Maps: Int32Array
  mm1: Int32Array
  mm1Maps: Int32Array
  mmShared: Uint8Array

  /** Sum of all `refs` and `pins`. While it is 0 nobody looks there, which spares two cache misses for each page. */
  held = 0
  /** Frames in use, and the most that ever were. */
  used = 0
  peak = 0
  #next = FIRST_PFN
  #capacity: number
  /** Free frames, the last one freed last: of order 0, and heads by higher order. */
  #free: Int32Array
  #freeCount = 0
  readonly #freeFolios: number[][] = Array.from({ length: HUGE_ORDER + 1 }, () => [])

  constructor(expected = 4096) {
    const capacity = Math.min(MAX_FRAMES, FIRST_PFN + Math.max(1024, expected))
    this.#capacity = capacity
    this.word = new Int32Array(capacity)
    this.token = new Int32Array(capacity)
    this.refs = new Int32Array(capacity)
    this.pins = new Int32Array(capacity)
    this.slot = new Int32Array(capacity)
    this.order = new Uint8Array(capacity)
    this.entire = new Int32Array(capacity)
    this.largeMapcount = new Int32Array(capacity)
    this.mm0 = new Int32Array(capacity)
    this.mm0Maps = new Int32Array(capacity)
    this.mm1 = new Int32Array(capacity)
    this.mm1Maps = new Int32Array(capacity)
    this.mmShared = new Uint8Array(capacity)
    this.#free = new Int32Array(capacity)
    this.word[ZERO_PFN] = PG_ZERO
    for (let i = 0; i < HUGE_PAGES; i++) this.word[HUGE_ZERO_PFN + i] = PG_ZERO
  }

  /** Forgets every frame; those below `end`, FIRST_PFN or more, count as handed out and hold nothing. */
  restart(end: number): void {
    const { word, token, refs, pins, slot, order } = this
    const { entire, largeMapcount, mm0, mm0Maps, mm1, mm1Maps, mmShared } = this
    for (let pfn = FIRST_PFN; pfn < this.#next; pfn++) {
      // What only large folios have was given back with them.
      const large = (word[pfn]! & PG_LARGE) !== 0
      word[pfn] = 0
      token[pfn] = 0
      refs[pfn] = 0
      pins[pfn] = 0
      slot[pfn] = 0
      order[pfn] = 0
      if (!large) continue
      entire[pfn] = 0
      largeMapcount[pfn] = 0
      mm0[pfn] = 0
      mm0Maps[pfn] = 0
      mm1[pfn] = 0
      mm1Maps[pfn] = 0
      mmShared[pfn] = 0
    }
    this.#freeCount = 0
    for (const free of this.#freeFolios) while (free.length > 0) free.pop()
    this.held = 0
    if (end > this.#capacity) this.#grow(end)
    this.#next = end
    this.used = end - FIRST_PFN
    this.peak = this.used
  }

  /** One past the highest frame ever handed out. */
  get end(): number {
    return this.#next
  }

  /** Frames of order 0 that can be handed out before the columns grow. */
  get room(): number {
    return this.#capacity - this.#next + this.#freeCount
  }

  /** A frame with no flags, no counts and token 0. */
  alloc(): number {
    if (++this.used > this.peak) this.peak = this.used
    if (this.#freeCount === 0) return this.#bump(1)
    return this.#free[--this.#freeCount]!
  }

  /** Head of a fresh, naturally aligned folio of 1 << order frames (order 1 to 9). */
  allocFolio(order: number): number {
    const pages = 1 << order
    const head = this.#freeFolios[order]!.pop() ?? this.#bump(pages)
    for (let pfn = head; pfn < head + pages; pfn++) {
      this.order[pfn] = order
      this.word[pfn] = PG_LARGE
    }
    this.used += pages
    if (this.used > this.peak) this.peak = this.used
    return head
  }

  head(pfn: number): number {
    // The word is at hand nearly always; the order would be one more place in memory.
    return (this.word[pfn]! & PG_LARGE) === 0 ? pfn : pfn & -(1 << this.order[pfn]!)
  }

  mapcount(pfn: number): number {
    return this.word[pfn]! & MAPCOUNT
  }

  has(pfn: number, flag: number): boolean {
    return (this.word[pfn]! & flag) !== 0
  }

  set(pfn: number, flags: number): void {
    this.word[pfn]! |= flags
  }

  clear(pfn: number, flags: number): void {
    this.word[pfn]! &= ~flags
  }

  /** Pages of the folio that `pfn` belongs to. */
  pages(pfn: number): number {
    return 1 << this.order[pfn]!
  }

  /** One more reference by FOLL_GET, isolation or speculation, on the folio at `head`. */
  hold(head: number): void {
    this.refs[head]!++
    this.held++
  }

  unhold(head: number): void {
    this.refs[head]!--
    this.held--
  }

  /** One more FOLL_PIN on the folio at `head`. */
  pin(head: number): void {
    this.pins[head]!++
    this.held++
  }

  unpin(head: number): void {
    this.pins[head]!--
    this.held--
  }

  /** page_count() of the folio: every mapping, the caches and batches, FOLL_GETs, and FOLL_PINs at their weight. */
  pageCount(pfn: number): number {
    const word = this.word[pfn]!
    if ((word & PG_LARGE) !== 0) return this.#largeCount(this.head(pfn))
    const count = (word & MAPCOUNT) + heldReferences(word)
    if (this.held === 0) return count
    return count + this.refs[pfn]! + GUP_PIN_COUNTING_BIAS * this.pins[pfn]!
  }

  #largeCount(head: number): number {
    const word = this.word[head]!
    // Each page of the folio has its place in the swapcache, or in the page cache.
    const cached = (word & (PG_SWAPCACHE | PG_CACHE)) !== 0 ? 1 << this.order[head]! : 0
    return (
      this.largeMapcount[head]! +
      cached +
      heldReferences(word & ~(PG_SWAPCACHE | PG_CACHE)) +
      this.refs[head]! +
      this.pins[head]!
    )
  }

  /** Frees the folio of `pfn` if nothing refers to it any more. Returns whether it did. */
  freeIfUnused(pfn: number): boolean {
    const word = this.word[pfn]!
    if ((word & PG_LARGE) !== 0) return this.#freeLargeIfUnused(this.head(pfn))
    if ((word & (MAPCOUNT | HELD)) !== 0) return false
    if (this.held !== 0 && (this.refs[pfn] !== 0 || this.pins[pfn] !== 0)) return false
    this.release(pfn)
    return true
  }

  /** Frees a frame of order 0 that nothing refers to any more. */
  release(pfn: number): void {
    this.word[pfn] = 0
    this.token[pfn] = 0
    this.#free[this.#freeCount++] = pfn
    this.used--
  }

  /** The same of the first `count` of these frames, whose flags are empty already. */
  releaseAll(pfns: Int32Array, count: number): void {
    const { token } = this
    const free = this.#free
    let freeCount = this.#freeCount
    for (let i = 0; i < count; i++) {
      const pfn = pfns[i]!
      token[pfn] = 0
      free[freeCount++] = pfn
    }
    this.#freeCount = freeCount
    this.used -= count
  }

  #freeLargeIfUnused(head: number): boolean {
    if (this.#largeCount(head) !== 0) return false
    const order = this.order[head]!
    const end = head + (1 << order)
    for (let pfn = head; pfn < end; pfn++) {
      this.word[pfn] = 0
      this.token[pfn] = 0
      this.order[pfn] = 0
    }
    this.#resetOwners(head)
    // Below a table that nobody accounts a page may be dropped once too often: its count borrows from the flags.
    if (order === 0) this.#free[this.#freeCount++] = head
    else this.#freeFolios[order]!.push(head)
    this.used -= 1 << order
    return true
  }

  /**
   * Turns a large folio into order-0 folios; mappings, flags and tokens stay with each page. Pages that nothing refers
   * to are freed. The caller has made sure that no reference and no PMD mapping is left.
   */
  splitFolio(head: number): void {
    const end = head + this.pages(head)
    this.#resetOwners(head)
    this.largeMapcount[head] = 0
    const inherited = this.word[head]! & (PG_LAZYFREE | PG_DIRTY | PG_DONTCOW | PG_SWAPCACHE)
    for (let pfn = head; pfn < end; pfn++) {
      this.order[pfn] = 0
      this.word[pfn] = (this.word[pfn]! & ~PG_LARGE) | inherited
    }
    for (let pfn = head; pfn < end; pfn++) this.freeIfUnused(pfn)
  }

  #resetOwners(head: number): void {
    this.mm0[head] = 0
    this.mm0Maps[head] = 0
    this.mm1[head] = 0
    this.mm1Maps[head] = 0
    this.mmShared[head] = 0
  }

  /** Takes `pages` (a power of two) never used frames, naturally aligned; what alignment skips becomes order-0 frames. */
  #bump(pages: number): number {
    const start = (this.#next + pages - 1) & -pages
    while (start + pages > this.#capacity) this.#grow(2 * this.#capacity)
    for (let pfn = this.#next; pfn < start; pfn++) this.#free[this.#freeCount++] = pfn
    this.#next = start + pages
    return start
  }

  /**
   * Makes room for so many frames more at once. Room that is not used takes no memory, while columns that were outgrown
   * step by step leave theirs to the allocator.
   */
  reserve(pages: number): void {
    const needed = Math.min(this.#next + pages, MAX_RESERVED)
    if (needed > this.#capacity) this.#grow(Math.max(needed, 2 * this.#capacity))
  }

  #grow(least: number): void {
    if (this.#capacity >= MAX_FRAMES) {
      throw new Error(`out of frames: the simulated machine has ${MAX_FRAMES} (64 GiB)`)
    }
    const capacity = Math.min(MAX_FRAMES, least)
    this.#capacity = capacity
    this.word = grown(this.word, capacity)
    this.token = grown(this.token, capacity)
    this.refs = grown(this.refs, capacity)
    this.pins = grown(this.pins, capacity)
    this.slot = grown(this.slot, capacity)
    this.order = grownBytes(this.order, capacity)
    this.entire = grown(this.entire, capacity)
    this.largeMapcount = grown(this.largeMapcount, capacity)
    this.mm0 = grown(this.mm0, capacity)
    this.mm0Maps = grown(this.mm0Maps, capacity)
    this.mm1 = grown(this.mm1, capacity)
    this.mm1Maps = grown(this.mm1Maps, capacity)
    this.mmShared = grownBytes(this.mmShared, capacity)
    this.#free = grown(this.#free, capacity)
  }
}

/** References that caches and batches hold on an order-0 page, from its flags. */
function heldReferences(word: number): number {
  if ((word & HELD) === 0) return 0
  return (
    ((word >>> 20) & 1) + // PG_SWAPCACHE
    ((word >>> 21) & 1) + // PG_LRU_BATCH
    ((word >>> 22) & 1) + // PG_LAZYFREE_BATCH
    ((word >>> 28) & 1) // PG_CACHE
  )
}

/** Integers that are copied, or found to be all zero, at a time: one page of the operating system's. */
const PIECE = 1024

/** A longer column with the same contents. What is zero is not copied: memory that nobody used stays unused. */
export function grown(column: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length)
  for (let at = 0; at < column.length; at += PIECE) {
    const end = Math.min(column.length, at + PIECE)
    let any = 0
    for (let i = at; i < end; i++) any |= column[i]!
    if (any !== 0) larger.set(column.subarray(at, end), at)
  }
  return larger
}

function grownBytes(column: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(length)
  larger.set(column)
  return larger
}
