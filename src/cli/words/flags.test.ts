/** flags.test: what flags mean, and the one line for those that mean nothing. */
import { expect, test } from 'vitest'
import { parseList, parseName, parseParams, parseShard, parseSweeps, parseWhole } from './flags.ts'
import { usageMessage } from './usage-error.ts'

test('a list may be written with commas, by repeating the flag, or both', () => {
  expect(parseList('policy', ['a,b', 'c'])).toEqual(['a', 'b', 'c'])
})

test('a range holds both of its ends, and the step may be left out', () => {
  const sweeps = parseSweeps(['pages=64..256:64', 'k=1..3', 'odd=1..6:2', 'kind=get,pin'])
  expect(Object.fromEntries(sweeps)).toEqual({
    pages: ['64', '128', '192', '256'],
    k: ['1', '2', '3'],
    odd: ['1', '3', '5'],
    kind: ['get', 'pin'],
  })
})

test('a value may contain an equals sign, a name may not', () => {
  expect([...parseParams(['a=b=c'])]).toEqual([['a', 'b=c']])
})

test('a shard counts from 1', () => {
  expect(parseShard('1/1')).toEqual({ i: 1, n: 1 })
  expect(parseShard('4/4')).toEqual({ i: 4, n: 4 })
})

test.each<[() => unknown, string]>([
  [() => parseList('policy', ['a,,b']), 'invalid --policy: a,,b; expected a,b'],
  [() => parseList('policy', ['a', 'a']), 'invalid --policy: a is named twice'],
  [() => parseWhole('jobs', '0', 1, 64), 'invalid --jobs: 0; expected a whole number from 1 to 64'],
  [
    () => parseWhole('jobs', '2.5', 1, 64),
    'invalid --jobs: 2.5; expected a whole number from 1 to 64',
  ],
  [
    () => parseWhole('jobs', '1e1', 1, 64),
    'invalid --jobs: 1e1; expected a whole number from 1 to 64',
  ],
  [() => parseParams(['pages']), 'invalid --param: pages; expected name=value'],
  [() => parseParams(['pages=']), 'invalid --param: pages=; expected name=value'],
  [() => parseParams(['a=1', 'a=1']), 'invalid --param: a is set twice'],
  [() => parseSweeps(['pages']), 'invalid --sweep: pages; expected name=v1,v2 or name=lo..hi:step'],
  [() => parseSweeps(['p=1,']), 'invalid --sweep: p=1,; expected name=v1,v2 or name=lo..hi:step'],
  [
    () => parseSweeps(['p=9..1:1']),
    'invalid --sweep: p=9..1:1; expected name=v1,v2 or name=lo..hi:step',
  ],
  [
    () => parseSweeps(['p=1..9:0']),
    'invalid --sweep: p=1..9:0; expected name=v1,v2 or name=lo..hi:step',
  ],
  [
    () => parseSweeps(['p=1..x']),
    'invalid --sweep: p=1..x; expected name=v1,v2 or name=lo..hi:step',
  ],
  [
    () => parseSweeps(['p=1..99999']),
    'invalid --sweep: p=1..99999 has 99999 values; expected at most 10000',
  ],
  [() => parseSweeps(['p=1', 'p=2']), 'invalid --sweep: p is swept twice'],
  [() => parseShard('0/2'), 'invalid --shard: 0/2; expected i/n with i from 1 to n, such as 1/4'],
  [() => parseShard('3/2'), 'invalid --shard: 3/2; expected i/n with i from 1 to n, such as 1/4'],
  [() => parseShard('half'), 'invalid --shard: half; expected i/n with i from 1 to n, such as 1/4'],
  [() => parseName('a/b'), 'invalid --name: a/b; expected the name of a folder (see also --out)'],
  [() => parseName('..'), 'invalid --name: ..; expected the name of a folder (see also --out)'],
])('%o is refused', (parse, message) => {
  expect(parse).toThrow(message)
  try {
    parse()
  } catch (error) {
    expect(usageMessage(error)).toBe(message)
  }
})

test('an error in the closed vocabulary is a usage error, a bug is not', () => {
  expect(usageMessage(new RangeError('unknown policy: x; available: y'))).toMatch(/^unknown policy/)
  expect(usageMessage(new TypeError("can't read properties of undefined"))).toBeUndefined()
  expect(usageMessage('truncated')).toBeUndefined()
})
