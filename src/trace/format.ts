/**
 * format: a trace as bytes and back; this file is the only one that knows the layout of a trace file.
 *
 * Everything is little-endian. A file is 32 bytes of fixed fields, a header in JSON, and the columns as they are in
 * memory, the segment table included, so that nothing is left to index when it is loaded:
 *
 *     0  "COWTRACE"
 *     8  version             12  bytes of the header, padded with spaces to whole words
 *    16  words of segments   20  words of operands
 *    24  bytes of recording  28  zero
 *    32  header, segments, operands, recording
 */

import type { SystemReuses } from './recording.ts'
import type { Trace } from './trace.ts'

export const TRACE_VERSION = 1

const MAGIC = 'COWTRACE'
const FIXED_BYTES = 32

/** Where a trace comes from. */
export interface TraceOrigin {
  /** What made it: `perf script`, or the workload with its parameters and seed. */
  readonly source: string
  /** The program that was recorded, if any. */
  readonly program?: string
  /** What an importer counted: lines by what became of them, faults by error code. */
  readonly statistics?: Readonly<Record<string, number | Readonly<Record<string, number>>>>
  /** What the recording kernel counted meanwhile, if somebody looked. */
  readonly system?: SystemReuses
  /** Names the content of the trace; whoever writes the file chooses how, and checks it after reading. */
  readonly hash: string
}

export interface TraceHeader extends TraceOrigin {
  readonly events: number
  readonly processes: number
}

export interface TraceFile {
  readonly header: TraceHeader
  readonly trace: Trace
  /** What the recording kernel did at each load and store (recording.ts). */
  readonly recording?: Uint8Array
}

/** The bytes of a trace file. */
export function encodeTrace(trace: Trace, origin: TraceOrigin, recording?: Uint8Array): Uint8Array {
  const { segments, args, events, processes } = trace
  const header: TraceHeader = { ...origin, events, processes }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const headerBytes = 4 * Math.ceil(json.length / 4)
  const recordingBytes = recording?.length ?? 0
  const columnBytes = 4 * (segments.length + args.length) + recordingBytes
  const bytes = new Uint8Array(FIXED_BYTES + headerBytes + columnBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  const fields = [TRACE_VERSION, headerBytes, segments.length, args.length, recordingBytes, 0]
  for (const [i, field] of fields.entries()) view.setUint32(8 + 4 * i, field, true)
  bytes.fill(0x20, FIXED_BYTES, FIXED_BYTES + headerBytes)
  bytes.set(json, FIXED_BYTES)
  let at = FIXED_BYTES + headerBytes
  for (const column of [segments, args]) {
    writeWords(bytes, at, column)
    at += 4 * column.length
  }
  if (recording) bytes.set(recording, at)
  return bytes
}

/** Do these bytes begin like a trace file? */
export function isTraceFile(bytes: Uint8Array): boolean {
  return latin1(bytes, 0, MAGIC.length) === MAGIC
}

/** What the beginning of a trace file says, and where in the file its columns are, in bytes. */
export interface TraceHead {
  readonly header: TraceHeader
  readonly segments: Column
  readonly args: Column
  /** The whole file. */
  readonly bytes: number
}

interface Column {
  readonly at: number
  readonly words: number
}

/**
 * The head of the file `name`, from its first bytes; undefined if there are too few of them.
 * @throws Error in one line that names the file and what is wrong with it.
 */
export function decodeHead(bytes: Uint8Array, name: string): TraceHead | undefined {
  if (bytes.length < FIXED_BYTES) return undefined
  if (!isTraceFile(bytes)) throw new Error(`unsupported trace: ${name} is no cowbench trace`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = view.getUint32(8, true)
  if (version !== TRACE_VERSION) {
    throw new Error(`unsupported trace version: ${version} in ${name}; available: ${TRACE_VERSION}`)
  }
  const columns = FIXED_BYTES + view.getUint32(12, true)
  if (bytes.length < columns) return undefined
  const segments = { at: columns, words: view.getUint32(16, true) }
  const args = { at: columns + 4 * segments.words, words: view.getUint32(20, true) }
  const end = args.at + 4 * args.words + view.getUint32(24, true)
  return { header: readHeader(bytes, name, columns), segments, args, bytes: end }
}

/**
 * The trace in the bytes of the file `name`. Where the machine allows it the columns are views of `bytes`, so bytes in
 * shared memory make a shared trace.
 * @throws Error in one line that names the file and what is wrong with it.
 */
export function decodeTrace(bytes: Uint8Array, name: string): TraceFile {
  const head = decodeHead(bytes, name)
  if (head === undefined) throw wrongSize(name, bytes.length, atLeast(bytes))
  if (bytes.length !== head.bytes) throw wrongSize(name, bytes.length, head.bytes)
  const { header } = head
  const segments = readWords(bytes, head.segments.at, head.segments.words)
  const args = readWords(bytes, head.args.at, head.args.words)
  const trace = { segments, args, events: header.events, processes: header.processes }
  const columns = head.args.at + 4 * head.args.words
  if (columns === head.bytes) return { header, trace }
  return { header, trace, recording: bytes.subarray(columns, head.bytes) }
}

/** The bytes that a file has which begins so and is too short for its head. */
function atLeast(bytes: Uint8Array): number {
  if (bytes.length < FIXED_BYTES) return FIXED_BYTES
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const words = view.getUint32(16, true) + view.getUint32(20, true)
  return FIXED_BYTES + view.getUint32(12, true) + 4 * words + view.getUint32(24, true)
}

/** `truncated` or `invalid`, for a file of `holds` bytes that should have `expected`. */
export function wrongSize(name: string, holds: number, expected: number): Error {
  const problem = holds < expected ? 'truncated' : 'invalid'
  return new Error(
    `${problem} trace: ${name} holds ${grouped(holds)} bytes, expected ${grouped(expected)}`,
  )
}

function grouped(bytes: number): string {
  return bytes.toLocaleString('en-US')
}

function readHeader(bytes: Uint8Array, name: string, end: number): TraceHeader {
  try {
    // Decoders refuse shared memory.
    const json = new TextDecoder().decode(bytes.slice(FIXED_BYTES, end))
    const header = JSON.parse(json) as TraceHeader
    const counts = [header.events, header.processes]
    if (counts.every(Number.isInteger) && typeof header.hash === 'string') return header
  } catch {
    // What the parser dislikes is of no use to the reader of the message.
  }
  throw new Error(`invalid trace: ${name} is damaged, its header cannot be read`)
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** Words of a file, as this machine has them: a view of its bytes where that can be. */
export function readWords(bytes: Uint8Array, at: number, words: number): Int32Array {
  const offset = bytes.byteOffset + at
  if (HOST_IS_LITTLE_ENDIAN && offset % 4 === 0) return new Int32Array(bytes.buffer, offset, words)
  const view = new DataView(bytes.buffer, offset, 4 * words)
  return Int32Array.from({ length: words }, (_, i) => view.getInt32(4 * i, true))
}

function writeWords(bytes: Uint8Array, at: number, words: Int32Array): void {
  if (HOST_IS_LITTLE_ENDIAN) {
    bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), at)
    return
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at)
  for (let i = 0; i < words.length; i++) view.setInt32(4 * i, words[i]!, true)
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end))
}
