/**
 * frontier: the bookkeeping of a breadth-first search: which states were met, level by level, and how each was come to.
 */
import type { Action } from './actions.ts'
import { type SharedPlace, setDone } from './place.ts'
import { Visited } from './visited.ts'

export interface Coverage {
  /** Actions in a row: of all sequences that long every state was seen. */
  readonly depth: number
  /** Different states that were kept to go on from. Those that the last action leads to are looked at, and forgotten. */
  readonly states: number
  /** How often a state was come to and looked at. */
  readonly transitions: number
  /** Memory in all; and how much of it the states fill, which tells what more of them would take. */
  readonly bytes: number
  readonly filled: number
}

/** Of a search that has not begun. */
export const NO_COVERAGE: Coverage = { depth: 0, states: 0, transitions: 0, bytes: 0, filled: 0 }

/** Why a search is not finished: out of memory, or told to stop. */
export type Stopped = '' | 'memory' | 'interrupted'

export interface WalkOptions {
  readonly depth: number
  /** Bytes that the states may take. */
  readonly memory: number
  /** Called after each level; and now and then in between, when it may stop the search by returning false. */
  readonly progress?: (coverage: Coverage) => boolean
  /** Where the sequence under way is kept, if the policy is one of one's own. */
  readonly place?: SharedPlace
}

export interface Walker {
  /**
   * Does everything that can be done in the state whose list begins at `start`; `last`: nothing is done in the states that
   * this leads to, so that none of them is to be met. Returns whether to stop at once.
   */
  expand(list: Int32Array, start: number, state: number, last: boolean): boolean
  /** Asked after each level. */
  enough(): boolean
}

/** States between two looks at the memory, and such looks between two calls of `progress`. */
const STRIDE = 512
const STRIDES = 40

export class Frontier {
  readonly #actions: readonly Action[]
  readonly #visited = new Visited()
  /** By state, in the order of discovery: the state that it came from, and by which action. */
  #parent: Int32Array<ArrayBuffer> = new Int32Array(1024)
  #by: Uint16Array<ArrayBuffer> = new Uint16Array(1024)
  /** Lists of the states of the level at hand, and of the next one. */
  #level = new Lists()
  #next = new Lists()
  #depth = 0
  transitions = 0

  constructor(actions: readonly Action[]) {
    this.#actions = actions
  }

  /** Level by level from the states that were met, down to `depth`. */
  walk({ depth, memory, progress, place }: WalkOptions, walker: Walker): Stopped {
    let first = 0
    while (this.#depth < depth) {
      const level = this.#next
      this.#next = this.#level
      this.#next.clear()
      this.#level = level
      if (level.count === 0) {
        // Nothing new can be come to: deeper is the same.
        this.#depth = depth
        break
      }
      const last = this.#depth === depth - 1
      level.rewind()
      for (let i = 0; i < level.count; i++) {
        const start = level.next()
        if (place !== undefined) setDone(place, this.#pathTo(first + i))
        if (walker.expand(level.piece, start, first + i, last)) return ''
        if (i % STRIDE !== STRIDE - 1) continue
        if (this.#bytes() > memory) return 'memory'
        if (i % (STRIDE * STRIDES) !== STRIDE * STRIDES - 1) continue
        if (progress?.(this.coverage()) === false) return 'interrupted'
      }
      first += level.count
      this.#depth++
      if (walker.enough()) break
      if (progress?.(this.coverage()) === false) return 'interrupted'
    }
    return ''
  }

  /** A state that was not met before is kept, for the next level. */
  meet(state: number, by: number, list: Int32Array, length: number): void {
    const number = this.#visited.count
    if (!this.#visited.add(list, length)) return
    if (number >= this.#parent.length) {
      this.#parent = grown(this.#parent, new Int32Array(2 * number))
      this.#by = grown(this.#by, new Uint16Array(2 * number))
    }
    this.#parent[number] = state
    this.#by[number] = by
    this.#next.push(list, length)
  }

  /** The actions that lead to a state, and then one more. */
  pathBy(state: number, by: number): Action[] {
    return [...this.#pathTo(state), by].map((action) => this.#actions[action]!)
  }

  /** Numbers of actions. */
  #pathTo(state: number): number[] {
    const path: number[] = []
    for (let at = state; at > 0; at = this.#parent[at]!) path.unshift(this.#by[at]!)
    return path
  }

  coverage(): Coverage {
    return {
      depth: this.#depth,
      states: this.#visited.count,
      transitions: this.transitions,
      bytes: this.#bytes(),
      filled: this.#visited.count * PER_STATE + this.#level.filled + this.#next.filled,
    }
  }

  #bytes(): number {
    const lists = this.#level.bytes + this.#next.bytes
    return this.#visited.bytes + this.#parent.byteLength + this.#by.byteLength + lists
  }
}

/** Of a state beside its list: two integers of its hash, half of the slots being empty, and how it was come to. */
const PER_STATE = 2 * 8 + 4 + 2

/** Integers in a piece of memory: no list is longer by far. */
const PIECE = 1 << 18

/** Many lists of integers one after the other, each behind its length, in pieces: what is full is never copied. */
class Lists {
  readonly #pieces: Int32Array<ArrayBuffer>[] = [new Int32Array(PIECE)]
  /** Of the list that was put or read last: its piece, and where it ends in there. */
  #at = 0
  #end = 0
  count = 0
  #filled = 0

  get filled(): number {
    return this.#filled * Int32Array.BYTES_PER_ELEMENT
  }

  get bytes(): number {
    return this.#pieces.length * PIECE * Int32Array.BYTES_PER_ELEMENT
  }

  /** Where next() has found its list. */
  get piece(): Int32Array<ArrayBuffer> {
    return this.#pieces[this.#at]!
  }

  /** Keeps one piece, for the lists of another level. */
  clear(): void {
    this.#pieces.length = 1
    this.count = 0
    this.#filled = 0
    this.rewind()
  }

  rewind(): void {
    this.#at = 0
    this.#end = 0
  }

  push(from: Int32Array, length: number): void {
    if (this.#end + 1 + length > PIECE) {
      if (this.#end < PIECE) this.piece[this.#end] = NO_MORE
      this.#pieces.push(new Int32Array(PIECE))
      this.#at++
      this.#end = 0
    }
    const { piece } = this
    piece[this.#end++] = length
    for (let i = 0; i < length; i++) piece[this.#end + i] = from[i]!
    this.#end += length
    this.#filled += 1 + length
    this.count++
  }

  /** Where the next list begins, in `piece`. */
  next(): number {
    if (this.#end === PIECE || this.piece[this.#end] === NO_MORE) {
      this.#at++
      this.#end = 0
    }
    const start = this.#end + 1
    this.#end = start + this.piece[this.#end]!
    return start
  }
}

/** In place of a length: the rest of the piece is empty. */
const NO_MORE = -1

function grown<T extends Int32Array | Uint16Array>(from: T, to: T): T {
  to.set(from)
  return to
}
