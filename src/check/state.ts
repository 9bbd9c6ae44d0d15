/**
 * state: a world as a short list of integers, and back. Two worlds that differ only in how things are called (frames,
 * swap slots, tokens, page tables, pins, and processes where no policy can tell them apart) have one list, and whatever
 * can still be told apart, by anything that may happen next, has two: src/check/state.test.ts holds both against
 * random continuations.
 *
 * The list is the world itself after renaming: restore.ts copies it back. What nobody can reach any more (a freed page
 * that waits in an LRU batch) is left out.
 */
import { FIRST_PFN, PG_SWAPCACHE } from '../state/frames.ts'
import type { Pin } from '../state/holders.ts'
import type { Mm, Vma } from '../state/mm.ts'
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
import { areaOf } from './area.ts'
import { Names } from './names.ts'
import { Orders } from './orders.ts'
import { ANY_MERGED, Restorer } from './restore.ts'
import {
  GRABBED,
  MOST_PAGES,
  MOST_PINS,
  MOST_PROCESSES,
  PIN_DIRTIES,
  TOKEN_DEVICE,
} from './truth.ts'
import type { World } from './world.ts'

/** More than any small world needs. */
const ROOM = 1024
/** Process that is gone, where a number of one is kept. */
const GONE = 14

export class StateCodec {
  readonly #world: World
  readonly #orders: Orders
  readonly #restorer: Restorer
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
  readonly #frames = new Int32Array(ROOM)
  readonly #frameRecords: number[] = []
  #nextFrame = 0
  readonly #slots = new Names(ROOM)
  readonly #tokens = new Names(4096)
  readonly #tables = new Names(64)
  readonly #anonVmas = new Names(ROOM)

  constructor(world: World, symmetry = true) {
    this.#world = world
    const { pageBits, mmBits } = world.machine.policy
    this.#ownPages = pageBits !== null
    this.#ownMms = mmBits !== null
    // Reclaim of COW PTE v2 visits parents before children, and gives up the tables of all but the last.
    const ordered = !symmetry || world.machine.policy.tables === 'owner'
    this.#orders = new Orders(world, ordered)
    this.#restorer = new Restorer(world)
  }

  /** Writes the world down. */
  save(): void {
    const orders = this.#orders.possible()
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

  /** Makes the world what `from` says from `start` on. */
  restore(from: Int32Array, start: number): void {
    this.#restorer.restore(from, start)
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
    const anyMerged = k.swap.merged.size > 0
    for (let i = 0; i < this.#slots.count; i++) {
      const slot = this.#slots.met[i]!
      const cached = k.swap.cached[slot]!
      const frame = cached === 0 ? 0 : this.#frame(cached) - FIRST_PFN + 1
      out[this.#at++] =
        k.swap.count[slot]! | (this.#token(k.swap.token[slot]!) << 8) | (frame << 20)
      if (this.#ownPages) out[this.#at++] = k.own.slot[slot] ?? 0
      if (anyMerged) out[this.#at++] = this.#merged(slot)
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
    out[1] =
      this.#slots.count |
      (anyMerged ? ANY_MERGED : 0) |
      (this.#tokens.count << 8) |
      (this.#anonVmas.count << 20)
  }

  /** What swap knows of a slot that KSM pages were written to: 0 for none, 1 where none was read back. */
  #merged(slot: number): number {
    const { merged } = this.#world.machine.k.swap
    if (!merged.has(slot)) return 0
    const place = merged.get(slot)
    return place === undefined
      ? 1
      : 2 | (this.#anonVmas.name(place.root) << 2) | (place.index << 16)
  }

  #writeProcess(mm: Mm, id: number, pages: number): void {
    const { k, tables } = this.#world.machine
    const { truth } = this.#world
    const out = this.#other
    out[this.#at++] = (mm.hasPinned ? 1 : 0) | (mm.vmas.length << 1)
    if (this.#ownMms) out[this.#at++] = k.own.mm[id] ?? 0
    for (const vma of mm.vmas) {
      out[this.#at++] = areaOf(vma)
      const anonVma = vma.anonVma === 0 ? 0 : this.#anonVmas.name(vma.anonVma)
      out[this.#at++] = anonVma | (this.#root(vma, anonVma) << 12)
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

  /** Only KSM tells an anon_vma's root from itself. */
  #root({ mergeable, anonRoot }: Vma, anonVma: number): number {
    return mergeable && anonVma !== 0 ? this.#anonVmas.name(anonRoot) : anonVma
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

  #pinFacts({ id: pin, mm, vpn, follPin, write, dirties }: Pin): number {
    const { truth } = this.#world
    const kind = this.#mmName[mm]! | (dirties ? PIN_DIRTIES : 0)
    if (truth.pinOwner[pin]! < 0) {
      const hold = (follPin ? HOLD_PIN_RO : 0) + (write ? 1 : 0)
      return kind | (hold << 4) | (GRABBED << 8) | (vpn << 16)
    }
    return (
      kind |
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
}
