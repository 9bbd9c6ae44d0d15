/** trace.test: the writer refuses what its columns cannot hold. */
import { expect, test } from 'vitest'
import { TraceWriter } from './trace.ts'

const absent = undefined as unknown as number

test.each<[string, (t: TraceWriter) => void]>([
  ['vpn of store: NaN', (t) => t.store(0, 7 + absent)],
  ['vpn of load: undefined', (t) => t.load(0, absent)],
  ['vpn of store: 0.5', (t) => t.store(0, 0.5)],
  ['vpn of store: 2147483648', (t) => t.store(0, 2 ** 31)],
  ['mm of store: undefined', (t) => t.store(absent, 7)],
  ['mm of exit: 1.5', (t) => t.exit(1.5)],
  ['pages of mmap: 4294967296', (t) => t.mmap(0, 0, 2 ** 32, 0, 3)],
  ['prot of mmap: undefined', (t) => t.mmap(0, 0, 1, 0, absent)],
  ['kind of pin: undefined', (t) => t.pin(0, 0, 1, absent)],
  ['pages of munmap: 5', (t) => t.munmap(0, 0, '5' as never)],
  ['vpn of writesame: NaN', (t) => t.storeSame(0, [1, Number.NaN])],
  ['first of begin: Infinity', (t) => t.beginStore(0, Number.POSITIVE_INFINITY)],
])('an operand that is no whole number of 32 bits is refused: %s', (what, write) => {
  const t = new TraceWriter()
  t.spawn()
  expect(() => write(t)).toThrow(`invalid ${what}; expected a whole number of 32 bits`)
})

test('the largest and the smallest that fit are written as they are', () => {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.store(mm, 2 ** 31 - 1)
  t.store(mm, -(2 ** 31))
  t.munmap(mm, -0, 2 ** 31 - 1)
  expect([...t.finish().args]).toEqual([2 ** 31 - 1, -(2 ** 31), 0, 2 ** 31 - 1])
})
