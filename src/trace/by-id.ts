/**
 * by-id: things that a trace names by a number that is given once, such as its pins. A Map would do, but for the time
 * that it takes: few of many are there at once, their numbers follow one another, and most are gone before the next comes.
 */

const NONE = -1
/** At most half of the places are taken: a search is short. */
const FIRST_PLACES = 16

export class ById<T> {
  /** The latest one, which has no place. */
  #lastId = NONE
  #last: T | undefined
  /** By place: the number and the thing. What finds its place taken goes to the next free one. */
  #ids: Int32Array = new Int32Array(FIRST_PLACES).fill(NONE)
  #things: (T | undefined)[] = new Array<T | undefined>(FIRST_PLACES).fill(undefined)
  /** Places taken. */
  #placed = 0

  get size(): number {
    return this.#lastId === NONE ? this.#placed : this.#placed + 1
  }

  /** `id` is not negative. */
  get(id: number): T | undefined {
    return id === this.#lastId ? this.#last : this.#things[this.#place(id)]
  }

  has(id: number): boolean {
    return this.get(id) !== undefined
  }

  set(id: number, thing: T): void {
    if (this.#lastId !== NONE || this.#placed !== 0) this.#giveWay(id)
    this.#lastId = id
    this.#last = thing
  }

  delete(id: number): void {
    if (id === this.#lastId) {
      this.#lastId = NONE
      this.#last = undefined
    } else this.#remove(id)
  }

  clear(): void {
    this.#lastId = NONE
    this.#last = undefined
    this.#ids.fill(NONE)
    this.#things.fill(undefined)
    this.#placed = 0
  }

  /** Does any of them satisfy the test? */
  some(test: (thing: T) => boolean): boolean {
    if (this.#last !== undefined && test(this.#last)) return true
    if (this.#placed === 0) return false
    for (const thing of this.#things) if (thing !== undefined && test(thing)) return true
    return false
  }

  /** Visits all of them, in no order; none may come or go meanwhile. */
  forEach(visit: (thing: T) => void): void {
    if (this.#last !== undefined) visit(this.#last)
    if (this.#placed === 0) return
    for (const thing of this.#things) if (thing !== undefined) visit(thing)
  }

  /** All things, by ascending number. */
  values(): T[] {
    const ids: number[] = this.#lastId === NONE ? [] : [this.#lastId]
    if (this.#placed !== 0) for (const id of this.#ids) if (id !== NONE) ids.push(id)
    if (ids.length > 1) ids.sort((a, b) => a - b)
    return ids.map((id) => this.get(id) as T)
  }

  /** Something with this number is about to become the latest one. */
  #giveWay(id: number): void {
    this.#remove(id)
    if (this.#lastId !== NONE && this.#lastId !== id) this.#put(this.#lastId, this.#last as T)
  }

  #put(id: number, thing: T): void {
    if (2 * ++this.#placed > this.#ids.length) this.#grow()
    const place = this.#place(id)
    this.#ids[place] = id
    this.#things[place] = thing
  }

  #remove(id: number): void {
    const ids = this.#ids
    const mask = ids.length - 1
    let hole = this.#place(id)
    if (ids[hole] === NONE) return
    // Whatever went past the hole to find a place moves up, or nobody would find it again.
    for (let place = (hole + 1) & mask; ids[place] !== NONE; place = (place + 1) & mask) {
      if (((place - ids[place]!) & mask) < ((place - hole) & mask)) continue
      ids[hole] = ids[place]!
      this.#things[hole] = this.#things[place]
      hole = place
    }
    ids[hole] = NONE
    this.#things[hole] = undefined
    this.#placed--
  }

  /** Where the number is, or would be. */
  #place(id: number): number {
    const ids = this.#ids
    const mask = ids.length - 1
    let place = id & mask
    while (ids[place] !== id && ids[place] !== NONE) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const ids = this.#ids
    const things = this.#things
    this.#ids = new Int32Array(2 * ids.length).fill(NONE)
    this.#things = new Array<T | undefined>(2 * ids.length).fill(undefined)
    for (let from = 0; from < ids.length; from++) {
      if (ids[from] === NONE) continue
      const place = this.#place(ids[from]!)
      this.#ids[place] = ids[from]!
      this.#things[place] = things[from]
    }
  }
}
