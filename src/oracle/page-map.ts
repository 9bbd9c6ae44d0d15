/**
 * page-map: one integer per process and virtual page, 0 where nothing was set.
 *
 * All tables lie in one arena. After a fork both processes have the same tables; whoever stores to one first gets a
 * copy of it. So a fork costs nothing per page, and pages that neither stores to take no memory.
 */
import { HPAGE_PMD_NR, HPAGE_PMD_ORDER } from '../trace/hpage.ts'
import { FIRST_LENGTH, grown } from './column.ts'

/** As many integers as a page table has entries: the mechanism looks them up by itself (Expectations, src/sim). */
export const SHIFT = HPAGE_PMD_ORDER
export const TABLE = HPAGE_PMD_NR
export const MASK: number = HPAGE_PMD_NR - 1
/** Room is made ahead for at most so many pages: mappings may be far larger than what is ever touched of them. */
const MAX_RESERVED = 1 << 22
/** Directories that are kept for the next process. */
const MAX_SPARE = 8
/** The directory of a process without tables. */
export const NO_TABLES: Int32Array<ArrayBuffer> = new Int32Array(0)
/** The first table of every arena, alone: nothing is ever stored there. */
const EMPTY = new Int32Array(TABLE)

export class PageMap {
  /** Tables of 512 integers. The first is all zero and stands for every table that does not exist. */
  arena: Int32Array<ArrayBuffer> = EMPTY
  /** Tables in use; one that several processes have counts once. */
  used = 0
  /** By table: how many processes have it beside the first. */
  #sharers = new Int32Array(FIRST_LENGTH)
  /** By process: where in the arena each table begins; and the same for those that no other process has. */
  readonly #directories: Int32Array<ArrayBuffer>[] = []
  readonly #owned: Int32Array<ArrayBuffer>[] = []
  /** Directories, all 0, of processes that are gone. */
  readonly #spare: Int32Array<ArrayBuffer>[] = []
  #end = TABLE
  /** The first free table; its first integer names the next one. 0: none. */
  #free = 0

  /** Gives the process an empty directory. */
  open(mm: number): void {
    while (this.#directories.length <= mm) {
      this.#directories.push(NO_TABLES)
      this.#owned.push(NO_TABLES)
    }
  }

  /** Position of the page's integer in the arena. Below 512: it has no table yet, and the integer there is 0. */
  position(mm: number, vpn: number): number {
    const directory = this.#directories[mm]!
    const index = vpn >>> SHIFT
    return (index < directory.length ? directory[index]! : 0) + (vpn & MASK)
  }

  /** The same for a page that may be stored to there. Below 512: ask `get` and store with `set`, or `unshare` first. */
  ownPosition(mm: number, vpn: number): number {
    const directory = this.#owned[mm]!
    const index = vpn >>> SHIFT
    return (index < directory.length ? directory[index]! : 0) + (vpn & MASK)
  }

  /** Where in the arena each table of the process begins, 0: there is none; valid until tables come or go. */
  directory(mm: number): Int32Array {
    return this.#directories[mm]!
  }

  /** The same for those that no other process has. */
  owned(mm: number): Int32Array {
    return this.#owned[mm]!
  }

  get(mm: number, vpn: number): number {
    return this.arena[this.position(mm, vpn)]!
  }

  /** The first of the pages [vpn, end) that is 0; `end` if there is none. */
  firstEmpty(mm: number, vpn: number, end: number): number {
    const { arena } = this
    const directory = this.#directories[mm]!
    let at = vpn
    for (; at < end; at++) {
      const index = at >>> SHIFT
      if (arena[(index < directory.length ? directory[index]! : 0) + (at & MASK)] === 0) break
    }
    return at
  }

  set(mm: number, vpn: number, value: number): void {
    let at = this.ownPosition(mm, vpn)
    if (at < TABLE) {
      if (value === 0 && this.position(mm, vpn) < TABLE) return
      at = this.#own(mm, vpn >>> SHIFT) + (vpn & MASK)
    }
    this.arena[at] = value
  }

  /** Makes the page's table one that only this process has. Returns false if it was, or if there is none. */
  unshare(mm: number, vpn: number): boolean {
    if (this.ownPosition(mm, vpn) >= TABLE || this.position(mm, vpn) < TABLE) return false
    this.#own(mm, vpn >>> SHIFT)
    return true
  }

  /** Makes room for so many pages more at once: it takes no memory until it is used. */
  reserve(pages: number): void {
    const end = this.#end + TABLE * Math.ceil(Math.min(pages, MAX_RESERVED) / TABLE)
    if (end <= this.arena.length) return
    const arena = new Int32Array(Math.max(end, 2 * this.arena.length))
    arena.set(this.arena.subarray(0, this.#end))
    this.#moveTo(arena)
  }

  /** Back to 0. Tables that the range covers whole are freed. */
  clear(mm: number, vpn: number, pages: number): void {
    const directory = this.#directories[mm]!
    const end = Math.min(vpn + pages, directory.length << SHIFT)
    for (let at = vpn; at < end; ) {
      const index = at >>> SHIFT
      const stop = Math.min(end, (index + 1) << SHIFT)
      const table = directory[index]!
      if (table !== 0) {
        if (stop - at === TABLE) this.#release(mm, index)
        else {
          const from = this.#own(mm, index) + (at & MASK)
          this.arena.fill(0, from, from + stop - at)
        }
      }
      at = stop
    }
  }

  /** `to`, which must hold nothing, gets what `from` has. */
  copy(from: number, to: number): void {
    this.open(to)
    const directory = this.#directories[from]!
    const owned = this.#owned[from]!
    const copy = this.#blank(directory.length)
    this.#directories[to] = copy
    this.#owned[to] = this.#blank(directory.length)
    for (let index = 0; index < directory.length; index++) {
      const table = directory[index]!
      if (table === 0) continue
      copy[index] = table
      owned[index] = 0
      this.#sharers[table >>> SHIFT]!++
    }
  }

  /** The process is gone: all its tables are free. */
  drop(mm: number): void {
    const directory = this.#directories[mm]!
    for (let i = 0; i < directory.length; i++) if (directory[i] !== 0) this.#release(mm, i)
    if (directory !== NO_TABLES && this.#spare.length < MAX_SPARE) {
      this.#spare.push(directory, this.#owned[mm]!)
    }
    this.#directories[mm] = NO_TABLES
    this.#owned[mm] = NO_TABLES
  }

  /** A directory without tables. */
  #blank(length: number): Int32Array<ArrayBuffer> {
    const spare = this.#spare.pop()
    return spare !== undefined && spare.length === length ? spare : new Int32Array(length)
  }

  /** Where the process's table begins, which it has to itself from now on. */
  #own(mm: number, index: number): number {
    this.#makeRoom(mm, index)
    const directory = this.#directories[mm]!
    const current = directory[index]!
    let table = current
    if (current === 0) {
      table = this.#take()
      this.arena.fill(0, table, table + TABLE)
    } else if (this.#sharers[current >>> SHIFT]! > 0) {
      this.#sharers[current >>> SHIFT]!--
      table = this.#take()
      this.arena.copyWithin(table, current, current + TABLE)
    }
    directory[index] = table
    this.#owned[mm]![index] = table
    return table
  }

  #makeRoom(mm: number, index: number): void {
    const directory = this.#directories[mm]!
    if (index < directory.length) return
    const length = Math.max(index + 1, 2 * directory.length)
    this.#directories[mm] = longer(directory, length)
    this.#owned[mm] = longer(this.#owned[mm]!, length)
  }

  #take(): number {
    this.used++
    const recycled = this.#free
    if (recycled !== 0) {
      this.#free = this.arena[recycled]!
      return recycled
    }
    const table = this.#end
    this.#end += TABLE
    if (this.#end > this.arena.length) this.#moveTo(grown(this.arena, this.#end))
    return table
  }

  #moveTo(arena: Int32Array<ArrayBuffer>): void {
    this.arena = arena
    const tables = arena.length >>> SHIFT
    if (tables > this.#sharers.length) this.#sharers = grown(this.#sharers, tables - 1)
  }

  #release(mm: number, index: number): void {
    const directory = this.#directories[mm]!
    const table = directory[index]!
    directory[index] = 0
    this.#owned[mm]![index] = 0
    if (this.#sharers[table >>> SHIFT]! > 0) {
      this.#sharers[table >>> SHIFT]!--
      return
    }
    this.used--
    this.arena[table] = this.#free
    this.#free = table
  }
}

function longer(directory: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length)
  copy.set(directory)
  return copy
}
