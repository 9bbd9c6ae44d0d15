/** ops.test: every constant that a person may read or write has a word, and no two have the same. */
import { expect, test } from 'vitest'
import * as ops from './ops.ts'

/** Values of the constants whose names begin so. */
function constants(prefix: string): number[] {
  return Object.entries(ops).flatMap(([name, value]) =>
    name.startsWith(prefix) && typeof value === 'number' ? [value] : [],
  )
}

test.each([
  ['OP_', 35, Object.entries(ops.OP_LABELS)],
  ['MAP_', 3, Object.entries(ops.MAP_LABELS)],
  ['MADV_', 9, Object.entries(ops.MADV_LABELS)],
  ['PIN_', 5, Object.entries(ops.PIN_LABELS)],
] as const)('%s: %i constants, each with a label of its own', (prefix, count, labels) => {
  expect(labels.map(([value]) => Number(value))).toEqual(constants(prefix).sort((a, b) => a - b))
  expect(new Set(labels.map(([, label]) => label)).size).toBe(count)
})

test('a protection that combines others has a word too', () => {
  expect(ops.PROT_LABELS).toEqual({ 0: 'none', 1: 'ro', 2: 'wo', 3: 'rw' })
})

test('every operation has a list of operands', () => {
  expect(ops.OPERANDS).toHaveLength(ops.OP_LABELS.length)
})
