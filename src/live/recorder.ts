/** recorder: from a program to a trace: perf records it, its text is stripped if asked for, the importer reads it. */
import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { FileError } from '../files/file-error.ts'
import { type LoadedTrace, loadTrace } from '../load/trace-file.ts'
import { type Attribution, addExits, attributeReuses, textLines } from './attribution.ts'
import {
  demandPerf,
  type PerfOptions,
  type Recording,
  recordCommand,
  recordProcess,
  type SystemRecording,
} from './perf.ts'
import { Stripper } from './strip.ts'

export type Target =
  /** A command, the driver's program that counts its faults, and whether the whole system is recorded too. */
  | { readonly command: readonly string[]; readonly counter: string; readonly system: boolean }
  /** A process that is running; until it ends, if no seconds are given. */
  | { readonly pid: number; readonly seconds: number | undefined }

export interface RecorderOptions extends PerfOptions {
  readonly strip: boolean
  /** Where to keep perf's text too, gzipped if it ends in .gz. */
  readonly text: string | undefined
}

export interface Recorded {
  readonly recording: Recording
  readonly loaded: LoadedTrace
  /** Whose the counted reuses are, where the whole system was recorded. */
  readonly attribution: Attribution | undefined
}

/** Throws MissingFacility where perf or its tracepoints are missing. */
export async function recordTrace(target: Target, options: RecorderOptions): Promise<Recorded> {
  demandPerf()
  const recording =
    'pid' in target
      ? recordProcess(target.pid, target.seconds, options)
      : recordCommand(target.command, { ...target, ...options })
  try {
    const { system } = recording
    const complete = system === undefined ? recording.text : await withExits(system, recording)
    const text = options.strip ? await stripped(complete, recording.folder) : complete
    if (options.text !== undefined) await keep(text, options.text)
    return {
      ...{ recording, loaded: await loadTrace(text) },
      attribution: system && (await attributeReuses(system, recording.text)),
    }
  } finally {
    rmSync(recording.folder, { recursive: true })
  }
}

async function withExits(system: SystemRecording, { text, folder }: Recording): Promise<string> {
  const path = join(folder, 'complete.txt')
  await addExits(system, text, path)
  return path
}

async function stripped(text: string, folder: string): Promise<string> {
  const path = join(folder, 'stripped.txt')
  const stripper = new Stripper()
  for await (const line of textLines(text)) stripper.survey(line)
  await pipeline(async function* () {
    for await (const line of textLines(text)) yield `${stripper.line(line)}\n`
  }, createWriteStream(path))
  return path
}

async function keep(from: string, to: string): Promise<void> {
  try {
    if (to.endsWith('.gz'))
      await pipeline(createReadStream(from), createGzip(), createWriteStream(to))
    else await pipeline(createReadStream(from), createWriteStream(to))
  } catch (error) {
    throw new FileError(to, 'written', error)
  }
}
