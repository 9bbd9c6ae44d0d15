/**
 * state: a world as a short list of integers, and back. Two worlds that differ only in how things are called (frames,
 * swap slots, tokens, page tables, pins, and processes where no policy can tell them apart) have one list, and whatever
 * can still be told apart, by anything that may happen next, has two: src/check/state.test.ts holds both against
 * random continuations.
 *
 * The list is the world itself after renaming: restore() copies it back, and numbers whatever comes after from there.
 * What nobody can reach any more (a freed page that waits in an LRU batch) is left out.
 */

import { newTask } from '../sim/task.ts'
import {
  FIRST_PFN,
  PG_LARGE,
  PG_LAZYFREE_BATCH,
  PG_LRU_BATCH,
  PG_SWAPCACHE,
  PG_WRITEBACK,
} from '../state/frames.ts'
import type { Pin } from '../state/kernel.ts'
import { Mm, type Vma } from '../state/mm.ts'
import {
  PFN_SHIFT,
  PMD_HUGE,
  PTE_FLAGS,
  PTE_PRESENT,
  PTE_SWAP,
  PTE_TOK,
  TABLE_SHIFT,
} from '../state/tables.ts'
import { HOLD_PIN_RO } from '../trace/observed.ts'
import { OP_FORK, OP_PIN } from '../trace/ops.ts'
import { MOST_PAGES, MOST_PINS, MOST_PROCESSES, TOKEN_DEVICE } from './truth.ts'
import type { World } from './world.ts'

/** More than any small world needs. */
const ROOM = 1024
const ADVICE: readonly Vma['hugeAdvice'][] = ['none', 'huge', 'never']
/** Of a pin: GUP-fast holds a reference that it may have to put back, of which nobody has heard yet. */
const GRABBED = 3
/** Process that is gone, where a number of one is kept. */
const GONE = 14

/** New numbers for things of one kind, in the order in which they are met. */
class Names {
  readonly of: Int32Array
  readonly met: Int32Array
  count = 0

  constructor(room: number) {
    this.of = new Int32Array(room)
    this.met = new Int32Array(room)
  }

  restart(): void {
    for (let i = 0; i < this.count; i++) this.of[this.met[i]!] = 0
    this.count = 0
  }

  /** 1 for the first one met. */
  name(thing: number): number {
    const known = this.of[thing]!
    if (known !== 0) return known
    this.met[this.count] = thing
    this.of[thing] = ++this.count
    return this.count
  }
}

export class StateCodec {
  readonly #world: World
  /** Does the order of processes decide anything? Then it is kept, and only gaps are closed. */
  readonly #ordered: boolean
  /** Does the policy keep bits of its own? */
  readonly #ownPages: boolean
  readonly #ownMms: boolean
  /** The list, and how long it is. */
  list: Int32Array<ArrayBuffer> = new Int32Array(ROOM)
  length = 0
  #other: Int32Array<ArrayBuffer> = new Int32Array(ROOM)
  #at = 0
  /** By process: its new number; and the old number of each new one. */
  #mmName = new Int32Array(MOST_PROCESSES + 1)
  order: readonly number[] = []
  /** By pin: its new number. */
  readonly pinName = new Int32Array(MOST_PINS)
  readonly #looks = new Int32Array(MOST_PROCESSES)
  /** Made once and filled anew by each restore(): the world never holds two of the same number. */
  readonly #mms: readonly Mm[] = Array.from({ length: MOST_PROCESSES }, (_, id) => new Mm(id, 1))
  readonly #areas: readonly MutableVma[][] = Array.from({ length: MOST_PROCESSES }, () =>
    Array.from({ length: MOST_PAGES }, newArea),
  )
  readonly #pins: Pin[] = []
  /** Where restore() finds them. */
  #pinsFrom: Int32Array<ArrayBufferLike> = new Int32Array(0)
  #pinsAt = 0
  #pinsEnd = 0
  readonly #frames = new Int32Array(ROOM)
  readonly #frameRecords: number[] = []
  #nextFrame = 0
  readonly #slots = new Names(ROOM)
  readonly #tokens = new Names(4096)
  readonly #tables = new Names(64)
  readonly #anonVmas = new Names(ROOM)
  constructor(world: World, symmetry = true) {
    this.#world = world
    // Reclaim of COW PTE v2 visits parents before children, and gives up the tables of all but the last.
    const { pageBits, mmBits } = world.machine.policy
    this.#ownPages = pageBits !== null
    this.#ownMms = mmBits !== null
    this.#ordered = !symmetry || world.machine.policy.tables === 'owner'
  }

  /** Writes the world down. */
  save(): void {
    const orders = this.#orders()
    let best = orders[0] as readonly number[]
    this.#write(best)
    this.#take()
    if (orders.length > 1) {
      for (let i = 1; i < orders.length; i++) {
        this.#write(orders[i] as readonly number[])
        if (!this.#less()) continue
        best = orders[i] as readonly number[]
        this.#take()
      }
      // Names stay those of the order that was taken.
      this.#write(best)
    }
    this.order = best
  }

  /** What was just written is the list. */
  #take(): void {
    const written = this.#other
    this.#other = this.list
    this.list = written
    this.length = this.#at
  }

  /** Is what was just written the lesser of the two? */
  #less(): boolean {
    if (this.#at !== this.length) return this.#at < this.length
    for (let i = 0; i < this.length; i++) {
      const difference = this.#other[i]! - this.list[i]!
      if (difference !== 0) return difference < 0
    }
    return false
  }

  /** Orders of the living processes that could give the least list. */
  #orders(): readonly (readonly number[])[] {
    const { mms } = this.#world.machine.k
    let alive = 0
    for (let id = 0; id < mms.length; id++) if (mms[id] !== undefined) alive |= 1 << id
    const orders = ORDERS[alive] as readonly (readonly number[])[]
    const first = orders[0] as readonly number[]
    if (first.length < 2) return orders
    if (this.#ordered) return ONE_ORDER[alive] as readonly (readonly number[])[]
    const looks = this.#looks
    for (const id of first) looks[id] = this.#look(id)
    const alike: (readonly number[])[] = []
    for (const order of orders) {
      let i = 1
      while (i < order.length && looks[order[i - 1]!]! <= looks[order[i]!]!) i++
      if (i === order.length) alike.push(order)
    }
    return alike
  }

  /** What can be said of a process without any name: different looks, different processes. */
  #look(id: number): number {
    const { k, tables } = this.#world.machine
    const { truth, pages } = this.#world
    const mm = k.mms[id] as Mm
    let look = mm.hasPinned ? 1 : 0
    for (const vma of mm.vmas) look = mix(look, areaOf(vma))
    look = mix(look, mm.pmds[0]! & PTE_FLAGS)
    const huge = (mm.pmds[0]! & PMD_HUGE) !== 0
    for (let vpn = 0; vpn < pages; vpn++) {
      if (!huge) look = mix(look, tables.ptes[mm.tables[0]! + vpn]! & PTE_FLAGS & ~PTE_TOK)
      look = mix(look, truth.page[id * MOST_PAGES + vpn]!)
    }
    return look
  }

  #write(order: readonly number[]): void {
    const { machine, truth, pages } = this.#world
    const { k } = machine
    for (const record of this.#frameRecords) this.#frames[record] = 0
    this.#frameRecords.length = 0
    this.#nextFrame = 0
    this.#slots.restart()
    this.#tokens.restart()
    this.#tables.restart()
    this.#anonVmas.restart()
    this.#mmName.fill(GONE)
    for (let i = 0; i < order.length; i++) this.#mmName[order[i]!] = i
    const out = this.#other
    // Counts come first, but are known last.
    this.#at = 2
    for (const id of order) this.#writeProcess(k.mms[id] as Mm, id, pages)
    const pins = this.#writePins()
    this.#writeTasks()
    // Frames lead to slots, and slots to frames.
    let frames = 0
    for (let slots = 0; frames < this.#frameRecords.length || slots < this.#slots.count; ) {
      if (frames < this.#frameRecords.length) this.#writeFrame(this.#frameRecords[frames++]!)
      else {
        const cached = k.swap.cached[this.#slots.met[slots++]!]!
        if (cached !== 0) this.#frame(cached)
      }
    }
    for (let i = 0; i < this.#slots.count; i++) {
      const slot = this.#slots.met[i]!
      const cached = k.swap.cached[slot]!
      const frame = cached === 0 ? 0 : this.#frame(cached) - FIRST_PFN + 1
      out[this.#at++] =
        k.swap.count[slot]! | (this.#token(k.swap.token[slot]!) << 8) | (frame << 20)
      if (this.#ownPages) out[this.#at++] = k.own.slot[slot] ?? 0
    }
    for (let i = 0; i < this.#tokens.count; i++) {
      const seers = truth.seers[this.#tokens.met[i]!]!
      let renamed = seers & TOKEN_DEVICE
      for (let p = 0; p < order.length; p++) if ((seers & (1 << order[p]!)) !== 0) renamed |= 1 << p
      out[this.#at++] = renamed
    }
    out[0] =
      order.length |
      (pins << 4) |
      (this.#tables.count << 8) |
      (this.#frameRecords.length << 16) |
      (this.#nextFrame << 24)
    out[1] = this.#slots.count | (this.#tokens.count << 8) | (this.#anonVmas.count << 20)
  }

  #writeProcess(mm: Mm, id: number, pages: number): void {
    const { k, tables } = this.#world.machine
    const { truth } = this.#world
    const out = this.#other
    out[this.#at++] = (mm.hasPinned ? 1 : 0) | (mm.vmas.length << 1)
    if (this.#ownMms) out[this.#at++] = k.own.mm[id] ?? 0
    for (const vma of mm.vmas) {
      out[this.#at++] = areaOf(vma)
      out[this.#at++] = vma.anonVma === 0 ? 0 : this.#anonVmas.name(vma.anonVma)
    }
    for (let vpn = 0; vpn < pages; vpn++) {
      const at = id * MOST_PAGES + vpn
      out[this.#at++] = this.#token(truth.content[at]!) | (truth.page[at]! << 16)
    }
    const pmd = mm.pmds[0]!
    if ((pmd & PMD_HUGE) !== 0) {
      out[this.#at++] = this.#entry(pmd)
      return
    }
    const table = mm.tables[0]! >>> TABLE_SHIFT
    if (pmd === 0 || table === 0) {
      out[this.#at++] = 0
      return
    }
    const met = this.#tables.count
    const name = this.#tables.name(table)
    out[this.#at++] = (pmd & PTE_FLAGS) | (name << PFN_SHIFT)
    if (name <= met) return
    const owner = tables.owner[table]!
    out[this.#at++] =
      tables.shares[table]! | ((owner > 0 ? this.#mmName[owner - 1]! + 2 : owner + 1) << 8)
    for (let vpn = 0; vpn < pages; vpn++) {
      out[this.#at++] = this.#entry(tables.ptes[(table << TABLE_SHIFT) + vpn]!)
    }
  }

  /** An entry with the new name of what it names; what is only cached for speed is left out. */
  #entry(entry: number): number {
    if (entry === 0) return 0
    const flags = entry & PTE_FLAGS & ~PTE_TOK
    const target = entry >>> PFN_SHIFT
    if ((entry & PTE_PRESENT) !== 0) return flags | (this.#frame(target) << PFN_SHIFT)
    // PTE_SWAP and PMD_TABLE are one bit, but no PMD comes here that is not present and huge.
    return (entry & PTE_SWAP) === 0 ? flags : flags | (this.#slots.name(target) << PFN_SHIFT)
  }

  /** The number that the frame will have. Large folios stay aligned. */
  #frame(pfn: number): number {
    if (pfn < FIRST_PFN) return pfn
    const { frames } = this.#world.machine
    const head = frames.head(pfn)
    const known = this.#frames[head - FIRST_PFN]!
    if (known !== 0) return known + pfn - head
    const pages = frames.pages(head)
    const name = FIRST_PFN + ((this.#nextFrame + pages - 1) & -pages)
    this.#nextFrame = name - FIRST_PFN + pages
    this.#frames[head - FIRST_PFN] = name
    this.#frameRecords.push(head - FIRST_PFN)
    return name + pfn - head
  }

  #token(token: number): number {
    return token === 0 ? 0 : this.#tokens.name(token)
  }

  #writeFrame(record: number): void {
    const { frames, k } = this.#world.machine
    const out = this.#other
    const head = FIRST_PFN + record
    const pages = frames.pages(head)
    for (let pfn = head; pfn < head + pages; pfn++) {
      const cached = frames.has(head, PG_SWAPCACHE)
      out[this.#at++] = frames.word[pfn]!
      out[this.#at++] =
        frames.order[pfn]! |
        (frames.refs[pfn]! << 4) |
        (frames.pins[pfn]! << 9) |
        ((cached ? this.#slots.name(frames.slot[pfn]!) : 0) << 14) |
        (this.#token(frames.token[pfn]!) << 20)
      if (this.#ownPages) out[this.#at++] = k.own.page[pfn] ?? 0
    }
    if (pages === 1) return
    out[this.#at++] = frames.entire[head]! | (frames.largeMapcount[head]! << 8)
    out[this.#at++] =
      this.#owner(frames.mm0[head]!) |
      (frames.mm0Maps[head]! << 4) |
      (this.#owner(frames.mm1[head]!) << 12) |
      (frames.mm1Maps[head]! << 16) |
      (frames.mmShared[head]! << 24)
  }

  /** An owner's slot holds a process's number and one. */
  #owner(owner: number): number {
    return owner === 0 ? 0 : this.#mmName[owner - 1]! + 1
  }

  /** Returns how many there are. */
  #writePins(): number {
    const { k } = this.#world.machine
    const out = this.#other
    let pins = 0
    this.pinName.fill(-1)
    // In the order of their facts; those that agree in all of them keep their own.
    for (;;) {
      let least = 1 << 30
      let next = -1
      for (let pin = 0; pin < MOST_PINS; pin++) {
        const held = this.pinName[pin] === -1 ? k.pins.get(pin) : undefined
        if (held === undefined) continue
        const facts = this.#pinFacts(held)
        if (facts < least) {
          least = facts
          next = pin
        }
      }
      if (next < 0) return pins
      this.pinName[next] = pins++
      const pfn = k.pins.get(next)?.frames[0] ?? 0
      out[this.#at++] = least
      out[this.#at++] = this.#frame(pfn)
    }
  }

  #pinFacts({ id: pin, mm, vpn, follPin, write }: Pin): number {
    const { truth } = this.#world
    if (truth.pinOwner[pin]! < 0) {
      const hold = (follPin ? HOLD_PIN_RO : 0) + (write ? 1 : 0)
      return this.#mmName[mm]! | (hold << 4) | (GRABBED << 8) | (vpn << 16)
    }
    return (
      this.#mmName[mm]! |
      (truth.pinHold[pin]! << 4) |
      (truth.pinState[pin]! << 8) |
      (truth.pinForked[pin]! << 12) |
      (truth.pinPage[pin]! << 16)
    )
  }

  /** Operations in progress, in the order in which they began; what they will make has the next numbers already. */
  #writeTasks(): void {
    const { k, tasks } = this.#world.machine
    const out = this.#other
    out[this.#at++] = tasks.length
    if (tasks.length === 0) return
    let pins = k.pins.size
    let processes = k.mms.reduce((alive, mm) => alive + (mm === undefined ? 0 : 1), 0)
    for (const task of tasks) {
      const forks = task.op === OP_FORK
      const born = forks && k.mms[task.operand] !== undefined
      const operand = !forks ? task.operand : born ? this.#mmName[task.operand]! : processes++
      const known = task.op === OP_PIN ? this.pinName[task.pin]! : -1
      const pin = task.op !== OP_PIN ? 0 : known >= 0 ? known : pins++
      if (task.op === OP_PIN) this.pinName[task.pin] = pin
      const mapper = task.mapper < 0 ? MOST_PROCESSES : this.#mmName[task.mapper]!
      out[this.#at++] =
        task.op |
        (this.#mmName[task.mm]! << 6) |
        (task.vpn << 10) |
        (operand << 14) |
        (pin << 18) |
        (task.step << 22) |
        (task.raced << 28) |
        (task.copies << 29)
      out[this.#at++] = task.pfn === 0 ? 0 : this.#frame(task.pfn)
      out[this.#at++] = task.copy === 0 ? 0 : this.#frame(task.copy)
      out[this.#at++] = this.#entry(task.pte)
      out[this.#at++] =
        (task.ptl === 0 ? 0 : this.#tables.name(task.ptl >>> TABLE_SHIFT)) |
        (mapper << 8) |
        ((task.at + 1) << 12)
    }
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

  /** Makes the world what `from` says from `start` on. */
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
    const slots = more & 255
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
        mm.vmas.push(setArea(areas[i] as MutableVma, from[at]!, from[at + 1]!))
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
    }
    for (let token = 1; token <= tokens; token++) truth.seers[token] = from[at++]!
    this.#restorePins(from, pinsAt, pins)
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

  /** Maps are left as they are where they can be: to clear one costs as much as all the rest. */
  #restorePins(from: Int32Array, start: number, pins: number): void {
    const { k } = this.#world.machine
    this.#pinsFrom = from
    this.#pinsAt = start
    this.#pinsEnd = start + 2 * pins
    if (k.holders.size > 0) k.holders.forEach(this.#leaveHolders)
    // In ascending order: exit_mmap() gives them back as they come.
    let kept = 0
    while (kept < pins && k.pins.has(kept)) kept++
    for (let id = kept; k.pins.size > kept; id++) k.pins.delete(id)
    for (let id = 0; id < pins; id++) this.#restorePin(id, from[start++]!, from[start++]!)
  }

  /** Forgets who holds the frame, unless one pin does and some pin will: then it will be the first in the same list. */
  readonly #leaveHolders = (held: readonly Pin[], pfn: number): void => {
    let at = this.#pinsAt
    while (at < this.#pinsEnd && this.#pinsFrom[at + 1] !== pfn) at += 2
    if (at === this.#pinsEnd || held.length !== 1) this.#world.machine.k.holders.delete(pfn)
  }

  #restorePin(id: number, facts: number, pfn: number): void {
    const { truth } = this.#world
    const { k } = this.#world.machine
    const mm = facts & 15
    const hold = (facts >>> 4) & 15
    const vpn = facts >>> 16
    const state = (facts >>> 8) & 15
    if (state !== GRABBED) {
      truth.pinOwner[id] = mm
      truth.pinHold[id] = hold
      truth.pinState[id] = state
      truth.pinForked[id] = (facts >>> 12) & 15
      truth.pinPage[id] = vpn
    }
    // One thing for all pins that agree in everything but the frame: there is only one of the number at a time.
    const key = id | (mm << 2) | (hold << 4) | (vpn << 6)
    let pin = this.#pins[key]
    if (pin === undefined) {
      const follPin = hold >= HOLD_PIN_RO
      pin = { id, mm, vpn, follPin, write: (hold & 1) !== 0, frames: new Int32Array(1) }
      this.#pins[key] = pin
    }
    pin.frames[0] = pfn
    k.pins.set(id, pin)
    const holders = k.holders.get(pfn)
    if (holders === undefined) k.holders.set(pfn, [pin])
    else if (this.#isFirstAt(id, pfn)) holders[0] = pin
    else holders.push(pin)
  }

  #isFirstAt(id: number, pfn: number): boolean {
    for (let other = 0; other < id; other++) {
      if (this.#pinsFrom[this.#pinsAt + 2 * other + 1] === pfn) return false
    }
    return true
  }
}

/** Everything that an area is, but for its anon_vma. Its pages are those of its address, and it never was moved. */
function areaOf(vma: Vma): number {
  return (
    vma.start |
    (vma.end << 3) |
    (vma.prot << 6) |
    (vma.folioOrder << 8) |
    (ADVICE.indexOf(vma.hugeAdvice) << 12) |
    (vma.kind << 14) |
    ((vma.forked ? 1 : 0) << 16) |
    ((vma.dontfork ? 1 : 0) << 17) |
    ((vma.accounted ? 1 : 0) << 18) |
    ((vma.mergeable ? 1 : 0) << 19) |
    ((vma.uffdWp ? 1 : 0) << 20) |
    ((vma.softDirty ? 1 : 0) << 21) |
    ((vma.uffdMissing ? 1 : 0) << 22) |
    ((vma.uffdMinor ? 1 : 0) << 23)
  )
}

type MutableVma = { -readonly [Fact in keyof Vma]: Vma[Fact] }

function newArea(): MutableVma {
  return {
    ...{ area: 0, start: 0, end: 0, kind: 0, prot: 0, folioOrder: 0, hugeAdvice: 'none' },
    ...{ object: 0, pgoff: 0, anonVma: 0, forked: false, dontfork: false, accounted: false },
    ...{ mergeable: false, uffdWp: false, uffdMissing: false, uffdMinor: false, softDirty: false },
  }
}

/** Fills `vma` with what areaOf() says of another one. */
function setArea(vma: MutableVma, facts: number, anonVma: number): Vma {
  vma.start = facts & 7
  vma.end = (facts >>> 3) & 7
  vma.prot = (facts >>> 6) & 3
  vma.folioOrder = (facts >>> 8) & 15
  vma.hugeAdvice = ADVICE[(facts >>> 12) & 3] ?? 'none'
  vma.kind = (facts >>> 14) & 3
  vma.pgoff = vma.start
  vma.anonVma = anonVma
  vma.forked = (facts & (1 << 16)) !== 0
  vma.dontfork = (facts & (1 << 17)) !== 0
  vma.accounted = (facts & (1 << 18)) !== 0
  vma.mergeable = (facts & (1 << 19)) !== 0
  vma.uffdWp = (facts & (1 << 20)) !== 0
  vma.softDirty = (facts & (1 << 21)) !== 0
  vma.uffdMissing = (facts & (1 << 22)) !== 0
  vma.uffdMinor = (facts & (1 << 23)) !== 0
  return vma
}

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, 0x9e3779b1) ^ (hash >>> 15)
}

/** By set of processes, one bit each: every order of them, the ascending one first. */
const ORDERS = Array.from({ length: 1 << MOST_PROCESSES }, (_, alive) =>
  permutations(
    Array.from({ length: MOST_PROCESSES }, (_, id) => id).filter((id) => alive & (1 << id)),
  ),
)
const ONE_ORDER = ORDERS.map((orders) => orders.slice(0, 1))

function permutations<T>(things: readonly T[]): T[][] {
  if (things.length < 2) return [[...things]]
  return things.flatMap((thing, i) =>
    permutations(things.toSpliced(i, 1)).map((rest) => [thing, ...rest]),
  )
}
