/** long-trace: trace files that are too long to be held in memory, read in chunks. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdtempSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { rebased } from '../trace/chunks.ts'
import {
  decodeHead,
  isTraceFile,
  readWords,
  type TraceHead,
  type TraceHeader,
  wrongSize,
} from '../trace/format.ts'
import { CHUNK_ARGS, CHUNK_SEGMENTS, type Chunk, isFull, SEGMENT } from '../trace/trace.ts'
import { gzipError, openFile, readHead } from './trace-file.ts'
import { TraceHash } from './trace-hash.ts'

/** A trace of more events than this is never in memory as a whole: 128 MiB of page numbers. */
export const LONG = 2 ** 25

export interface LongTrace {
  readonly path: string
  readonly header: TraceHeader
}

/** The trace in the file `path`, if that is one of ours with more than `long` events. */
export function longTrace(path: string, long = LONG): LongTrace | undefined {
  const { head } = readHead(path)
  const header = isTraceFile(head) ? decodeHead(head, path)?.header : undefined
  if (header === undefined || header.events <= long) return undefined
  return { path, header }
}

/** As streamFile; at the end it throws if those were not the events that the file was written with. */
export async function streamLong(
  { path, header }: LongTrace,
  take: (chunk: Chunk) => void,
): Promise<void> {
  const found = new TraceHash()
  await streamFile(path, (chunk) => {
    found.add(chunk)
    take(chunk)
  })
  const hash = found.digest()
  if (hash === header.hash) return
  throw new Error(`invalid trace: ${path} is damaged; its content has the hash ${hash}`)
}

/**
 * Hands the chunks of a trace file to `take`, each good until it returns. A packed file is unpacked on disk first: its
 * columns lie one after the other, and are needed side by side.
 */
export async function streamFile(path: string, take: (chunk: Chunk) => void): Promise<void> {
  if (!readHead(path).gzipped) return readChunks(path, path, take)
  const dir = mkdtempSync(join(tmpdir(), 'cowbench-'))
  try {
    const unpacked = join(dir, 'trace')
    await pipeline(createReadStream(path), createGunzip(), createWriteStream(unpacked)).catch(
      (error: unknown) => {
        throw gzipError(path, error)
      },
    )
    readChunks(unpacked, path, take)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** `name` is what the user calls the file. */
function readChunks(path: string, name: string, take: (chunk: Chunk) => void): void {
  const file = openFile(path)
  try {
    const head = decodeHead(readHead(path).head, name)
    const { size } = fstatSync(file)
    if (head === undefined || size !== head.bytes)
      throw wrongSize(name, size, head?.bytes ?? size + 1)
    for (const chunk of chunksIn(file, head, name)) take(chunk)
  } finally {
    closeSync(file)
  }
}

function* chunksIn(file: number, { segments, args }: TraceHead, name: string): Generator<Chunk> {
  const damaged = new Error(`invalid trace: ${name} is damaged, its segments do not fit together`)
  const segmentBytes = new Uint8Array(4 * CHUNK_SEGMENTS)
  const argBytes = new Uint8Array(4 * CHUNK_ARGS)
  const wordsOf = (bytes: Uint8Array, at: number, words: number): Int32Array => {
    readFully(file, bytes.subarray(0, 4 * words), at)
    return readWords(bytes, 0, words)
  }
  let first = 0
  for (let taken = 0; taken < segments.words; ) {
    const most = Math.min(CHUNK_SEGMENTS, segments.words - taken)
    const table = wordsOf(segmentBytes, segments.at + 4 * taken, most)
    let words = 0
    let end = first
    while (words < most && !isFull(words, end - first)) {
      if (table[words + 2] !== end || table[words + 3]! < end) throw damaged
      end = table[words + 3]!
      words += SEGMENT
    }
    if (end - first > CHUNK_ARGS || end > args.words) throw damaged
    yield {
      segments: rebased(table.subarray(0, words), first),
      args: wordsOf(argBytes, args.at + 4 * first, end - first),
    }
    first = end
    taken += words
  }
}

function readFully(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, position + at)
    if (read === 0) throw new Error('truncated trace: it became shorter while it was read')
    at += read
  }
}
