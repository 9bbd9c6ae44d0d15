/** long-trace.test: a file read in chunks is the trace that was written, and a damaged one is refused. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { chunksOf } from '../trace/chunks.ts'
import { decodeHead } from '../trace/format.ts'
import { type Trace, TraceWriter } from '../trace/trace.ts'
import { longTrace, streamFile, streamLong } from './long-trace.ts'
import { writeTrace } from './trace-file.ts'
import { TraceHash, traceHash } from './trace-hash.ts'

const home = mkdtempSync(join(tmpdir(), 'cowbench-long-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))

const trace = written()
const plain = join(home, 'plain.trace')
writeTrace(plain, trace, { source: 'test' })

/** Some 1.6 M events, in a chunk that operands fill and chunks that segments fill. */
function written(): Trace {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.mmap(mm, 0, 1 << 20, 0, 3)
  for (let i = 0; i < 1_000_000; i++) t.store(mm, (7 * i) % 1000)
  for (let i = 0; i < 600_000; i++) {
    if (i % 2 === 0) t.load(mm, i % 7)
    else t.store(mm, i % 11)
  }
  t.exit(mm)
  return t.finish()
}

async function hashOf(path: string): Promise<string> {
  const hash = new TraceHash()
  await streamFile(path, (chunk) => hash.add(chunk))
  return hash.digest()
}

test('the chunks of a file are those of its trace', async () => {
  const lengths: number[][] = []
  await streamFile(plain, ({ segments, args }) => lengths.push([segments.length, args.length]))
  const expected = [...chunksOf(trace)].map(({ segments, args }) => [segments.length, args.length])
  expect(lengths).toEqual(expected)
  expect(lengths.length).toBeGreaterThan(1)
  expect(await hashOf(plain)).toBe(traceHash(trace))
})

test('a packed file is unpacked on the way', async () => {
  const packed = join(home, 'packed.trace.gz')
  writeFileSync(packed, gzipSync(readFileSync(plain), { level: 1 }))
  expect(await hashOf(packed)).toBe(traceHash(trace))
  const cut = join(home, 'cut.trace.gz')
  writeFileSync(cut, readFileSync(packed).subarray(0, 100_000))
  await expect(hashOf(cut)).rejects.toThrow(`truncated trace: ${cut} ends within its gzip data`)
})

test('a file is long if its header says so, packed or not', () => {
  const { events, processes } = trace
  const header = { source: 'test', hash: traceHash(trace), events, processes }
  expect(longTrace(plain, trace.events - 1)).toEqual({ path: plain, header })
  expect(longTrace(plain, trace.events)).toBe(undefined)
  const text = join(home, 'perf.txt')
  writeFileSync(text, 'no trace of ours\n'.repeat(9))
  expect(longTrace(text, 1)).toBe(undefined)
})

test('a file that ends early is truncated', async () => {
  const short = join(home, 'short.trace')
  const bytes = readFileSync(plain)
  writeFileSync(short, bytes)
  truncateSync(short, bytes.length - 4)
  await expect(hashOf(short)).rejects.toThrow(/^truncated trace: .* holds [0-9,]* bytes, expected/)
})

test('segments that do not follow one another are damage', async () => {
  const damaged = join(home, 'damaged.trace')
  const bytes = readFileSync(plain)
  const at = decodeHead(bytes, plain)?.segments.at ?? 0
  bytes.writeInt32LE(5, at + 4 * 6) // where the operands of the second segment begin
  writeFileSync(damaged, bytes)
  await expect(hashOf(damaged)).rejects.toThrow(`invalid trace: ${damaged} is damaged`)
})

test('events other than those that the file was written with are damage', async () => {
  const changed = join(home, 'changed.trace')
  const bytes = readFileSync(plain)
  bytes.writeInt32LE(999, bytes.length - 8)
  writeFileSync(changed, bytes)
  const long = longTrace(changed, 1)
  if (long === undefined) throw new Error('not long')
  await expect(streamLong(long, () => {})).rejects.toThrow(
    `invalid trace: ${changed} is damaged; its content has the hash `,
  )
})
