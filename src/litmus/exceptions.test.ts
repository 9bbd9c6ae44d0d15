/** exceptions.test: the reviewed exceptions: there are none, and what an entry would do. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LITMUS, TRUTH } from '../test/litmus-models.ts'
import { parseExceptions } from './exceptions.ts'
import { readExceptions } from './library.ts'

const FILE = join(LITMUS, 'exceptions.json')
const ENTRY = {
  ...{ kernel: '6.18.44', test: '01_fork_parent_write', state: 'natural', n: 5 },
  ...{ got: '0=reuse', why: 'a reason' },
}
const parse = (entry: object) => parseExceptions(JSON.stringify({ exceptions: [entry] }), 'e.json')

test('no disagreement with a recorded kernel is excused', () => {
  expect(readExceptions(FILE)).toEqual([])
})

test('an entry needs all of its fields, a state that exists and a reason', () => {
  expect(parse(ENTRY)).toEqual([ENTRY])
  for (const wrong of [{ why: '' }, { state: 'warm' }, { n: '5' }, { kernel: undefined }]) {
    expect(() => parse({ ...ENTRY, ...wrong })).toThrow(
      'invalid exceptions file: e.json: exception 1',
    )
  }
  expect(() => parseExceptions('{}', 'e.json')).toThrow('e.json: missing exceptions')
  expect(() => parseExceptions('[', 'e.json')).toThrow('e.json: not JSON')
})

test('the file says what an entry looks like', () => {
  const { about } = JSON.parse(readFileSync(FILE, 'utf8')) as { about: string[] }
  for (const field of Object.keys(ENTRY)) expect(about.join(' ')).toContain(`"${field}":`)
})

test('a record is no exceptions file', () => {
  expect(() => readExceptions(join(TRUTH, '6.18.44.json'))).toThrow('missing exceptions')
})
