/** tokens.test: every token is new, its author is known, and a fork draws a line through them. */
import { expect, test } from 'vitest'
import { NOBODY, Tokens } from './tokens.ts'

test('tokens are distinct and lead to their author, over many blocks', () => {
  const tokens = new Tokens()
  for (const mm of [0, 1, 200]) tokens.open(mm)
  const seen = new Map<number, number>()
  for (let i = 0; i < 1000; i++) {
    for (const mm of [0, 1, 200]) seen.set(tokens.store(mm), mm)
    seen.set(tokens.device(1), 1)
    seen.set(tokens.shared(), NOBODY)
  }
  expect(seen.size).toBe(5000)
  for (const [token, author] of seen) expect(tokens.author(token)).toBe(author)
  expect(tokens.author(0)).toBe(NOBODY)
})

test('tokens of devices are told from tokens of processes', () => {
  const tokens = new Tokens()
  tokens.open(0)
  expect(tokens.fromDevice(tokens.device(0))).toBe(true)
  expect(tokens.fromDevice(tokens.store(0))).toBe(false)
  expect(tokens.fromDevice(tokens.shared())).toBe(false)
  expect(tokens.fromDevice(0)).toBe(false)
})

test('what is stored after a fork is greater than everything before it', () => {
  const tokens = new Tokens()
  for (const mm of [0, 1]) tokens.open(mm)
  const before = [tokens.store(0), tokens.device(0), tokens.store(1)]
  const line = tokens.fork(0)
  const after = [tokens.store(0), tokens.device(0)]
  expect(Math.max(...before)).toBeLessThan(line)
  expect(Math.min(...after)).toBeGreaterThanOrEqual(line)
})

test('one content number is one token', () => {
  const tokens = new Tokens()
  for (const mm of [0, 1]) tokens.open(mm)
  const token = tokens.content(0, 5)
  expect(tokens.content(0, 5)).toBe(token)
  expect(tokens.content(0, 6)).not.toBe(token)
  expect(tokens.author(token)).toBe(0)
  tokens.content(1, 5)
  expect(tokens.author(token)).toBe(NOBODY)
})

test('when all tokens are used up it says so, rather than giving one out twice', () => {
  // Four blocks of 256, of which the first holds token 0 and is not given out.
  const tokens = new Tokens(1024)
  tokens.open(0)
  for (let i = 0; i < 768; i++) tokens.store(0)
  expect(() => tokens.store(0)).toThrow(
    'unsupported trace: more stores than the oracle can tell apart; expected: fewer than 1024, ' +
      'counting 256 for every process and fork',
  )
})

test('a token that was never given out has no author', () => {
  const tokens = new Tokens()
  expect(() => tokens.author(256)).toThrow('unknown token: 256')
  expect(() => tokens.author(-5)).toThrow('unknown token: -5')
})
