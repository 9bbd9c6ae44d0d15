/** cost.test: the built-in profiles say what their sources say, and a file that is wrong is refused by name. */
import { expect, test } from 'vitest'
import { COST_PROFILES, COST_UNITS, type CostProfile, parseCostProfile } from './cost.ts'

const bare = COST_PROFILES['bare-metal'] as CostProfile
const vm = COST_PROFILES['vm'] as CostProfile

test('a GiB of present PTEs forks in the 3.91 to 4.44 ms that the mailing list measured', () => {
  const gib = 512 * (bare.tableAlloc + 512 * bare.ptePerFork)
  expect(gib / 1e6).toBeGreaterThan(3.91)
  expect(gib / 1e6).toBeLessThan(4.44)
})

test('a fault that copies takes 750 ns and one that reuses 400', () => {
  expect(bare.faultEntry + bare.copy4k).toBe(750)
  expect(bare.faultEntry + bare.reuse).toBe(400)
})

test('in a guest, faults cost six times as much', () => {
  expect(vm.faultEntry + vm.copy4k).toBe(6 * 750)
  expect(vm.faultEntry + vm.reuse).toBe(6 * 400)
})

test('a profile written as JSON is read back', () => {
  expect(parseCostProfile(JSON.parse(JSON.stringify(vm)))).toEqual(vm)
})

test('what a file leaves out comes from its base', () => {
  expect(parseCostProfile({ base: 'vm', copy4k: 0.5 })).toEqual({ ...vm, copy4k: 0.5 })
})

test('every profile gives every unit', () => {
  for (const profile of Object.values(COST_PROFILES)) {
    expect(Object.keys(profile).sort()).toEqual(Object.keys(COST_UNITS).sort())
  }
})

test.each([
  [[1], 'invalid cost profile: expected an object of nanoseconds per unit of work'],
  [null, 'invalid cost profile: expected an object of nanoseconds per unit of work'],
  [{ copy4k: 5 }, 'missing cost: faultEntry; or name a base to take it from'],
  [{ base: 'toString' }, 'unknown base: toString; available: bare-metal, vm'],
  [{ base: 'mars' }, 'unknown base: mars; available: bare-metal, vm'],
  [{ base: 'vm', copy4k: -1 }, 'invalid cost of copy4k: -1; expected nanoseconds, 0 to 1e12'],
  [{ base: 'vm', copy4k: '5' }, 'invalid cost of copy4k: 5; expected nanoseconds, 0 to 1e12'],
])('%j is refused', (json, message) => {
  expect(() => parseCostProfile(json)).toThrow(new RangeError(message))
})

test('an unknown unit is refused with those that exist', () => {
  expect(() => parseCostProfile({ base: 'vm', toString: 1 })).toThrow(
    /^unknown cost: toString; available: faultEntry, zeroFill4k, /,
  )
})
