/**
 * by-id: things that a trace names by a number that is given once, such as its pins. A Map would do, but for the time
 * that it takes: few of many are there at once, and their numbers follow one another.
 */

const NONE = -1
/** At most half of the places are taken: a search is short. */
const FIRST_PLACES = 16

export class ById<T> {
  /** By place: the number and the thing. What finds its place taken goes to the next free one. */
  #ids: Int32Array = new Int32Array(FIRST_PLACES).fill(NONE)
  #things: (T | undefined)[] = new Array<T | undefined>(FIRST_PLACES).fill(undefined)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** `id` is not negative. */
  get(id: number): T | undefined {
    return this.#things[this.#place(id)]
  }

  has(id: number): boolean {
    return this.get(id) !== undefined
  }

  set(id: number, thing: T): void {
    let place = this.#place(id)
    if (this.#ids[place] === NONE) {
      if (2 * ++this.#size > this.#ids.length) {
        this.#grow()
        place = this.#place(id)
      }
      this.#ids[place] = id
    }
    this.#things[place] = thing
  }

  delete(id: number): void {
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
    this.#size--
  }

  clear(): void {
    this.#ids.fill(NONE)
    this.#things.fill(undefined)
    this.#size = 0
  }

  /** Does any of them satisfy the test? */
  some(test: (thing: T) => boolean): boolean {
    if (this.#size === 0) return false
    for (const thing of this.#things) if (thing !== undefined && test(thing)) return true
    return false
  }

  /** Visits all of them, in no order; none may come or go meanwhile. */
  forEach(visit: (thing: T) => void): void {
    if (this.#size === 0) return
    for (const thing of this.#things) if (thing !== undefined) visit(thing)
  }

  /** All things, by ascending number. */
  values(): T[] {
    if (this.#size === 0) return []
    const ids: number[] = []
    for (const id of this.#ids) if (id !== NONE) ids.push(id)
    if (ids.length > 1) ids.sort((a, b) => a - b)
    return ids.map((id) => this.get(id) as T)
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
