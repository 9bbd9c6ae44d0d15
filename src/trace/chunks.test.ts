/** chunks.test: a trace is cut in the same places whoever cuts it, and nothing is lost. */
import { expect, test } from 'vitest'
import { chunksOf } from './chunks.ts'
import {
  CHUNK_ARGS,
  CHUNK_SEGMENTS,
  type Chunk,
  SEGMENT,
  SEGMENT_EVENTS,
  TraceTooLong,
  TraceWriter,
  type WriterOptions,
} from './trace.ts'

/** Long runs of stores, then loads and stores in turn: chunks end for want of operands, then of segments. */
function write(options?: WriterOptions) {
  const t = new TraceWriter(1024, options)
  const mm = t.spawn()
  t.mmap(mm, 0, 1 << 20, 0, 3)
  for (let i = 0; i < 1_500_000; i++) t.store(mm, i % 1000)
  const child = t.fork(mm)
  for (let i = 0; i < 600_000; i++) {
    t.load(child, i % 7)
    t.store(mm, i % 11)
  }
  t.exit(child)
  t.exit(mm)
  return t.finish()
}

const copy = ({ segments, args }: Chunk): Chunk => ({
  segments: segments.slice(),
  args: args.slice(),
})

test('the chunks of a whole trace are those that its writer hands out', () => {
  const handedOut: Chunk[] = []
  const counts = write({ handOut: (chunk) => handedOut.push(copy(chunk)) })
  const trace = write()
  const cut = [...chunksOf(trace)]
  expect(cut.map(({ segments }) => segments.length)).toEqual(
    handedOut.map(({ segments }) => segments.length),
  )
  for (const [i, chunk] of cut.entries()) {
    expect(Buffer.compare(bytes(chunk.segments), bytes(handedOut[i]?.segments))).toBe(0)
    expect(Buffer.compare(bytes(chunk.args), bytes(handedOut[i]?.args))).toBe(0)
  }
  expect([counts.events, counts.processes]).toEqual([trace.events, trace.processes])
  expect([counts.segments.length, counts.args.length]).toEqual([0, 0])
})

function bytes(column: Int32Array = new Int32Array()): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}

test('chunks end before a segment that might not fit, and hold every operand once', () => {
  const trace = write()
  const chunks = [...chunksOf(trace)]
  // 1.5 M stores fill one chunk and half of the next; with 1.2 M segments of one event, each 524,288 at most, four.
  expect(chunks.length).toBe(4)
  for (const { segments, args } of chunks.slice(0, -1)) {
    expect(
      args.length > CHUNK_ARGS - SEGMENT_EVENTS || segments.length > CHUNK_SEGMENTS - SEGMENT,
    ).toBe(true)
  }
  for (const { segments, args } of chunks) expect(segments.at(-1)).toBe(args.length)
  expect(chunks.reduce((sum, { args }) => sum + args.length, 0)).toBe(trace.args.length)
})

test('a short trace is one chunk', () => {
  const t = new TraceWriter()
  t.exit(t.spawn())
  const trace = t.finish()
  expect([...chunksOf(trace)]).toEqual([{ segments: trace.segments, args: trace.args }])
})

test('a writer that may not take so much memory says so', () => {
  expect(() => write({ most: 2 ** 20 })).toThrow(TraceTooLong)
  expect(write({ most: 2 ** 23 }).events).toBe(2_700_005)
})
