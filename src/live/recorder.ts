/** recorder: from a program to a trace: perf records it, its text is stripped if asked for, the importer reads it. */
import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type LoadedTrace, loadTrace } from '../load/trace-file.ts'
import { demandPerf, type Recording, recordCommand, recordProcess } from './perf.ts'
import { Stripper } from './strip.ts'

export type Target =
  /** A command, and the driver's program that counts its faults. */
  | { readonly command: readonly string[]; readonly counter: string }
  /** A process that is running; until it ends, if no seconds are given. */
  | { readonly pid: number; readonly seconds: number | undefined }

export interface RecorderOptions {
  readonly strip: boolean
  /** Where to keep perf's text too, gzipped if it ends in .gz. */
  readonly text: string | undefined
}

export interface Recorded {
  readonly recording: Recording
  readonly loaded: LoadedTrace
}

/** Throws MissingFacility where perf or its tracepoints are missing. */
export async function recordTrace(target: Target, options: RecorderOptions): Promise<Recorded> {
  demandPerf()
  const recording =
    'pid' in target
      ? recordProcess(target.pid, target.seconds)
      : recordCommand(target.command, target.counter)
  try {
    const text = options.strip ? await stripped(recording) : recording.text
    if (options.text !== undefined) await keep(text, options.text)
    return { recording, loaded: await loadTrace(text) }
  } finally {
    rmSync(recording.folder, { recursive: true })
  }
}

async function stripped({ text, folder }: Recording): Promise<string> {
  const path = join(folder, 'stripped.txt')
  const stripper = new Stripper()
  const lines = createInterface({ input: createReadStream(text), crlfDelay: Infinity })
  await pipeline(async function* () {
    for await (const line of lines) yield `${stripper.line(line)}\n`
  }, createWriteStream(path))
  return path
}

async function keep(from: string, to: string): Promise<void> {
  if (to.endsWith('.gz'))
    await pipeline(createReadStream(from), createGzip(), createWriteStream(to))
  else await pipeline(createReadStream(from), createWriteStream(to))
}
