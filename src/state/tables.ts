/**
 * PageTables: page-table entries of all processes in one column, 512 to a table, with who shares each table.
 *
 * An entry is one integer: the frame (or swap slot) shifted by PFN_SHIFT, and flags. Table 0 is the empty table that
 * every absent or huge-mapped range points at, so that the hot path needs no test for a missing table.
 */
import { HUGE_ORDER } from '../geometry.ts'
import { grown, MAX_RESERVED } from './frames.ts'

export const PTE_PRESENT = 1 << 0
export const PTE_WRITE = 1 << 1
/** "Already checked by the oracle since the last event that let anyone else see the page"; only set with WRITE. */
export const PTE_TOK = 1 << 2
export const PTE_DIRTY = 1 << 3
export const PTE_UFFD_WP = 1 << 4
export const PTE_SOFT_DIRTY = 1 << 5
/** Not present: the frame field is a swap slot. */
export const PTE_SWAP = 1 << 6
/** Of a swap entry: the swp-exclusive marker (5.19). Of a present entry: not used. */
export const PTE_SWP_EXCLUSIVE = 1 << 7
export const PFN_SHIFT = 8
export const PTE_FLAGS = (1 << PFN_SHIFT) - 1

/** A store that needs nobody: present, writable, checked. */
export const PTE_STORE_HIT = PTE_PRESENT | PTE_WRITE | PTE_TOK

/** PMD entries use the PTE_* flags (WRITE: of a table, that it is not shared) and one of these two. */
export const PMD_TABLE = 1 << 6
export const PMD_HUGE = 1 << 7
/** What a PMD entry maps, and whether it is the process's own: a table, or a huge page that may be stored to. */
export const PMD_KIND = PMD_TABLE | PMD_HUGE | PTE_WRITE
export const PMD_OWN = PMD_TABLE | PTE_WRITE
export const PMD_HUGE_OWN = PMD_HUGE | PTE_WRITE
/** What a store leaves in its entry that needs no fault: of soft-dirty the processor knows nothing. */
export const PTE_WRITTEN = PTE_PRESENT | PTE_WRITE | PTE_DIRTY
/** What a store's fault leaves: pte_mkdirty(). */
export const PTE_STORED = PTE_WRITTEN | PTE_SOFT_DIRTY

export const TABLE_SHIFT = HUGE_ORDER
export const TABLE_PAGES: number = 1 << TABLE_SHIFT
/** The same where whole traces are run (src/geometry.ts): the build folds what is known when it is written. */
export const FULL_TABLE_SHIFT = 9
export const FULL_TABLE_PAGES = 512

export class PageTables {
  ptes: Int32Array = new Int32Array(16 * TABLE_PAGES)
  /** Processes whose PMD entry points at the table. */
  shares: Int32Array = new Int32Array(16)
  /** COW PTE RFC v2: process that owns the shared table's accounting, -1 EXCLUSIVE (GUP has marked it), 0 none. */
  owner: Int32Array = new Int32Array(16)
  used = 0
  peak = 0
  #next = 1
  readonly #free: number[] = []

  get end(): number {
    return this.#next
  }

  /** Forgets every table; those below `end` count as handed out and hold nothing. */
  restart(end: number): void {
    const { ptes, shares, owner } = this
    const used = this.#next
    // Loops, because there are only a few: a call of fill() costs more.
    for (let i = TABLE_PAGES; i < used << TABLE_SHIFT; i++) ptes[i] = 0
    for (let table = 1; table < used; table++) {
      shares[table] = 0
      owner[table] = 0
    }
    while (this.#free.length > 0) this.#free.pop()
    this.#next = end
    this.used = end - 1
    this.peak = this.used
  }

  /** Offset into `ptes` of a fresh table of empty entries, used by one process. */
  alloc(): number {
    const table = this.#free.pop() ?? this.#bump()
    this.shares[table] = 1
    this.owner[table] = 0
    if (++this.used > this.peak) this.peak = this.used
    return table << TABLE_SHIFT
  }

  /** Gives back the table at `offset`, whatever its entries hold. */
  release(offset: number): void {
    const table = offset >>> TABLE_SHIFT
    this.ptes.fill(0, offset, offset + TABLE_PAGES)
    this.shares[table] = 0
    this.#free.push(table)
    this.used--
  }

  /** Clears PTE_TOK in the tables at these offsets (0: none). */
  forgetChecked(offsets: Int32Array): void {
    for (const offset of offsets) {
      if (offset === 0) continue
      for (let i = offset; i < offset + TABLE_PAGES; i++) this.ptes[i]! &= ~PTE_TOK
    }
  }

  /** Makes room for the tables of so many pages more at once (Frames.reserve). */
  reserve(pages: number): void {
    const needed = this.#next + Math.ceil(Math.min(pages, MAX_RESERVED) / TABLE_PAGES)
    if (needed > this.shares.length) this.#grow(Math.max(needed, 2 * this.shares.length))
  }

  #bump(): number {
    if (this.#next === this.shares.length) this.#grow(2 * this.shares.length)
    return this.#next++
  }

  #grow(tables: number): void {
    this.ptes = grown(this.ptes, tables * TABLE_PAGES)
    this.shares = grown(this.shares, tables)
    this.owner = grown(this.owner, tables)
  }
}
