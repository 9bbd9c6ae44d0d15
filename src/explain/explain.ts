/**
 * explain: which events of an execution to tell, and the telling. It is run twice: once to find the events that are
 * wanted, and once more to describe them; or, of two policies, in step until they part.
 */

import type { Names } from './names.ts'
import { type Happening, happensAt, isAsked, isInteresting, type Told, tell } from './story.ts'
import type { Witness } from './witness.ts'

/** An execution that can be started again, the same every time. */
export interface Execution {
  readonly names: Names
  start(): { readonly witness: Witness; readonly happenings: Iterable<Happening> }
}

export interface Wanted {
  /** This event alone. */
  readonly event?: number
  /** Events that concern this page; `mm` -1: of any process. */
  readonly page?: { readonly mm: number; readonly vpn: number }
  /** `all`, those at which a policy was `asked`, or only the `interesting` ones. */
  readonly only: 'all' | 'asked' | 'interesting'
  /** At most so many. */
  readonly limit: number
}

export interface Explained {
  readonly told: readonly Told[]
  /** Events that were wanted, beyond those told. */
  readonly more: number
  readonly events: number
}

export function explain(execution: Execution, wanted: Wanted): Explained {
  const { event } = wanted
  const { numbers, events } =
    event === undefined ? find(execution, wanted) : { numbers: [event], events: event }
  const chosen = new Set(numbers.slice(0, wanted.limit))
  const told: Told[] = []
  if (chosen.size > 0) {
    const { witness, happenings } = execution.start()
    for (const happening of happenings) {
      const tale = tell(witness, execution.names, happening, chosen.has(happening.n))
      if (chosen.has(happening.n)) told.push(tale)
      if (tale.error !== undefined && !chosen.has(happening.n)) told.push(tale)
      if (told.length === chosen.size || tale.error !== undefined) break
    }
  }
  return { told, more: Math.max(0, numbers.length - chosen.size), events }
}

function find(execution: Execution, wanted: Wanted): { numbers: number[]; events: number } {
  const { witness, happenings } = execution.start()
  const numbers: number[] = []
  let events = 0
  for (const happening of happenings) {
    events++
    const told = tell(witness, execution.names, happening, false)
    if (isWanted(told, happening, wanted)) numbers.push(happening.n)
    if (told.error !== undefined) break
  }
  return { numbers, events }
}

function isWanted(told: Told, happening: Happening, { only, page }: Wanted): boolean {
  if (told.error !== undefined) return true
  if (page !== undefined && !happensAt(told, happening, page)) return false
  if (only === 'interesting') return isInteresting(told)
  return only === 'all' || isAsked(told)
}

export interface Divergence {
  /** The first event that shows or decides something else; undefined if there is none. */
  readonly first?: readonly [Told, Told]
  readonly events: number
}

/** Both in step, to the first event at which they part. */
export function firstDivergence(a: Execution, b: Execution): Divergence {
  const left = a.start()
  const right = b.start()
  const others = right.happenings[Symbol.iterator]()
  let events = 0
  for (const happening of left.happenings) {
    const other = others.next()
    if (other.done === true) break
    const mine = tell(left.witness, a.names, happening, false)
    const theirs = tell(right.witness, b.names, other.value, false)
    if (decisionsOf(mine) !== decisionsOf(theirs)) {
      const told = [a, b].map((each) => explain(each, at(happening.n)).told[0])
      return { first: told as unknown as readonly [Told, Told], events }
    }
    events++
  }
  return { events }
}

function at(event: number): Wanted {
  return { event, only: 'all', limit: 1 }
}

/** What tells two policies apart: what they did and what was seen, not why. */
function decisionsOf({ outcome, pages, breaches, error }: Told): string {
  const decided = pages.flatMap(({ judged }) =>
    judged.map(({ mm, vpn, pages: n, copy, site }) => [mm, vpn, n, copy, site]),
  )
  return JSON.stringify([outcome, decided, breaches.map(({ kind }) => kind), error ?? ''])
}
