/** page-map.test: integers by page, their tables, and that tables are given back and come back empty. */
import { expect, test } from 'vitest'
import { PageMap } from './page-map.ts'

function opened(mms = 3): PageMap {
  const map = new PageMap()
  for (let mm = 0; mm < mms; mm++) map.open(mm)
  return map
}

test('pages are 0 until they are set, and 0 takes no table', () => {
  const map = opened()
  map.set(0, 5000, 0)
  expect(map.used).toBe(0)
  map.set(0, 5000, 17)
  expect(map.used).toBe(1)
  expect([4999, 5000, 5001, 1_000_000].map((vpn) => map.get(0, vpn))).toEqual([0, 17, 0, 0])
  expect(map.get(1, 5000)).toBe(0)
})

test('a copy has the same integers and tables of its own', () => {
  const map = opened()
  for (let vpn = 0; vpn < 2000; vpn += 3) map.set(0, vpn, vpn + 1)
  map.copy(0, 1)
  map.set(0, 999, 5)
  map.set(1, 3, 6)
  expect([map.get(0, 3), map.get(1, 3), map.get(0, 999), map.get(1, 999)]).toEqual([4, 6, 5, 1000])
  // 2,000 pages lie in 4 tables, twice.
  expect(map.used).toBe(8)
})

test('clear zeroes the range and nothing beside it, and frees whole tables', () => {
  const map = opened()
  for (let vpn = 0; vpn < 2048; vpn++) map.set(0, vpn, 1)
  map.clear(0, 500, 1100)
  const left = Array.from({ length: 2048 }, (_, vpn) => vpn).filter((vpn) => map.get(0, vpn) === 1)
  expect(left.length).toBe(2048 - 1100)
  expect([map.get(0, 499), map.get(0, 500), map.get(0, 1599), map.get(0, 1600)]).toEqual([
    1, 0, 0, 1,
  ])
  // Of the tables 0 to 3 the range covers 1 and 2 whole.
  expect(map.used).toBe(2)
  map.clear(0, 0, 1_000_000)
  expect(map.used).toBe(0)
})

test('recycled tables are empty, and the arena does not grow for them', () => {
  const map = opened()
  for (let round = 0; round < 100; round++) {
    for (let vpn = 0; vpn < 4096; vpn += 512) map.set(0, vpn, round + 1)
    map.copy(0, 1)
    map.drop(0)
    map.drop(1)
    expect(map.used).toBe(0)
    map.set(2, 1, 9)
    expect(Array.from({ length: 512 }, (_, vpn) => map.get(2, vpn)).filter((n) => n !== 0)).toEqual(
      [9],
    )
    map.drop(2)
  }
  // 16 tables at once, the empty one, and what doubling rounds up to.
  expect(map.arena.length).toBe(32 * 512)
})

test('room that is made at once holds what was there, and is not made again', () => {
  const map = new PageMap()
  map.open(0)
  map.set(0, 3, 33)
  map.reserve(512 * 100)
  const { arena } = map
  for (let table = 1; table <= 100; table++) map.set(0, 512 * table, table)
  expect(map.arena === arena).toBe(true)
  expect([map.get(0, 3), map.get(0, 51_200)]).toEqual([33, 100])
})
