/**
 * restore: makes a small world what a list of state.ts says, and numbers whatever comes after from there. It is called
 * before every action that is tried, so that most of a search's time is spent here and in the action itself.
 */
import { newTask } from '../sim/task.ts'
import {
  FIRST_PFN,
  PG_LARGE,
  PG_LAZYFREE_BATCH,
  PG_LRU_BATCH,
  PG_WRITEBACK,
} from '../state/frames.ts'
import { Mm } from '../state/mm.ts'
import { PFN_SHIFT, PMD_HUGE, PTE_FLAGS, TABLE_SHIFT } from '../state/tables.ts'
import { HOLD_PIN_RO } from '../trace/observed.ts'
import { OP_PIN } from '../trace/ops.ts'
import { type MutableVma, newArea, setArea } from './area.ts'
import { GRABBED, MOST_PAGES, MOST_PROCESSES, PIN_DIRTIES } from './truth.ts'
import type { World } from './world.ts'

/** Beside the number of swap slots: each is followed by what KSM needs to know of it. */
export const ANY_MERGED = 1 << 7

export class Restorer {
  readonly #world: World
  readonly #ownPages: boolean
  readonly #ownMms: boolean
  /** Made once and filled anew by each restore(): the world never holds two of the same number. */
  readonly #mms: readonly Mm[] = Array.from({ length: MOST_PROCESSES }, (_, id) => new Mm(id, 1))
  readonly #areas: readonly MutableVma[][] = Array.from({ length: MOST_PROCESSES }, () =>
    Array.from({ length: MOST_PAGES }, newArea),
  )

  constructor(world: World) {
    this.#world = world
    const { pageBits, mmBits } = world.machine.policy
    this.#ownPages = pageBits !== null
    this.#ownMms = mmBits !== null
  }

  /** From `start` on. */
  restore(from: Int32Array, start: number): void {
    const { machine, truth, pages } = this.#world
    const { k, frames, tables, batches } = machine
    let at = start
    const counts = from[at++]!
    const more = from[at++]!
    const processes = counts & 15
    const pins = (counts >>> 4) & 15
    const tableCount = (counts >>> 8) & 255
    const frameCount = (counts >>> 16) & 255
    const frameEnd = FIRST_PFN + (counts >>> 24)
    const slots = more & (ANY_MERGED - 1)
    const anyMerged = (more & ANY_MERGED) !== 0
    const tokens = (more >>> 8) & 4095
    machine.anonVmas = more >>> 20
    truth.restart(tokens + 1)
    // Huge mappings have a table deposited each.
    tables.restart(tableCount + processes + 1)
    k.swap.restart(slots + 1)
    if (machine.underWriteback.size > 0) machine.underWriteback.clear()
    batches.freshCount = 0
    batches.lazyfreeCount = 0
    while (k.mms.length > processes) k.mms.pop()
    for (let id = 0; id < processes; id++) {
      const mm = this.#mms[id] as Mm
      mm.restart()
      k.mms[id] = mm
      const head = from[at++]!
      mm.hasPinned = (head & 1) !== 0
      if (this.#ownMms) k.own.setMm(id, from[at++]!)
      const areas = this.#areas[id] as MutableVma[]
      for (let i = 0; i < head >>> 1; i++) {
        const anonVmas = from[at + 1]!
        mm.vmas.push(setArea(areas[i] as MutableVma, from[at]!, anonVmas & 0xfff, anonVmas >>> 12))
        at += 2
      }
      for (let vpn = 0; vpn < pages; vpn++) {
        const page = from[at++]!
        truth.content[id * MOST_PAGES + vpn] = page & 0xffff
        truth.page[id * MOST_PAGES + vpn] = page >>> 16
      }
      const pmd = from[at++]!
      if (pmd === 0) continue
      if ((pmd & PMD_HUGE) !== 0) {
        mm.pmds[0] = pmd
        mm.tables[0] = (tableCount + 1 + id) << TABLE_SHIFT
        tables.shares[tableCount + 1 + id] = 1
        continue
      }
      const table = pmd >>> PFN_SHIFT
      mm.pmds[0] = pmd & PTE_FLAGS
      mm.tables[0] = table << TABLE_SHIFT
      if (tables.shares[table] !== 0) continue
      const facts = from[at++]!
      tables.shares[table] = facts & 255
      tables.owner[table] = (facts >>> 8) - 1
      for (let vpn = 0; vpn < pages; vpn++) tables.ptes[(table << TABLE_SHIFT) + vpn] = from[at++]!
    }
    k.mm = k.mms[0] as Mm
    const pinsAt = at
    at = this.#restoreTasks(from, at + 2 * pins)
    frames.restart(frameEnd)
    at = this.#restoreFrames(from, at, frameCount)
    for (let slot = 1; slot <= slots; slot++) {
      const facts = from[at++]!
      k.swap.count[slot] = facts & 255
      k.swap.token[slot] = (facts >>> 8) & 4095
      const frame = facts >>> 20
      k.swap.cached[slot] = frame === 0 ? 0 : frame - 1 + FIRST_PFN
      if (this.#ownPages) k.own.setSlot(slot, from[at++]!)
      if (anyMerged) this.#restoreMerged(slot, from[at++]!)
    }
    for (let token = 1; token <= tokens; token++) truth.seers[token] = from[at++]!
    this.#restorePins(from, pinsAt, pins)
  }

  #restoreMerged(slot: number, facts: number): void {
    if (facts === 0) return
    const place = { root: (facts >>> 2) & 0xfff, index: facts >>> 16 }
    this.#world.machine.k.swap.merged.set(slot, facts === 1 ? undefined : place)
  }

  #restoreTasks(from: Int32Array, start: number): number {
    const { tasks } = this.#world.machine
    while (tasks.length > 0) tasks.pop()
    let at = start
    for (let count = from[at++]!; count > 0; count--) {
      const facts = from[at]!
      const last = from[at + 4]!
      const op = facts & 63
      const vpn = (facts >>> 10) & 15
      const pin = op === OP_PIN ? (facts >>> 18) & 15 : -1
      const step = (facts >>> 22) & 63
      const mapper = (last >>> 8) & 15
      const operand = (facts >>> 14) & 15
      const task = newTask(tasks.length, op, (facts >>> 6) & 15, vpn, operand, pin, step)
      task.raced = (facts >>> 28) & 1
      task.copies = (facts >>> 29) & 1
      task.pfn = from[at + 1]!
      task.copy = from[at + 2]!
      task.pte = from[at + 3]!
      task.ptl = (last & 255) << TABLE_SHIFT
      task.mapper = mapper === MOST_PROCESSES ? -1 : mapper
      task.at = (last >>> 12) - 1
      tasks.push(task)
      at += 5
    }
    return at
  }

  #restoreFrames(from: Int32Array, start: number, records: number): number {
    const { frames, batches, underWriteback, k } = this.#world.machine
    let at = start
    let next = 0
    for (let record = 0; record < records; record++) {
      const pages = 1 << (from[at + 1]! & 15)
      const head = FIRST_PFN + ((next + pages - 1) & -pages)
      next = head - FIRST_PFN + pages
      for (let pfn = head; pfn < head + pages; pfn++) {
        const facts = from[at + 1]!
        const word = from[at]!
        at += 2
        if (this.#ownPages) k.own.setPage(pfn, from[at++]!)
        frames.word[pfn] = word
        frames.order[pfn] = facts & 15
        frames.refs[pfn] = (facts >>> 4) & 31
        frames.pins[pfn] = (facts >>> 9) & 31
        frames.held += frames.refs[pfn]! + frames.pins[pfn]!
        frames.slot[pfn] = (facts >>> 14) & 63
        frames.token[pfn] = facts >>> 20
        if ((word & PG_LRU_BATCH) !== 0) batches.fresh[batches.freshCount++] = pfn
        if ((word & PG_LAZYFREE_BATCH) !== 0) batches.lazyfree[batches.lazyfreeCount++] = pfn
        if ((word & PG_WRITEBACK) !== 0) underWriteback.add(pfn)
      }
      if ((frames.word[head]! & PG_LARGE) === 0) continue
      const maps = from[at++]!
      const owners = from[at++]!
      frames.entire[head] = maps & 255
      frames.largeMapcount[head] = maps >>> 8
      frames.mm0[head] = owners & 15
      frames.mm0Maps[head] = (owners >>> 4) & 255
      frames.mm1[head] = (owners >>> 12) & 15
      frames.mm1Maps[head] = (owners >>> 16) & 255
      frames.mmShared[head] = owners >>> 24
    }
    return at
  }

  #restorePins(from: Int32Array, start: number, pins: number): void {
    const { k } = this.#world.machine
    k.holders.clear()
    for (let id = 0; k.pins.size > 0; id++) {
      const pin = k.pins.get(id)
      if (pin === undefined) continue
      k.pins.delete(id)
      k.holders.recycle(pin)
    }
    for (let id = 0; id < pins; id++) this.#restorePin(id, from[start++]!, from[start++]!)
  }

  #restorePin(id: number, facts: number, pfn: number): void {
    const { truth } = this.#world
    const { k } = this.#world.machine
    const mm = facts & 15
    const hold = (facts >>> 4) & 3
    const dirties = (facts & PIN_DIRTIES) !== 0
    const vpn = facts >>> 16
    const state = (facts >>> 8) & 15
    if (state !== GRABBED) {
      truth.pinOwner[id] = mm
      truth.pinHold[id] = hold
      truth.pinState[id] = state
      truth.pinForked[id] = (facts >>> 12) & 15
      truth.pinPage[id] = vpn
    }
    const pin = k.holders.newPin(id, mm, vpn, 1, hold >= HOLD_PIN_RO, (hold & 1) !== 0, dirties)
    pin.frames[0] = pfn
    k.pins.set(id, pin)
    k.holders.add(pfn, pin)
  }
}
