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
  /** Where a policy may never answer: calls `step` until it returns false, but not for ever. */
  readonly steps?: (step: () => boolean) => void
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
    each(execution, (witness, happening) => {
      const tale = tell(witness, execution.names, happening, chosen.has(happening.n))
      if (chosen.has(happening.n) || tale.error !== undefined) told.push(tale)
      return told.length < chosen.size && tale.error === undefined
    })
  }
  return { told, more: Math.max(0, numbers.length - chosen.size), events }
}

function find(execution: Execution, wanted: Wanted): { numbers: number[]; events: number } {
  const numbers: number[] = []
  let events = 0
  each(execution, (witness, happening) => {
    events++
    const told = tell(witness, execution.names, happening, false)
    if (isWanted(told, happening, wanted)) numbers.push(happening.n)
    return told.error === undefined
  })
  return { numbers, events }
}

/** Starts the execution, and goes on with what happens next while `heard` returns true. */
function each(
  { start, steps }: Execution,
  heard: (witness: Witness, happening: Happening) => boolean,
): void {
  const { witness, happenings } = start()
  const all = happenings[Symbol.iterator]()
  const step = (): boolean => {
    const { done, value } = all.next()
    return done !== true && heard(witness, value)
  }
  if (steps !== undefined) steps(step)
  else while (step());
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
  const right = b.start()
  const others = right.happenings[Symbol.iterator]()
  const steps = a.steps ?? b.steps
  let events = 0
  let parts = -1
  each({ ...a, ...(steps === undefined ? {} : { steps }) }, (witness, happening) => {
    const { done, value } = others.next()
    if (done === true) return false
    const mine = tell(witness, a.names, happening, false)
    const theirs = tell(right.witness, b.names, value, false)
    if (decisionsOf(mine) !== decisionsOf(theirs)) parts = happening.n
    else events++
    return parts < 0
  })
  if (parts < 0) return { events }
  const told = [a, b].map((execution) => explain(execution, at(parts)).told[0])
  return { first: told as unknown as readonly [Told, Told], events }
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
