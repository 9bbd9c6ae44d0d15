/** moves.test: homes of moved pages, and that nothing is remembered of ranges that are gone. */
import { expect, test } from 'vitest'
import { Moves } from './moves.ts'

test('a page that was never moved is at home', () => {
  const moves = new Moves()
  expect(moves.none).toBe(true)
  expect(moves.home(0, 5)).toBe(5)
  expect(moves.places(0, 5)).toEqual([5])
})

test('moves of moves lead back to the first address', () => {
  const moves = new Moves()
  moves.move(0, 0, 8, 100)
  moves.move(0, 102, 2, 200)
  moves.move(0, 201, 1, 300)
  expect([100, 101, 104, 200, 300].map((vpn) => moves.home(0, vpn))).toEqual([0, 1, 4, 2, 3])
  expect(moves.places(0, 3)).toEqual([3, 300])
  // Page 3 goes home: there is nothing to remember about it.
  moves.move(0, 300, 1, 3)
  expect(moves.places(0, 3)).toEqual([3])
})

test('a child inherits what was moved before the fork, and each goes on alone', () => {
  const moves = new Moves()
  moves.move(0, 0, 8, 100)
  moves.fork(0, 1)
  moves.move(1, 100, 8, 200)
  expect([moves.home(0, 104), moves.home(1, 204)]).toEqual([4, 4])
})

test('what is unmapped or dropped is forgotten', () => {
  const moves = new Moves()
  moves.move(0, 0, 8, 100)
  moves.unmap(0, 102, 3)
  expect([101, 102, 105].map((vpn) => moves.home(0, vpn))).toEqual([1, 102, 5])
  moves.unmap(0, 100, 8)
  expect(moves.none).toBe(true)
  moves.move(1, 0, 8, 100)
  moves.drop(1)
  expect(moves.none).toBe(true)
})
