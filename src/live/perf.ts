/** perf: records a program with the events that the importer reads; this file knows perf's command line. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
}

/** Throws MissingFacility, saying what to install or to mount, where perf cannot record page faults. */
export function demandPerf(): void {
  const found = spawnSync('perf', ['--version'], { stdio: 'ignore' })
  if (found.error !== undefined || found.status !== 0) {
    throw new MissingFacility('no perf: install linux-perf (Debian), linux-tools (Ubuntu) or perf')
  }
  const folder = TRACEFS.find((path) => isReadable(`${path}/events/exceptions/page_fault_user/id`))
  if (folder === undefined) {
    throw new MissingFacility(
      'no page-fault tracepoints: run as root, with tracefs mounted (mount -t tracefs tracefs /sys/kernel/tracing)',
    )
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** Records `command` from its start, children included. `counter` is the driver's program: it counts the faults. */
export function recordCommand(command: readonly string[], counter: string): Recording {
  return record((folder) => ['--', counter, 'count', join(folder, 'faults'), ...command])
}

/** Records a process that is running, until it ends or `seconds` have passed. */
export function recordProcess(pid: number, seconds: number | undefined): Recording {
  const wait = seconds === undefined ? [] : ['--', 'sleep', String(seconds)]
  return record(() => ['-p', String(pid), ...wait])
}

function record(what: (folder: string) => readonly string[]): Recording {
  const folder = mkdtempSync(join(tmpdir(), 'cowbench-record-'))
  const data = join(folder, 'perf.data')
  const events = EVENTS.flatMap((event) => ['-e', event])
  const options = ['record', '-q', '-d', '-m', '16M', '-c', '1', ...events, '-o', data]
  try {
    const reuses = pgreuse()
    const start = performance.now()
    // Ctrl-C ends perf, which then writes what it has; we go on with that.
    const ignore = () => {}
    process.on('SIGINT', ignore)
    const run = spawnSync('perf', [...options, ...what(folder)], {
      stdio: ['inherit', 'inherit', 'pipe'],
    })
    process.off('SIGINT', ignore)
    const seconds = (performance.now() - start) / 1000
    const grown = pgreuse() - reuses
    const bytes = sizeOf(data)
    if (bytes === 0) throw new MissingFacility(`perf records nothing: ${firstLine(run)}`)
    return {
      ...{ text: script(data, folder), folder, seconds, bytes, pgreuse: grown },
      ...{ faults: faultsIn(join(folder, 'faults')), exitCode: run.status ?? 130 },
    }
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
}

function script(data: string, folder: string): string {
  const text = join(folder, 'perf.txt')
  const out = openSync(text, 'w')
  const fields = ['--show-mmap-events', '-F', 'comm,pid,tid,time,event,trace']
  const run = spawnSync('perf', ['script', '-i', data, ...fields], {
    stdio: ['ignore', out, 'pipe'],
  })
  closeSync(out)
  if (run.status !== 0) throw new MissingFacility(`perf script fails: ${firstLine(run)}`)
  return text
}

function firstLine({ stderr, status }: SpawnSyncReturns<Buffer>): string {
  const lines = stderr.toString().split('\n')
  return lines.find((line) => line.trim() !== '')?.trim() ?? `exit code ${status}`
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function faultsIn(file: string): number | undefined {
  if (sizeOf(file) === 0) return undefined
  return Number(readFileSync(file, 'utf8'))
}

/** Reuses that the kernel has counted since boot, in 4 KiB pages mapped by PTEs. */
function pgreuse(): number {
  return Number(/^pgreuse (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1] ?? 0)
}
