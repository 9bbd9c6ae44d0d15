/** by-id.test: against a Map, on random orders of numbers; and how much room is taken. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ById } from './by-id.ts'

test('what is found by its number is what a Map finds', () => {
  // Few numbers, in steps of 8 as well: with 16 places many of them want the same one.
  const id = fc.oneof(
    fc.nat(40),
    fc.nat(40).map((n) => 8 * n),
  )
  const step = fc.tuple(fc.constantFrom('set', 'delete', 'clear'), id)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const things = new ById<string>()
      const map = new Map<number, string>()
      for (const [i, [what, id]] of steps.entries()) {
        if (what === 'set') {
          things.set(id, `${i}`)
          map.set(id, `${i}`)
        } else if (what === 'delete') {
          things.delete(id)
          map.delete(id)
        } else if (i % 16 === 0) {
          things.clear()
          map.clear()
        }
        expect(things.size).toBe(map.size)
        for (let n = 0; n <= 320; n++) expect(things.get(n)).toBe(map.get(n))
        const ascending = [...map].sort(([a], [b]) => a - b).map(([, thing]) => thing)
        expect(things.values()).toEqual(ascending)
        for (const [n, thing] of map)
          expect(things.some((other) => other === thing)).toBe(map.has(n))
        expect(things.some((thing) => thing === 'none')).toBe(false)
      }
    }),
    { numRuns: 30 },
  )
})

test('numbers that follow one another take no more room than there are things at once', () => {
  const things = new ById<number>()
  for (let id = 0; id < 100_000; id++) {
    things.set(id, id)
    if (id >= 4) things.delete(id - 4)
  }
  expect(things.values()).toEqual([99_996, 99_997, 99_998, 99_999])
})
