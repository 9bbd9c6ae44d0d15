import { expect, test } from 'vitest'
import { SwapSlots } from './swap.ts'

test('a slot holds the bytes that went out, and is never slot 0', () => {
  const swap = new SwapSlots()
  const slot = swap.alloc(42)
  expect(slot).toBe(1)
  expect(swap.token[slot]).toBe(42)
})

test('a slot is given back with its last entry, and handed out again', () => {
  const swap = new SwapSlots()
  const slot = swap.alloc(1)
  swap.duplicate(slot)
  swap.duplicate(slot)
  swap.put(slot)
  expect(swap.used).toBe(1)
  swap.put(slot)
  expect(swap.used).toBe(0)
  expect(swap.alloc(2)).toBe(slot)
})

test('a slot stays while a page in the swapcache has it', () => {
  const swap = new SwapSlots()
  const slot = swap.alloc(1)
  swap.duplicate(slot)
  swap.cached[slot] = 1024
  swap.put(slot)
  expect(swap.used).toBe(1)
  swap.cached[slot] = 0
  swap.freeIfUnused(slot)
  expect(swap.used).toBe(0)
})

test('more slots than there is room for make room, and lose nothing', () => {
  const swap = new SwapSlots()
  const first = swap.alloc(7)
  swap.duplicate(first)
  // Room is for slots 1 to 1,023 at first.
  for (let i = 0; i < 2000; i++) swap.alloc(i)
  expect(swap.end).toBe(2002)
  expect([swap.token[first], swap.count[first]]).toEqual([7, 1])
})

test('the columns stay what they are while there is room that was reserved', () => {
  const swap = new SwapSlots()
  const first = swap.alloc(7)
  // One slot is free again, and 1,022 were never used.
  swap.duplicate(first)
  swap.put(first)
  const { token } = swap
  swap.reserve(1023)
  expect(swap.token).toBe(token)
  swap.reserve(1024)
  const { count } = swap
  expect(count.length).toBe(2048)
  for (let i = 0; i < 1024; i++) swap.alloc(i)
  expect(swap.count).toBe(count)
})
