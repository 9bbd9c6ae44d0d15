/**
 * trace-file: reads and writes traces as files, our own format or a foreign one, plain or gzipped; this file tells
 * them apart by their content.
 */
import {
  closeSync,
  createReadStream,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, createGunzip, gunzipSync, gzipSync } from 'node:zlib'
import { replaceFile } from '../files/replace-file.ts'
import { decodeTrace, encodeTrace, isTraceFile, type TraceOrigin } from '../trace/format.ts'
import type { SystemReuses } from '../trace/recording.ts'
import type { Trace } from '../trace/trace.ts'
import type { Importer, Lines } from './import/importer.ts'
import { IMPORTERS } from './import/index.ts'
import type { ImportStatistics } from './import/statistics.ts'
import { isPerfData, writePerfText } from './perf-data.ts'
import { systemReusesBeside } from './system-reuses.ts'
import { traceHash } from './trace-hash.ts'

export interface LoadedTrace {
  /** In memory that worker threads can read. */
  readonly trace: Trace
  readonly hash: string
  /** What made the trace. */
  readonly source: string
  /** The program that was recorded, if any. */
  readonly program?: string | undefined
  /** RECORDED_* or INSERTED_* for each load and store of a recorded trace. */
  readonly recording?: Uint8Array | undefined
  /** What its import counted, now or when the file was written. */
  readonly statistics?: ImportStatistics | undefined
  /** What the recording kernel counted meanwhile, from the trace file or from a note beside the recording. */
  readonly system?: SystemReuses | undefined
}

const EXPECTED = 'expected: a cowbench trace or perf script text, plain or gzipped, or perf.data'
const HEAD_BYTES = 65536

/**
 * Loads the trace in the file `path`.
 * @throws Error in one line that names the file and what is wrong with it.
 */
export async function loadTrace(path: string): Promise<LoadedTrace> {
  const { bytes, head, gzipped } = readHead(path)
  if (bytes === 0) throw new Error(`truncated trace: ${path} holds 0 bytes; ${EXPECTED}`)
  if (isTraceFile(head)) return loadOwn(path, gzipped)
  if (isPerfData(head)) return await importPerfData(path)
  return await importText(path, head, gzipped)
}

/** Through a text that is gone afterwards. */
async function importPerfData(path: string): Promise<LoadedTrace> {
  const folder = mkdtempSync(join(tmpdir(), 'cowbench-perf-'))
  try {
    const text = join(folder, 'perf.txt')
    writePerfText(path, text)
    return { ...(await loadTrace(text)), system: systemReusesBeside(path) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function importText(path: string, head: Uint8Array, gzipped: boolean): Promise<LoadedTrace> {
  const text = new TextDecoder().decode(head)
  const firstLines = text.split(/\r?\n/)
  const importer = IMPORTERS.find((one) => one.recognises(firstLines))
  if (!importer) throw new Error(`unsupported trace: ${path}; ${EXPECTED}`)
  return importFrom(importer, path, gzipped)
}

/** Writes a trace to `path`, gzipped if that ends in `.gz`. */
export function writeTrace(
  path: string,
  trace: Trace,
  origin: Omit<TraceOrigin, 'hash'>,
  recording?: Uint8Array,
): void {
  const bytes = encodeTrace(trace, { ...origin, hash: traceHash(trace) }, recording)
  // No name and no time in the gzip header: the same trace makes the same file.
  replaceFile(path, path.endsWith('.gz') ? gzipSync(bytes, { level: 9 }) : bytes)
}

function loadOwn(path: string, gzipped: boolean): LoadedTrace {
  const { header, trace, recording } = decodeTrace(readShared(path, gzipped), path)
  const hash = traceHash(trace)
  if (hash !== header.hash) {
    throw new Error(`invalid trace: ${path} is damaged; its content has the hash ${hash}`)
  }
  const { source, program, statistics, system } = header
  return {
    ...{ trace, hash, source, program, recording, system },
    statistics: statistics as ImportStatistics | undefined,
  }
}

async function importFrom(
  importer: Importer,
  path: string,
  gzipped: boolean,
): Promise<LoadedTrace> {
  const lines: Lines = () => linesOf(path, gzipped)
  const imported = await importer.import(lines, path)
  return {
    ...imported,
    hash: traceHash(imported.trace),
    source: importer.name,
    system: systemReusesBeside(path),
  }
}

/** The first bytes of a file, unpacked, and what can be told from its beginning. */
export function readHead(path: string): { bytes: number; head: Uint8Array; gzipped: boolean } {
  const file = openFile(path)
  try {
    const { size } = fstatSync(file)
    const packed = new Uint8Array(Math.min(size, HEAD_BYTES))
    readSync(file, packed, 0, packed.length, 0)
    const gzipped = packed[0] === 0x1f && packed[1] === 0x8b
    if (!gzipped) return { bytes: size, head: packed, gzipped }
    // The end of the packed bytes is not the end of the file.
    const finishFlush = constants.Z_SYNC_FLUSH
    const head = unpacking(path, () => gunzipSync(packed, { finishFlush }))
    return { bytes: head.length, head: head.subarray(0, HEAD_BYTES), gzipped }
  } finally {
    closeSync(file)
  }
}

/** Of a file, which is read more than once and not from its beginning alone. */
export function openFile(path: string): number {
  let isDirectory: boolean
  try {
    const file = openSync(path, 'r')
    const found = fstatSync(file)
    if (found.isFile()) return file
    closeSync(file)
    isDirectory = found.isDirectory()
  } catch (error) {
    throw new Error(
      `missing trace: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    )
  }
  if (isDirectory) throw new Error(`invalid trace: ${path} is a directory; ${EXPECTED}`)
  throw new Error(`unsupported trace: ${path} is a pipe or a device; expected: a file`)
}

function readShared(path: string, gzipped: boolean): Uint8Array {
  const file = openFile(path)
  try {
    const stored = sharedBytes(fstatSync(file).size)
    for (let at = 0; at < stored.length; ) {
      const read = readSync(file, stored, at, stored.length - at, null)
      if (read === 0) break
      at += read
    }
    if (!gzipped) return stored
    const bytes = unpacking(path, () => gunzipSync(stored))
    const shared = sharedBytes(bytes.length)
    shared.set(bytes)
    return shared
  } finally {
    closeSync(file)
  }
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}

/** The lines of a text file, in batches as they are read. */
async function* linesOf(path: string, gzipped: boolean): AsyncGenerator<readonly string[]> {
  const stored = createReadStream(path)
  const unpacked = gzipped ? stored.pipe(createGunzip()) : stored
  stored.on('error', (error) => unpacked.destroy(error))
  let rest = ''
  try {
    for await (const chunk of unpacked.setEncoding('utf8')) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      yield lines.map(withoutReturn)
    }
  } catch (error) {
    throw gzipped ? gzipError(path, error) : error
  } finally {
    stored.destroy()
  }
  if (rest !== '') yield [withoutReturn(rest)]
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function unpacking(path: string, unpack: () => Uint8Array): Uint8Array {
  try {
    return unpack()
  } catch (error) {
    throw gzipError(path, error)
  }
}

export function gzipError(path: string, error: unknown): Error {
  return (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR'
    ? new Error(`truncated trace: ${path} ends within its gzip data`)
    : new Error(`invalid trace: ${path} is damaged, its gzip data cannot be unpacked`)
}
