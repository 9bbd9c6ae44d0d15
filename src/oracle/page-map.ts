/**
 * page-map: one integer per process and virtual page, 0 where nothing was set.
 *
 * All tables lie in one arena and a fork copies them whole, so that it costs a memory copy and no work per page.
 */
import { grown } from './column.ts'

const SHIFT = 9
const TABLE = 1 << SHIFT
const MASK = TABLE - 1
/** Room is made ahead for at most so many pages: mappings may be far larger than what is ever touched of them. */
const MAX_RESERVED = 1 << 22
const NO_TABLES = new Int32Array(0)
/** The first table of every arena, alone: nothing is ever stored there. */
const EMPTY = new Int32Array(TABLE)

export class PageMap {
  /** Tables of 512 integers. The first is all zero and stands for every table that does not exist. */
  arena: Int32Array<ArrayBuffer> = EMPTY
  /** Tables in use. */
  used = 0
  /** By process: where in the arena each table begins. */
  readonly #directories: Int32Array<ArrayBuffer>[] = []
  #end = TABLE
  /** The first free table; its first integer names the next one. 0: none. */
  #free = 0

  /** Gives the process an empty directory. */
  open(mm: number): void {
    while (this.#directories.length <= mm) this.#directories.push(NO_TABLES)
  }

  /** Position of the page's integer in the arena. Below 512: it has no table yet, and the integer there is 0. */
  position(mm: number, vpn: number): number {
    const directory = this.#directories[mm]!
    const index = vpn >>> SHIFT
    return (index < directory.length ? directory[index]! : 0) + (vpn & MASK)
  }

  get(mm: number, vpn: number): number {
    return this.arena[this.position(mm, vpn)]!
  }

  set(mm: number, vpn: number, value: number): void {
    let at = this.position(mm, vpn)
    if (at < TABLE) {
      if (value === 0) return
      at = this.#add(mm, vpn >>> SHIFT) + (vpn & MASK)
    }
    this.arena[at] = value
  }

  /** Makes room for so many pages more at once: it takes no memory until it is used. */
  reserve(pages: number): void {
    const end = this.#end + TABLE * Math.ceil(Math.min(pages, MAX_RESERVED) / TABLE)
    if (end <= this.arena.length) return
    const arena = new Int32Array(Math.max(end, 2 * this.arena.length))
    arena.set(this.arena.subarray(0, this.#end))
    this.arena = arena
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
        if (stop - at === TABLE) this.#release(directory, index)
        else this.arena.fill(0, table + (at & MASK), table + (at & MASK) + stop - at)
      }
      at = stop
    }
  }

  /** `to`, which must hold nothing, gets what `from` has. */
  copy(from: number, to: number): void {
    this.open(to)
    const directory = this.#directories[from]!.slice()
    this.#directories[to] = directory
    for (let i = 0; i < directory.length; i++) {
      const source = directory[i]!
      if (source === 0) continue
      const table = this.#take()
      this.arena.copyWithin(table, source, source + TABLE)
      directory[i] = table
    }
  }

  /** The process is gone: all its tables are free. */
  drop(mm: number): void {
    const directory = this.#directories[mm]!
    for (let i = 0; i < directory.length; i++) if (directory[i] !== 0) this.#release(directory, i)
    this.#directories[mm] = NO_TABLES
  }

  /** Adds a zeroed table and returns where it begins. */
  #add(mm: number, index: number): number {
    let directory = this.#directories[mm]!
    if (index >= directory.length) {
      const longer = new Int32Array(Math.max(index + 1, 2 * directory.length))
      longer.set(directory)
      this.#directories[mm] = directory = longer
    }
    const table = this.#take()
    this.arena.fill(0, table, table + TABLE)
    directory[index] = table
    return table
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
    if (this.#end > this.arena.length) this.arena = grown(this.arena, this.#end)
    return table
  }

  #release(directory: Int32Array, index: number): void {
    this.used--
    const table = directory[index]!
    this.arena[table] = this.#free
    this.#free = table
    directory[index] = 0
  }
}
