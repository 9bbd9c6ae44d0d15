/** expect.test: which expectation counts for which policy, and when an outcome meets it. */
import { expect, test } from 'vitest'
import { expectationFor, meets } from './expect.ts'
import { parseLitmus } from './parse.ts'

function operationWith(...expectations: string[]) {
  const text = ['spawn A', 'mmap A buf 8', 'read A buf[0..3]', ...expectations].join('\n')
  const operation = parseLitmus(text, 't.cow').operations.at(-1)
  if (operation === undefined) throw new Error('no operation')
  return operation
}

test('the last line that speaks for the policy counts', () => {
  const operation = operationWith(
    'expect zeropage',
    'expect[mapcount, 5.8.1] swapin',
    'expect[drained] nofault',
  )
  expect(expectationFor(operation, ['page-count'])?.outcome).toBe('zeropage')
  expect(expectationFor(operation, ['mapcount'])?.outcome).toBe('swapin')
  expect(expectationFor(operation, ['forced-gup-break', '5.8.1'])?.outcome).toBe('swapin')
  expect(expectationFor(operation, ['mapcount', 'drained'])?.outcome).toBe('nofault')
})

test('an operation that no line speaks for has no expectation', () => {
  expect(expectationFor(operationWith('expect[mapcount] swapin'), ['mm-id'])).toBeUndefined()
})

test.each([
  ['expect nofault', '0..3=nofault', true],
  ['expect nofault', '0..2=nofault,3=swapin', false],
  ['expect 0..1=nofault,2..3=swapin', '0..1=nofault,2..3=swapin', true],
  // The same pages, written another way.
  ['expect 0=nofault,1=nofault,2..3=swapin', '0..1=nofault,2..3=swapin', true],
  ['expect 0..1=nofault', '0..3=nofault', false],
])('%s against %s: %s', (line, outcome, met) => {
  const expectation = expectationFor(operationWith(line), [])
  expect(expectation && meets(expectation, outcome, [])).toBe(met)
})

test('flags count where the expectation names them, and `clean` names none', () => {
  const meetsFlags = (line: string, flags: string[]) => {
    const expectation = expectationFor(operationWith(line), [])
    return expectation && meets(expectation, '0..3=nofault', flags)
  }
  expect(meetsFlags('expect nofault', ['leak'])).toBe(true)
  expect(meetsFlags('expect nofault clean', ['leak'])).toBe(false)
  expect(meetsFlags('expect nofault clean', [])).toBe(true)
  expect(meetsFlags('expect nofault mismatch leak', ['leak', 'mismatch'])).toBe(true)
  expect(meetsFlags('expect nofault leak', ['leak', 'mismatch'])).toBe(false)
})
