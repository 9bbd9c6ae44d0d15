import { expect, test } from 'vitest'
import { PageTables, PTE_PRESENT, PTE_TOK, PTE_WRITE, TABLE_PAGES } from './tables.ts'

test('a fresh table is empty, belongs to one process, and is not the empty table', () => {
  const tables = new PageTables()
  const offset = tables.alloc()
  expect(offset).toBe(TABLE_PAGES)
  expect(tables.ptes.subarray(offset, offset + TABLE_PAGES).every((pte) => pte === 0)).toBe(true)
  expect([tables.shares[1], tables.owner[1]]).toEqual([1, 0])
})

test('a table that is given back forgets its entries and its owner', () => {
  const tables = new PageTables()
  const offset = tables.alloc()
  tables.ptes[offset + 9] = PTE_PRESENT
  tables.owner[1] = 4
  tables.release(offset)
  expect(tables.shares[1]).toBe(0)
  expect(tables.alloc()).toBe(offset)
  expect(tables.ptes[offset + 9]).toBe(0)
  expect(tables.owner[1]).toBe(0)
})

test('tables in use and the most at once are counted', () => {
  const tables = new PageTables()
  const offsets = [tables.alloc(), tables.alloc(), tables.alloc()]
  for (const offset of offsets) tables.release(offset)
  tables.alloc()
  expect({ used: tables.used, peak: tables.peak }).toEqual({ used: 1, peak: 3 })
})

test('what was checked is forgotten in the tables named, and in no other', () => {
  const tables = new PageTables()
  const [a, b] = [tables.alloc(), tables.alloc()]
  const checked = PTE_PRESENT | PTE_WRITE | PTE_TOK
  tables.ptes[a + 3] = checked
  tables.ptes[b + 3] = checked
  tables.forgetChecked(Int32Array.of(0, a, 0))
  expect([tables.ptes[a + 3], tables.ptes[b + 3]]).toEqual([PTE_PRESENT | PTE_WRITE, checked])
})

test('more tables than there is room for make room, and lose nothing', () => {
  const tables = new PageTables()
  const first = tables.alloc()
  tables.ptes[first + 511] = 99
  tables.shares[1] = 3
  // Room is for 15 tables beside the empty one.
  for (let i = 0; i < 40; i++) tables.alloc()
  expect([tables.ptes[first + 511], tables.shares[1], tables.end]).toEqual([99, 3, 42])
})

test('room that is made at once holds what was there, and is not made again', () => {
  const tables = new PageTables()
  const first = tables.alloc()
  tables.ptes[first + 5] = 7
  tables.reserve(512 * 1000)
  const { ptes } = tables
  expect(ptes[first + 5]).toBe(7)
  // One table is in use, the empty one is never handed out, and 1,000 have room.
  expect(ptes.length).toBe(1002 * 512)
  for (let i = 0; i < 1000; i++) tables.alloc()
  expect(tables.ptes === ptes).toBe(true)
  tables.alloc()
  expect(tables.ptes === ptes).toBe(false)
})
