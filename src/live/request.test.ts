/** request.test: litmus tests as the driver takes them, and its answers as they are understood. */
import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { PAGE_NONE, PAGE_SMALL, REFUSED } from '../litmus/machine-shape.ts'
import { parseLitmus } from '../litmus/parse.ts'
import { OP_MREMAP, OP_STORE } from '../trace/ops.ts'
import { resultsOf } from './machine.ts'
import { answerLength, decodeAnswer, encodeTest, type OperationSeen } from './request.ts'

const OPTIONS = { drained: false, thpAlways: false }
const PAGE = 4096n
const BASE = 0x100_0000_0000n
/** Of a request: 16 bytes of header, 64 for each operation. */
const at = (operation: number) => 16 + 64 * (operation - 1)

test('areas keep their distance, also when they are moved', () => {
  const request = encodeTest(
    parseLitmus('spawn A\nmmap A a 8\nmmap A b 600\nwrite A b[3]\nmremap A b[1..2] c', 't'),
    OPTIONS,
  )
  expect(request.length).toBe(at(6))
  expect(request.readUInt32LE(at(4))).toBe(OP_STORE)
  // b begins at page 512 of the test, and 1,024 pages further on than that.
  expect(request.readBigUInt64LE(at(4) + 8)).toBe(BASE + (512n + 1024n + 3n) * PAGE)
  expect(request.readUInt32LE(at(5))).toBe(OP_MREMAP)
  // c is the third area: b took two tables' worth of pages.
  expect(request.readBigUInt64LE(at(5) + 24)).toBe(BASE + (512n + 1024n + 2048n) * PAGE)
})

test('an area is told to be huge, or to stay small where everything is huge', () => {
  const advice = (text: string, thpAlways: boolean) =>
    encodeTest(parseLitmus(`spawn A\n${text}`, 't'), { drained: false, thpAlways }).readBigUInt64LE(
      at(2) + 40,
    )
  expect(advice('mmap A a 512 thp', false)).toBe(14n) // MADV_HUGEPAGE
  expect(advice('mmap A a 8', false)).toBe(0n)
  expect(advice('mmap A a 8', true)).toBe(15n) // MADV_NOHUGEPAGE
  expect(advice('mmap A a 8 shared', true)).toBe(0n)
})

test('an answer is an operation, its pages, the next operation', () => {
  const bytes = Buffer.alloc(16 + 48 + 16)
  bytes.writeBigUInt64LE(1n, 8)
  bytes.writeUInt32LE(PAGE_NONE, 16 + 8)
  bytes.writeBigUInt64LE(77n, 16 + 16)
  bytes.writeUInt32LE(PAGE_SMALL, 16 + 24)
  bytes.writeBigUInt64LE(99n, 16 + 32)
  bytes.writeUInt32LE(1, 16 + 40)
  bytes.writeUInt32LE(2, 64)
  bytes.writeUInt32LE(22, 68)
  expect(decodeAnswer(bytes)).toEqual([
    {
      ...{ status: 0, error: 0 },
      pages: [
        {
          before: { kind: PAGE_NONE, pfn: 0, flags: 0 },
          after: { kind: PAGE_SMALL, pfn: 77, flags: 0 },
          ...{ token: 99, faults: 1, status: 0 },
        },
      ],
    },
    { status: 2, error: 22, pages: [] },
  ])
  expect(() => answerLength(Buffer.alloc(8))).toThrow('invalid answer of the live driver')
})

const MISSING = { kind: PAGE_NONE, pfn: 0, flags: 0 }
const frame = (pfn: number) => ({ kind: PAGE_SMALL, pfn, flags: 0 })
const ok: OperationSeen = { status: 0, error: 0, pages: [] }

test('words come out of frames before and after, and of faults', () => {
  const cow = parseLitmus('spawn A\nmmap A a 4\nwrite A a[0..3]', 't')
  const stored = { token: 0, status: 0 }
  const results = resultsOf(cow, [
    ...[ok, ok],
    {
      ...ok,
      pages: [
        { before: MISSING, after: frame(5), faults: 1, ...stored },
        { before: frame(6), after: frame(6), faults: 0, ...stored },
        { before: frame(7), after: frame(7), faults: 1, ...stored },
        { before: frame(8), after: frame(9), faults: 1, ...stored },
      ],
    },
  ])
  expect(results[2]?.outcome).toBe('0=zerofill,1=nofault,2=reuse,3=copy')
})

test("a load of the parent's later store is a leak, of an older one a mismatch", () => {
  const lines = ['spawn A', 'mmap A a 2', 'write A a', 'fork A B', 'write A a', 'read B a']
  // Operation n stores n * 2^20 in its first page and one more in each further one.
  const store = (n: number, page: number) => n * 2 ** 20 + page
  const loaded = (tokens: readonly number[]) => {
    const pages = (values: readonly number[]) =>
      values.map((token, i) => ({
        ...{ before: frame(i + 1), after: frame(i + 1), faults: 0, token, status: 0 },
      }))
    const stored = (n: number) => ({ ...ok, pages: pages([store(n, 0), store(n, 1)]) })
    const seen = [ok, ok, stored(3), ok, stored(5)]
    const results = resultsOf(parseLitmus(lines.join('\n'), 't'), [
      ...seen,
      { ...ok, pages: pages(tokens) },
    ])
    return results[5]?.flags
  }
  expect(loaded([store(3, 0), store(3, 1)])).toEqual([])
  expect(loaded([store(3, 0), store(5, 1)])).toEqual(['leak', 'mismatch'])
  expect(loaded([store(3, 0), 0])).toEqual(['mismatch'])
})

test('madvise() over a hole reaches what is mapped, though it fails', () => {
  const lines = ['mmap A a 2', 'write A a', 'munmap A a[0]', 'madvise A a dontneed', 'read A a[1]']
  const cow = parseLitmus(['spawn A', ...lines].join('\n'), 't')
  const page = (token: number) => ({
    before: MISSING,
    after: frame(1),
    faults: 1,
    token,
    status: 0,
  })
  const flags = (error: number) =>
    resultsOf(cow, [
      ...[ok, ok, { ...ok, pages: [page(3 * 2 ** 20), page(3 * 2 ** 20 + 1)] }, ok],
      { ...ok, status: REFUSED, error },
      { ...ok, pages: [page(0)] },
    ])[5]?.flags
  expect(flags(constants.errno.ENOMEM)).toEqual([])
  expect(flags(constants.errno.EINVAL)).toEqual(['mismatch'])
})
