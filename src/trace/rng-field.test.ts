/** rng-field.test: the order of asking changes nothing, the place everything, and all bits are even. */
import { expect, test } from 'vitest'
import { RngField } from './rng-field.ts'

test('a place yields the same bits in whatever order it is asked', () => {
  const field = new RngField(7, 'noise')
  const once = [field.at(1, 2), field.at(3, 4), field.at(2 ** 33 + 1, 2)]
  expect([field.at(3, 4), field.at(1, 2)]).toEqual([once[1], once[0]])
  // Modulo 2^32.
  expect(once[2]).toBe(once[0])
  // Recorded: the same on every machine, engine and Node version.
  expect(once).toEqual([3_876_438_187, 2_938_449_412, 3_876_438_187])
})

test('the order of the pair, the seed and the name all matter', () => {
  const bits = [
    new RngField(7, 'noise').at(1, 2),
    new RngField(7, 'noise').at(2, 1),
    new RngField(8, 'noise').at(1, 2),
    new RngField(7, 'lock').at(1, 2),
  ]
  expect(new Set(bits).size).toBe(4)
})

test('neighbouring places are even: every bit is set in half of 40,000 draws', () => {
  const field = new RngField(1, 'even')
  const set = new Array<number>(32).fill(0)
  for (let a = 0; a < 200; a++)
    for (let b = 0; b < 200; b++) {
      const word = field.at(a, b)
      for (let bit = 0; bit < 32; bit++) set[bit]! += (word >>> bit) & 1
    }
  // 20,000 expected, standard deviation 100.
  for (const count of set) expect(Math.abs(count - 20_000)).toBeLessThan(450)
})
