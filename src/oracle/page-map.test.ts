/** page-map.test: integers by page, their tables, and that tables are given back and come back empty. */
import fc from 'fast-check'
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

test('a copy has the same integers, and a table of its own from the first store on', () => {
  const map = opened()
  for (let vpn = 0; vpn < 2000; vpn += 3) map.set(0, vpn, vpn + 1)
  map.copy(0, 1)
  expect(map.used).toBe(4)
  map.set(0, 999, 5)
  map.set(1, 3, 6)
  expect([map.get(0, 3), map.get(1, 3), map.get(0, 999), map.get(1, 999)]).toEqual([4, 6, 5, 1000])
  // 2,000 pages lie in 4 tables, two of which are there twice by now.
  expect(map.used).toBe(6)
})

test('three processes share what none of them stores to, whoever goes first', () => {
  const map = opened()
  for (let vpn = 0; vpn < 1024; vpn++) map.set(0, vpn, vpn + 1)
  map.copy(0, 1)
  map.copy(1, 2)
  map.clear(0, 100, 2)
  map.drop(0)
  expect([map.used, map.get(1, 100), map.get(2, 1023)]).toEqual([2, 101, 1024])
  map.set(1, 100, 7)
  map.drop(1)
  expect([map.used, map.get(2, 100)]).toEqual([2, 101])
  map.clear(2, 0, 1024)
  expect(map.used).toBe(0)
})

test('a table that is copied where the arena is full keeps the integer stored to it', () => {
  const map = opened(12)
  map.set(0, 1, 3)
  for (let mm = 1; mm < 12; mm++) {
    map.copy(0, mm)
    map.set(mm, 1, mm + 10)
  }
  expect(Array.from({ length: 12 }, (_, mm) => map.get(mm, 1))).toEqual([
    3, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
  ])
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
    for (let vpn = 0; vpn < 4096; vpn += 512) map.set(1, vpn + 1, 2)
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

test('whatever is stored, copied, cleared and dropped, every process has integers of its own', () => {
  const mms = 4
  const pages = 2048
  const step = fc.record({
    what: fc.constantFrom('set', 'set', 'set', 'copy', 'clear', 'drop'),
    mm: fc.nat(mms - 1),
    vpn: fc.nat(pages - 1),
    pages: fc.integer({ min: 1, max: 1200 }),
    value: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const map = opened(mms)
      const naive = Array.from({ length: mms }, () => new Map<number, number>())
      for (const { what, mm, vpn, pages, value } of steps) {
        const child = (mm + 1 + value) % mms
        if (what === 'set') {
          map.set(mm, vpn, value)
          naive[mm]!.set(vpn, value)
        } else if (what === 'clear') {
          map.clear(mm, vpn, pages)
          for (let at = vpn; at < vpn + pages; at++) naive[mm]!.delete(at)
        } else {
          const gone = what === 'drop' ? mm : child
          if (what === 'copy' && gone === mm) continue
          map.drop(gone)
          if (what === 'copy') map.copy(mm, gone)
          naive[gone] = new Map(what === 'copy' ? naive[mm] : [])
        }
        for (let one = 0; one < mms; one++) {
          const at = map.ownPosition(one, vpn)
          if (at >= 512) expect(map.arena[at]).toBe(map.get(one, vpn))
        }
      }
      for (let mm = 0; mm < mms; mm++) {
        for (let vpn = 0; vpn < pages; vpn++) {
          if (map.get(mm, vpn) !== (naive[mm]!.get(vpn) ?? 0)) {
            throw new Error(`page ${vpn} of ${mm}: ${map.get(mm, vpn)}`)
          }
        }
        map.drop(mm)
      }
      expect(map.used).toBe(0)
    }),
    { seed: 7, numRuns: 200 },
  )
})
