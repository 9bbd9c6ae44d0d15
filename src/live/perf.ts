/** perf: records a program with the events that the importer reads; this file knows perf's command line. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePerfText } from '../load/perf-data.ts'
import { MissingFacility } from './facilities.ts'

const ENTER_AND_EXIT = ['mmap', 'mremap', 'brk']
const ENTER = [
  ...['munmap', 'mprotect', 'madvise', 'clone', 'clone3', 'vmsplice'],
  ...['io_uring_register', 'process_vm_readv', 'pread64'],
]

const EVENTS = [
  ...['exceptions:page_fault_user', 'exceptions:page_fault_kernel'],
  ...['fork', 'exit', 'exec'].map((what) => `sched:sched_process_${what}`),
  ...ENTER_AND_EXIT.flatMap((call) => [`syscalls:sys_enter_${call}`, `syscalls:sys_exit_${call}`]),
  ...ENTER.map((call) => `syscalls:sys_enter_${call}`),
]

/** Tells a fault that copies from one that reuses: a copy allocates a page before its thread does anything else. */
const ALLOCATION = 'kmem:mm_page_alloc'

/**
 * What comes before a program writes to a file in memory, as a semaphore of the C library is: the page for that is
 * allocated as a copy is. (Every write() would tell more, and be most of the recording.)
 */
const FILE_CALLS = ['openat', 'memfd_create', 'ftruncate', 'fallocate']
const OUTCOME_EVENTS = [ALLOCATION, ...FILE_CALLS.map((call) => `syscalls:sys_enter_${call}`)]

/** What tells the reuses of every process apart, and nothing more: the whole system is recorded. */
const SYSTEM_EVENTS = [
  ...['exceptions:page_fault_user', 'exceptions:page_fault_kernel', 'sched:sched_process_fork'],
  ...OUTCOME_EVENTS,
]

/** Its address space is gone: some milliseconds after sched_process_exit, and only on kernels that say so (6.1). */
const UNMAPPED = 'mmap:exit_mmap'

const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing']

export interface Recording {
  /** A file of `perf script` text, as the importer reads it. Remove `folder` when done. */
  readonly text: string
  readonly folder: string
  /** While perf was recording. */
  readonly seconds: number
  /** Of perf's own file. */
  readonly bytes: number
  /** Minor and major faults of the program and the children it waited for; undefined where a process was attached to. */
  readonly faults: number | undefined
  /** How much the kernel's count of reused pages grew meanwhile, over the whole system. */
  readonly pgreuse: number
  /** What the program returned. */
  readonly exitCode: number
  /** Where it was asked for. */
  readonly system: SystemRecording | undefined
}

/** The page faults of every process in the system, while perf recorded the program. */
export interface SystemRecording {
  /** A file of `perf script` text in the recording's folder. */
  readonly text: string
  /** From when to when `pgreuse` was counted, in microseconds of the clock that both texts have. */
  readonly start: number
  readonly end: number
}

export interface PerfOptions {
  /** Also record which page allocations the faults made, so that each decision's outcome is known. */
  readonly outcomes: boolean
}

export interface CommandOptions extends PerfOptions {
  /** The driver's program: it counts the faults. */
  readonly counter: string
  /** Record the whole system in a second session around the first. */
  readonly system: boolean
}

/** Throws MissingFacility, saying what to install or to mount, where perf cannot record page faults. */
export function demandPerf(): void {
  const found = spawnSync('perf', ['--version'], { stdio: 'ignore' })
  if (found.error !== undefined || found.status !== 0) {
    throw new MissingFacility('no perf: install linux-perf (Debian), linux-tools (Ubuntu) or perf')
  }
  if (!hasEvent('exceptions:page_fault_user')) {
    throw new MissingFacility(
      'no page-fault tracepoints: run as root, with tracefs mounted (mount -t tracefs tracefs /sys/kernel/tracing)',
    )
  }
}

function hasEvent(name: string): boolean {
  return TRACEFS.some((path) => isReadable(`${path}/events/${name.replace(':', '/')}/id`))
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Records `command` from its start, children included. */
export function recordCommand(command: readonly string[], options: CommandOptions): Recording {
  const { counter } = options
  const counted = (folder: string) => ['--', counter, 'count', join(folder, FAULTS), ...command]
  return record(counted, options, options.system ? counter : undefined)
}

/** Records a process that is running, until it ends or `seconds` have passed. */
export function recordProcess(
  pid: number,
  seconds: number | undefined,
  options: PerfOptions,
): Recording {
  const wait = seconds === undefined ? [] : ['--', 'sleep', String(seconds)]
  return record(() => ['-p', String(pid), ...wait], options)
}

/** Files in a recording's folder: what the counting program wrote about the recorded program, and about perf. */
const FAULTS = 'faults'
const SYSTEM = 'system'

/** `systemCounter`: the program that counts for the whole system, if that is to be recorded too. */
function record(
  what: (folder: string) => readonly string[],
  { outcomes }: PerfOptions,
  systemCounter?: string,
): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'cowbench-record-'))
  const data = join(folder, 'perf.data')
  const systemData = join(folder, 'system.data')
  const events = outcomes ? [...EVENTS, ...OUTCOME_EVENTS] : EVENTS
  const program = [...recordTo(data, events), ...what(folder)]
  const systemEvents = hasEvent(UNMAPPED) ? [...SYSTEM_EVENTS, UNMAPPED] : SYSTEM_EVENTS
  const system = (counter: string) => [
    ...[...recordTo(systemData, systemEvents), '-a', '--', counter, 'count'],
    ...[join(folder, SYSTEM), 'perf', ...program],
  ]
  try {
    const reuses = pgreuse()
    const start = performance.now()
    // Ctrl-C ends perf, which then writes what it has; we go on with that.
    const ignore = () => {}
    process.on('SIGINT', ignore)
    const run = spawnSync('perf', systemCounter === undefined ? program : system(systemCounter), {
      stdio: ['inherit', 'inherit', 'pipe'],
    })
    process.off('SIGINT', ignore)
    const seconds = (performance.now() - start) / 1000
    const grown = pgreuse() - reuses
    const bytes = sizeOf(data)
    if (bytes === 0) throw new MissingFacility(`perf records nothing: ${firstLine(run)}`)
    const counted = countsIn(join(folder, SYSTEM))
    return {
      ...{ text: script(data, join(folder, 'perf.txt')), folder, seconds, bytes },
      ...{ faults: countsIn(join(folder, FAULTS))?.['faults'], exitCode: run.status ?? 130 },
      pgreuse: counted?.['pgreuse'] ?? grown,
      system: counted && {
        text: script(systemData, join(folder, 'system.txt')),
        start: (counted['start'] ?? 0) / 1000,
        end: (counted['end'] ?? 0) / 1000,
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
}

/** perf's arguments. Two sessions have to tell the time by one clock. */
function recordTo(data: string, events: readonly string[]): string[] {
  const options = ['record', '-q', '-d', '-m', '16M', '-c', '1', '-k', 'CLOCK_MONOTONIC']
  return [...options, ...events.flatMap((event) => ['-e', event]), '-o', data]
}

function script(data: string, text: string): string {
  try {
    writePerfText(data, text)
    return text
  } catch (error) {
    throw new MissingFacility((error as Error).message)
  }
}

function firstLine({ stderr, status }: SpawnSyncReturns<Buffer>): string {
  const lines = stderr.toString().split('\n')
  return lines.find((line) => line.trim() !== '')?.trim() ?? `exit code ${status}`
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** Lines of a name and a number; undefined if the counting program did not come to write any. */
function countsIn(file: string): Readonly<Record<string, number>> | undefined {
  if (sizeOf(file) === 0) return undefined
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', number] = line.split(' ')
      return [name, Number(number)]
    }),
  )
}

/** Reuses that the kernel has counted since boot, in 4 KiB pages mapped by PTEs. */
function pgreuse(): number {
  return Number(/^pgreuse (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0)
}
