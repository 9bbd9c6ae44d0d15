/**
 * differ: the same sequences of actions in two small worlds, one for each policy, breadth-first, until what one of them
 * answers is not what the other does: the shortest story in which two policies differ.
 *
 * A state is both worlds' lists and how the names of one translate into those of the other, since each world names its
 * processes and pins by what it looks like itself.
 */

import { presentFrame } from '../sim/walk.ts'
import {
  OP_DEVWRITE,
  OP_FORK,
  OP_LOAD,
  OP_PIN,
  OP_POKE,
  OP_STORE,
  OP_SWAPOUT,
  OP_UNPIN,
  OP_WRITEBACK,
} from '../trace/ops.ts'
import { type Action, act, enabled } from './actions.ts'
import { type Exploration, emptyWorld, type Finding } from './explore.ts'
import { Frontier, type Walker, type WalkOptions } from './frontier.ts'
import type { Model } from './models.ts'
import { setUnderWay } from './place.ts'
import { StateCodec } from './state.ts'
import { MOST_PINS, MOST_PROCESSES, NO_BREACH } from './truth.ts'
import type { Seen, World, WorldSettings } from './world.ts'

/** The first sequence after which the two worlds answer differently, if there is one of `depth` actions. */
export function findDifference(
  one: WorldSettings,
  other: WorldSettings,
  model: Model,
  options: WalkOptions,
): Exploration {
  return new Pair(one, other, model, options).run()
}

/** A list begins with the length of the first world's, and the names of processes and pins. */
const HEADER = 1 + MOST_PROCESSES + MOST_PINS

class Pair implements Walker {
  readonly #model: Model
  readonly #options: WalkOptions
  readonly #one: Side
  readonly #other: Side
  /** By number in the first world: number in the second one. */
  readonly #process = new Int32Array(MOST_PROCESSES)
  readonly #pin = new Int32Array(MOST_PINS)
  readonly #frontier: Frontier
  #list: Int32Array<ArrayBuffer> = new Int32Array(4096)
  #finding: Finding | undefined

  constructor(one: WorldSettings, other: WorldSettings, model: Model, options: WalkOptions) {
    this.#model = model
    this.#options = options
    this.#frontier = new Frontier(model.actions)
    this.#one = new Side(one, model)
    this.#other = new Side(other, model)
    // O_DIRECT promises more in one era than in another. What is seen is held against the greater promise on both sides:
    // a litmus test prints the same words of what is promised and what is not.
    const [era, eraThere] = [this.#one.world.machine.era, this.#other.world.machine.era]
    const strict = era.odirect !== eraThere.odirect
    this.#one.world.truth.promisesAcrossFork = strict
    this.#other.world.truth.promisesAcrossFork = strict
  }

  run(): Exploration {
    this.#meet(-1, 0)
    const stopped = this.#frontier.walk(this.#options, this)
    const findings = this.#finding === undefined ? [] : [this.#finding]
    return { ...this.#frontier.coverage(), findings, stopped }
  }

  /** A difference ends the search in the middle of its level. */
  enough(): boolean {
    return false
  }

  expand(list: Int32Array, start: number, state: number, last: boolean): boolean {
    const { actions, processes, pins } = this.#model
    let left = true
    for (const [by, action] of actions.entries()) {
      if (left) this.#restore(list, start)
      left = false
      const there = this.#translated(action)
      if (!enabled(this.#one.world, action, processes, pins)) continue
      if (!enabled(this.#other.world, there, processes, pins)) continue
      const born = this.#one.world.machine.k.mms.length
      const taken = this.#one.world.machine.k.pins.size
      if (this.#options.place !== undefined) setUnderWay(this.#options.place, by)
      this.#one.act(action)
      this.#other.act(there)
      left = true
      this.#frontier.transitions++
      if (this.#one.answersUnlike(this.#other, action.op)) {
        const path = this.#frontier.pathBy(state, by)
        this.#finding = { path, seen: undefined, breach: NO_BREACH }
        return true
      }
      if (this.#one.breach !== this.#other.breach) {
        this.#finding = { path: this.#frontier.pathBy(state, by), ...this.#seen() }
        return true
      }
      // What was refused has done nothing that a .cow file could go on from, and a breach ends both stories.
      if (last || this.#one.answer !== 0 || this.#one.breach !== NO_BREACH) continue
      if (action.op === OP_FORK) this.#process[born] = born
      if (action.op === OP_PIN) this.#pin[taken] = taken
      this.#meet(state, by)
    }
    return false
  }

  /** The action as the second world calls whom it is done to. */
  #translated(action: Action): Action {
    const ofPin = action.op === OP_UNPIN || action.op === OP_DEVWRITE
    const who = (ofPin ? this.#pin : this.#process)[action.who]!
    return who === action.who ? action : { ...action, who }
  }

  /** What a look finds that the other world's does not, in the first world's names. */
  #seen(): { seen: Seen | undefined; breach: number } {
    const { seen, breach } = this.#one
    const there = this.#other
    if (breach !== NO_BREACH || there.seen === undefined) return { seen, breach }
    const { mm, vpn, pin } = there.seen
    const seenHere = {
      ...{ breach: there.breach, vpn, mm: this.#process.indexOf(mm) },
      pin: pin < 0 ? pin : this.#pin.indexOf(pin),
    }
    return { seen: seenHere, breach: there.breach }
  }

  #meet(state: number, by: number): void {
    const [one, other] = [this.#one.codec, this.#other.codec]
    one.save()
    other.save()
    const length = HEADER + one.length + other.length
    if (length > this.#list.length) this.#list = new Int32Array(2 * length)
    const list = this.#list
    list.fill(-1, 0, HEADER)
    list[0] = one.length
    for (const [now, was] of one.order.entries()) {
      list[1 + now] = other.order.indexOf(this.#process[was]!)
    }
    for (let was = 0; was < MOST_PINS; was++) {
      const now = one.pinName[was]!
      if (now >= 0) list[1 + MOST_PROCESSES + now] = other.pinName[this.#pin[was]!]!
    }
    list.set(one.list.subarray(0, one.length), HEADER)
    list.set(other.list.subarray(0, other.length), HEADER + one.length)
    this.#frontier.meet(state, by, list, length)
  }

  #restore(list: Int32Array, start: number): void {
    this.#process.set(list.subarray(start + 1, start + 1 + MOST_PROCESSES))
    this.#pin.set(list.subarray(start + 1 + MOST_PROCESSES, start + HEADER))
    this.#one.codec.restore(list, start + HEADER)
    this.#other.codec.restore(list, start + HEADER + list[start]!)
  }
}

/** One of the two worlds, and what its last action showed. */
class Side {
  readonly world: World
  readonly codec: StateCodec
  answer = 0
  faulted = false
  /** A bit for each page of the action that was mapped before it, and is after it. */
  before = 0
  after = 0
  seen: Seen | undefined = undefined
  breach = NO_BREACH

  constructor(settings: WorldSettings, model: Model) {
    this.world = emptyWorld(settings, model)
    this.codec = new StateCodec(this.world)
  }

  act(action: Action): void {
    const { machine, truth } = this.world
    const before = machine.faults
    this.before = this.#mapped(action)
    this.answer = act(this.world, action)
    this.after = this.#mapped(action)
    this.faulted = machine.faults !== before
    this.seen = this.world.look()
    this.breach = this.seen?.breach ?? truth.breach
  }

  #mapped({ who, vpn, pages }: Action): number {
    const mm = this.world.mm(who)
    let mapped = 0
    for (let i = 0; mm !== undefined && i < pages; i++) {
      if (presentFrame(this.world.machine, mm, vpn + i) !== 0) mapped |= 1 << i
    }
    return mapped
  }

  /** Would a litmus test print something else of this operation? */
  answersUnlike(other: Side, op: number): boolean {
    if (this.answer !== other.answer) return true
    if (op === OP_SWAPOUT || op === OP_WRITEBACK) return this.after !== other.after
    if (op !== OP_STORE && op !== OP_POKE && op !== OP_PIN && op !== OP_LOAD) return false
    if (this.before !== other.before) return op !== OP_PIN
    // Of a page that had to be brought in first nothing more is said.
    if (op === OP_LOAD || this.before === 0) return false
    const copied = this.world.truth.copies > 0
    if (copied !== other.world.truth.copies > 0) return true
    return op === OP_STORE && this.faulted !== other.faulted
  }
}
