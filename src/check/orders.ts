/**
 * orders: in which orders the processes of a small world may be written down. Where no policy can tell them apart, states
 * that differ in their numbers only are to be one: the order that gives the least list is taken, of those that look at
 * each process alone leaves over.
 */

import type { Mm } from '../state/mm.ts'
import { PMD_HUGE, PTE_FLAGS, PTE_TOK } from '../state/tables.ts'
import { areaOf } from './area.ts'
import { MOST_PAGES, MOST_PROCESSES } from './truth.ts'
import type { World } from './world.ts'

export class Orders {
  readonly #world: World
  /** Does the order of processes decide anything? Then it is kept, and only gaps are closed. */
  readonly #ordered: boolean
  readonly #looks = new Int32Array(MOST_PROCESSES)

  constructor(world: World, ordered: boolean) {
    this.#world = world
    this.#ordered = ordered
  }

  /** Orders of the living processes that could give the least list. */
  possible(): readonly (readonly number[])[] {
    const { mms } = this.#world.machine.k
    let alive = 0
    for (let id = 0; id < mms.length; id++) if (mms[id] !== undefined) alive |= 1 << id
    const orders = ORDERS[alive] as readonly (readonly number[])[]
    const first = orders[0] as readonly number[]
    if (first.length < 2) return orders
    if (this.#ordered || first.some((id) => isMergeable(mms[id] as Mm))) {
      return ONE_ORDER[alive] as readonly (readonly number[])[]
    }
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
}

/** ksmd takes the processes in their order. */
function isMergeable(mm: Mm): boolean {
  return mm.vmas.some(({ mergeable }) => mergeable)
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
