/** usage-error.test: which errors are told in one line, and which are the program's own. */
import { expect, test } from 'vitest'
import { actionsOf } from '../../check/actions.ts'
import { parseLitmus } from '../../litmus/parse.ts'
import { usageMessage } from './usage-error.ts'

const START = 'spawn A\nmmap A buf 2\nwrite A buf\npin A buf P vmsplice\nbegin T fork A B\n'

test.each([
  ['spawn A', 'duplicate process: A'],
  ['mmap A buf 1', 'duplicate area: buf'],
  ['pin A buf P vmsplice', 'duplicate pin: P'],
  ['begin T fork A C', 'duplicate task: T'],
])('a name that is given twice in a test is a mistake of its author: %s', (line, what) => {
  expect(told(() => parseLitmus(`${START}${line}\n`, 't.cow'))).toBe(`t.cow:6: ${what}`)
})

function told(call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return usageMessage(error)
  }
  return 'no error'
}

test('what is wrong with the program itself is no mistake of its user', () => {
  expect(() => actionsOf('jump', [], 1, 1)).toThrow('broken model: no action jump')
  expect(told(() => actionsOf('jump', [], 1, 1))).toBeUndefined()
})
