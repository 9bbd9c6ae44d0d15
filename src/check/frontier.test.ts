import { expect, test } from 'vitest'
import type { Action } from './actions.ts'
import { Frontier } from './frontier.ts'

const ACTIONS: Action[] = ['left', 'right'].map((text) => ({
  ...{ op: 0, who: 0, vpn: 0, pages: 0, value: 0, text },
}))
/** Long enough for a level of 2048 lists to lie in several pieces, none of which ends where a list does. */
const LENGTH = 601

/** State n of a tree leads to 2n and 2n + 1. */
class Tree {
  readonly frontier = new Frontier(ACTIONS)
  readonly #list = new Int32Array(LENGTH)
  readonly met: number[] = []
  last: number[] = []
  broken = 0

  constructor() {
    this.meet(-1, 0, 1)
  }

  meet(state: number, by: number, node: number): void {
    this.frontier.meet(state, by, this.#list.fill(node), LENGTH)
  }

  expand(list: Int32Array, start: number, state: number, last: boolean): boolean {
    const node = list[start] ?? 0
    for (let i = 0; i < LENGTH; i++) if (list[start + i] !== node) this.broken++
    this.met[state] = node
    for (const by of [0, 1]) {
      this.frontier.transitions++
      if (last) this.last.push(2 * node + by)
      else this.meet(state, by, 2 * node + by)
    }
    return false
  }

  enough(): boolean {
    return false
  }
}

test('every state is met once, level by level, and its list is whole', () => {
  const tree = new Tree()
  expect(tree.frontier.walk({ depth: 12, memory: 2 ** 30 }, tree)).toBe('')
  // 2 ** 12 - 1 nodes above the last level, of whose 4096 none is kept.
  expect(tree.met).toEqual(Array.from({ length: 4095 }, (_, i) => i + 1))
  expect(tree.broken).toBe(0)
  expect(tree.last).toEqual(Array.from({ length: 4096 }, (_, i) => 4096 + i))
  const { depth, states, transitions, bytes } = tree.frontier.coverage()
  expect([depth, states, transitions]).toEqual([12, 4095, 8190])
  // 2048 lists of 602 integers, with their lengths, in the level that was gone on from last.
  expect(bytes).toBeGreaterThan(2048 * 602 * 4)
})

test('the way to a state is told from its beginning', () => {
  const tree = new Tree()
  tree.frontier.walk({ depth: 4, memory: 2 ** 30 }, tree)
  // Node 11 = 1 -> 2 -> 5 -> 11, and right of it 23.
  const path = tree.frontier.pathBy(tree.met.indexOf(11), 1)
  expect(path.map(({ text }) => text)).toEqual(['left', 'right', 'right', 'right'])
})

test('what is met again is not kept, and a search without anything new ends', () => {
  const frontier = new Frontier(ACTIONS)
  const list = Int32Array.of(0)
  const meet = (state: number, by: number, value: number): void => {
    list[0] = value
    frontier.meet(state, by, list, 1)
  }
  meet(-1, 0, 0)
  const ring = {
    expand: (from: Int32Array, start: number, state: number): boolean => {
      meet(state, 0, ((from[start] ?? 0) + 1) % 5)
      return false
    },
    enough: () => false,
  }
  expect(frontier.walk({ depth: 40, memory: 2 ** 30 }, ring)).toBe('')
  expect(frontier.coverage()).toMatchObject({ depth: 40, states: 5 })
})
