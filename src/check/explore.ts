/**
 * explore: every sequence of actions of a model, breadth-first, so that what is found first cannot be shorter. After
 * each action every page is looked at by every process that maps it, and every pin by its device.
 */
import { HUGE_ORDER } from '../geometry.ts'
import { PolicyFailure } from '../load/checked-policy.ts'
import {
  MADV_MERGEABLE,
  MAP_PRIVATE_ANON,
  OP_MADVISE,
  OP_MMAP,
  OP_PIN,
  OP_SPAWN,
  OP_STORE,
  OP_STORE_SAME,
  PROT_READ,
  PROT_WRITE,
} from '../trace/ops.ts'
import { type Action, act, enabled } from './actions.ts'
import { type Coverage, Frontier, type Stopped, type Walker, type WalkOptions } from './frontier.ts'
import type { Model } from './models.ts'
import { setUnderWay } from './place.ts'
import { StateCodec } from './state.ts'
import { NO_BREACH } from './truth.ts'
import { type Broken, type Seen, World, type WorldSettings } from './world.ts'

export type Goal = 'violation' | 'missed-reuse'

export interface ExploreOptions extends WalkOptions {
  readonly goal: Goal
  /** Go on after the first finding, for one of every kind. */
  readonly every: boolean
  /** For tests: without it, states that differ only by names are all kept. */
  readonly symmetry?: boolean
}

/** What was found, and by which actions: each with the numbers that its process and pin had before it. */
export interface Finding {
  readonly path: readonly Action[]
  /** Undefined: the last action itself showed it. */
  readonly seen: Seen | undefined
  readonly breach: number
  /** Where there may be several. */
  readonly kind?: Kind
}

/** What makes two findings the same: what is broken of what, and what is done. */
export interface Kind {
  readonly what: string
  readonly words: ReadonlySet<string>
}

/** The same with something more in it is no other kind. */
export function isCovered({ what, words }: Kind, by: readonly Kind[]): boolean {
  return by.some((kind) => kind.what === what && [...kind.words].every((word) => words.has(word)))
}

export interface Exploration extends Coverage {
  readonly findings: readonly Finding[]
  readonly stopped: Stopped
}

/** A fresh world with its one process and the area mapped. */
export function emptyWorld(settings: WorldSettings, { pages, thp, mergeable }: Model): World {
  const world = new World(settings, pages)
  world.apply(OP_SPAWN, 0, 0, 0, 0, 0)
  const prot = PROT_READ | PROT_WRITE
  world.engine.apply(OP_MMAP, 0, 0, pages, MAP_PRIVATE_ANON, prot, thp ? HUGE_ORDER : 0, 0, 0)
  if (mergeable) world.apply(OP_MADVISE, 0, 0, pages, MADV_MERGEABLE, 0)
  return world
}

export function explore(
  settings: WorldSettings,
  model: Model,
  options: ExploreOptions,
): Exploration {
  return new Explorer(settings, model, options).run()
}

class Explorer implements Walker {
  readonly #settings: WorldSettings
  readonly #model: Model
  readonly #options: ExploreOptions
  readonly #world: World
  readonly #codec: StateCodec
  readonly #frontier: Frontier
  readonly #possible = new Int32Array(256)
  readonly #findings: Finding[] = []

  constructor(settings: WorldSettings, model: Model, options: ExploreOptions) {
    this.#settings = settings
    this.#model = model
    this.#options = options
    this.#frontier = new Frontier(model.actions)
    this.#world = emptyWorld(settings, model)
    this.#codec = new StateCodec(this.#world, options.symmetry ?? true)
  }

  run(): Exploration {
    this.#meet(-1, 0)
    const stopped = this.#frontier.walk(this.#options, this)
    return { ...this.#frontier.coverage(), findings: this.#findings, stopped }
  }

  enough(): boolean {
    return this.#findings.length > 0 && !this.#options.every
  }

  expand(list: Int32Array, start: number, state: number, last: boolean): boolean {
    const { actions, processes, pins } = this.#model
    const { place } = this.#options
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
      if (place !== undefined) setUnderWay(place, by)
      // What was refused has done nothing, or nothing that a .cow file could go on from.
      if (act(world, actions[by]!) !== 0) continue
      this.#frontier.transitions++
      if (!this.#reached(state, by) && !last) this.#meet(state, by)
    }
    return false
  }

  /** Is the world now what is looked for? Then nothing comes after it. */
  #reached(state: number, by: number): boolean {
    const shown = this.#shownBy(this.#world)
    if (shown === undefined) return false
    this.#found(state, by, shown)
    return true
  }

  #shownBy(world: World): Broken | undefined {
    if (this.#options.goal === 'violation') return world.broken()
    return world.truth.missedReuse ? { breach: NO_BREACH, seen: undefined } : undefined
  }

  #meet(state: number, by: number): void {
    const codec = this.#codec
    codec.save()
    this.#frontier.meet(state, by, codec.list, codec.length)
  }

  #found(state: number, by: number, { breach, seen }: Broken): void {
    if (!this.#options.every && this.#findings.length > 0) return
    const path = this.#frontier.pathBy(state, by)
    const hold = seen === undefined || seen.pin < 0 ? '' : this.#world.truth.pinHold[seen.pin]
    // A huge page is asked about in questions of its own.
    const what = `${breach} ${hold}${this.#model.thp ? ' thp' : ''}`
    const kind = { what, words: new Set(path.map(wordOf)) }
    const kinds = this.#findings.flatMap((finding) => finding.kind ?? [])
    if (isCovered(kind, kinds)) return
    if (this.#shownAgain(path)?.breach !== breach) {
      throw new PolicyFailure(
        this.#settings.policy.name,
        'its answers are not repeatable: what failed once did not when the same was done again; ' +
          'look for Math.random, Date, and variables that outlive a call',
      )
    }
    this.#findings.push({ path, seen, breach, kind })
  }

  /** By a new world, in which everything gets the names that it had in the search. */
  #shownAgain(path: readonly Action[]): Broken | undefined {
    const world = emptyWorld(this.#settings, this.#model)
    const codec = new StateCodec(world, this.#options.symmetry ?? true)
    for (const action of path) {
      codec.save()
      codec.restore(codec.list, 0)
      if (act(world, action) !== 0) return undefined
    }
    return this.#shownBy(world)
  }
}

/** What an action is for telling findings apart: pins of all kinds do the same, and so do stores of any content. */
function wordOf({ op, value }: Action): string {
  if (op === OP_PIN) return 'pin'
  return op === OP_STORE_SAME ? `${OP_STORE} 0` : `${op} ${value}`
}
