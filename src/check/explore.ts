/**
 * explore: every sequence of actions of a model, breadth-first, so that what is found first cannot be shorter. After
 * each action every page is looked at by every process that maps it, and every pin by its device.
 */
import { HUGE_ORDER } from '../geometry.ts'
import { MAP_PRIVATE_ANON, OP_MMAP, OP_PIN, OP_SPAWN, PROT_READ, PROT_WRITE } from '../trace/ops.ts'
import { type Action, act, enabled } from './actions.ts'
import type { Model } from './models.ts'
import { StateCodec } from './state.ts'
import { LOST_EVENT, NO_BREACH } from './truth.ts'
import { Visited } from './visited.ts'
import { type Seen, World, type WorldSettings } from './world.ts'

export type Goal = 'violation' | 'missed-reuse'

export interface ExploreOptions {
  readonly depth: number
  readonly goal: Goal
  /** Go on after the first finding, for one of every kind. */
  readonly every: boolean
  /** Bytes that the states may take. */
  readonly memory: number
  /** Called after each level; and now and then in between, when it may stop the search by returning false. */
  readonly progress?: (coverage: Coverage) => boolean
  /** For tests: without it, states that differ only by names are all kept. */
  readonly symmetry?: boolean
}

export interface Coverage {
  /** Actions in a row: of all sequences that long every state was seen. */
  readonly depth: number
  /** Different states, and how often one was come to. */
  readonly states: number
  readonly transitions: number
  readonly bytes: number
}

/** What was found, and by which actions: each with the numbers that its process and pin had before it. */
export interface Finding {
  readonly path: readonly Action[]
  /** Undefined: the last action itself showed it. */
  readonly seen: Seen | undefined
  readonly breach: number
}

export interface Exploration extends Coverage {
  readonly findings: readonly Finding[]
  /** Why it is not finished: out of memory, or told to stop. */
  readonly stopped: '' | 'memory' | 'interrupted'
}

/** States between two looks at the memory, and such looks between two calls of `progress`. */
const STRIDE = 512
const STRIDES = 40

/** A fresh world with its one process and the area mapped. */
export function emptyWorld(settings: WorldSettings, { pages, thp }: Model): World {
  const world = new World(settings, pages)
  world.apply(OP_SPAWN, 0, 0, 0, 0, 0)
  const prot = PROT_READ | PROT_WRITE
  world.engine.apply(OP_MMAP, 0, 0, pages, MAP_PRIVATE_ANON, prot, thp ? HUGE_ORDER : 0, 0, 0)
  return world
}

export function explore(
  settings: WorldSettings,
  model: Model,
  options: ExploreOptions,
): Exploration {
  return new Explorer(settings, model, options).run()
}

class Explorer {
  readonly #model: Model
  readonly #options: ExploreOptions
  readonly #world: World
  readonly #codec: StateCodec
  readonly #visited = new Visited()
  /** By state, in the order of discovery: the state that it came from, and by which action. */
  #parent: Int32Array<ArrayBuffer> = new Int32Array(1024)
  #by: Uint16Array<ArrayBuffer> = new Uint16Array(1024)
  /** Lists of the states of the level at hand, and of the next one. */
  #level = new Lists()
  #next = new Lists()
  #transitions = 0
  #depth = 0
  readonly #possible = new Int32Array(256)
  readonly #findings: Finding[] = []
  readonly #kinds: { readonly what: string; readonly words: ReadonlySet<string> }[] = []

  constructor(settings: WorldSettings, model: Model, options: ExploreOptions) {
    this.#model = model
    this.#options = options
    this.#world = emptyWorld(settings, model)
    this.#codec = new StateCodec(this.#world, options.symmetry ?? true)
  }

  run(): Exploration {
    const { depth, every, progress } = this.#options
    this.#meet(-1, 0)
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
      for (let i = 0; i < level.count; i++) {
        this.#expand(level.list, level.starts[i]!, first + i)
        if (i % STRIDE !== STRIDE - 1) continue
        if (this.#bytes() > this.#options.memory) return this.#result('memory')
        if (i % (STRIDE * STRIDES) !== STRIDE * STRIDES - 1) continue
        if (progress?.(this.#coverage()) === false) return this.#result('interrupted')
      }
      first += level.count
      this.#depth++
      if (this.#findings.length > 0 && !every) break
      if (progress?.(this.#coverage()) === false) return this.#result('interrupted')
    }
    return this.#result('')
  }

  /** Does everything that can be done in a state. */
  #expand(list: Int32Array, start: number, state: number): void {
    const { actions, processes, pins } = this.#model
    const world = this.#world
    this.#codec.restore(list, start)
    const possible = this.#possible
    let count = 0
    for (let i = 0; i < actions.length; i++) {
      if (enabled(world, actions[i]!, processes, pins)) possible[count++] = i
    }
    for (let i = 0; i < count; i++) {
      const by = possible[i]!
      if (i > 0) this.#codec.restore(list, start)
      // What was refused has done nothing, or nothing that a .cow file could go on from.
      if (act(world, actions[by]!) !== 0) continue
      this.#transitions++
      if (!this.#reached(state, by)) this.#meet(state, by)
    }
  }

  /** Is the world now what is looked for? Then nothing comes after it. */
  #reached(state: number, by: number): boolean {
    const { truth } = this.#world
    if (this.#options.goal === 'missed-reuse') {
      if (!truth.missedReuse) return false
      this.#found(state, by, NO_BREACH, undefined)
      return true
    }
    const seen = truth.breach === LOST_EVENT ? undefined : this.#world.look()
    const breach = seen?.breach ?? truth.breach
    if (breach === NO_BREACH) return false
    this.#found(state, by, breach, seen)
    return true
  }

  /** A state that was not met before is kept, for the next level. */
  #meet(state: number, by: number): void {
    const codec = this.#codec
    codec.save()
    const number = this.#visited.count
    if (!this.#visited.add(codec.list, codec.length)) return
    if (number >= this.#parent.length) {
      this.#parent = grown(this.#parent, new Int32Array(2 * number))
      this.#by = grown(this.#by, new Uint16Array(2 * number))
    }
    this.#parent[number] = state
    this.#by[number] = by
    this.#next.push(codec.list, codec.length)
  }

  #found(state: number, by: number, breach: number, seen: Seen | undefined): void {
    if (!this.#options.every && this.#findings.length > 0) return
    const path = [this.#model.actions[by]!]
    for (let at = state; at > 0; at = this.#parent[at]!) {
      path.unshift(this.#model.actions[this.#by[at]!]!)
    }
    const hold = seen === undefined || seen.pin < 0 ? '' : this.#world.truth.pinHold[seen.pin]
    const what = `${breach} ${hold}`
    const words = new Set(path.map(({ op, value }) => (op === OP_PIN ? 'pin' : `${op} ${value}`)))
    // The same with something more in it is no other kind.
    if (
      this.#kinds.some(
        (kind) => kind.what === what && [...kind.words].every((word) => words.has(word)),
      )
    )
      return
    this.#kinds.push({ what, words })
    this.#findings.push({ path, seen, breach })
  }

  #bytes(): number {
    const lists = this.#level.bytes + this.#next.bytes
    return this.#visited.bytes + this.#parent.byteLength + this.#by.byteLength + lists
  }

  #coverage(): Coverage {
    return {
      depth: this.#depth,
      states: this.#visited.count,
      transitions: this.#transitions,
      bytes: this.#bytes(),
    }
  }

  #result(stopped: Exploration['stopped']): Exploration {
    return { ...this.#coverage(), findings: this.#findings, stopped }
  }
}

/** Many lists of integers in one array. */
export class Lists {
  list: Int32Array<ArrayBuffer> = new Int32Array(1 << 14)
  starts: Int32Array<ArrayBuffer> = new Int32Array(1 << 10)
  count = 0
  #end = 0

  get bytes(): number {
    return this.list.byteLength + this.starts.byteLength
  }

  clear(): void {
    this.count = 0
    this.#end = 0
  }

  push(from: Int32Array, length: number): void {
    if (this.#end + length > this.list.length) {
      this.list = grown(this.list, new Int32Array(2 * this.list.length))
    }
    if (this.count === this.starts.length) {
      this.starts = grown(this.starts, new Int32Array(2 * this.count))
    }
    this.starts[this.count++] = this.#end
    const { list } = this
    for (let i = 0; i < length; i++) list[this.#end + i] = from[i]!
    this.#end += length
  }
}

function grown<T extends Int32Array | Uint16Array>(from: T, to: T): T {
  to.set(from)
  return to
}
