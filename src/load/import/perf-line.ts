/**
 * perf-line: one line of `perf script -F comm,pid,tid,time,event,trace --show-mmap-events` as an event; this file is
 * the only one that knows the text.
 *
 * A line reads `comm pid/tid [cpu] time: event: fields`; comm may hold spaces. Addresses are numbers: user addresses
 * stay below 2^53, and of kernel addresses and negative returns only the size matters.
 */

/** A mapping as PERF_RECORD_MMAP2 shows it: the whole VMA, with what it was merged with. */
export interface MappingRecord {
  readonly type: 'mapping'
  /** The process that it belongs to: also known where the line itself has none. */
  readonly pid: number
  /** In bytes, as all addresses and lengths here. */
  readonly start: number
  readonly length: number
  readonly offset: number
  /** Device and inode, or the build id; empty for memory without a file. */
  readonly file: string
  /** Protection and sharing as /proc/PID/maps writes them: `r-xp`. */
  readonly flags: string
  readonly name: string
}

export interface Fault {
  readonly type: 'fault'
  readonly address: number
  readonly errorCode: number
  /** Taken in kernel mode, by a copy to or from user memory. */
  readonly kernel: boolean
}

/** The entry of a system call. Its operands are in the order the kernel declares them. */
export interface Call {
  readonly type: 'call'
  readonly name: string
  readonly operands: readonly number[]
}

export interface CallReturn {
  readonly type: 'return'
  readonly name: string
  readonly value: number
}

export type PerfEvent =
  | Fault
  | MappingRecord
  | Call
  | CallReturn
  | { readonly type: 'fork'; readonly child: number }
  /** `groupDead`: was this the last thread of its process? Older kernels do not say. */
  | { readonly type: 'exit'; readonly groupDead: boolean | undefined }
  | { readonly type: 'exec'; readonly filename: string }
  | { readonly type: 'lost'; readonly count: number }
  /** `user`: one page for a program's memory. */
  | { readonly type: 'allocation'; readonly user: boolean }
  /** An address space is gone: its process has exited, or begins a new one. */
  | { readonly type: 'unmapped' }
  /** Something else that perf printed. */
  | { readonly type: 'other'; readonly name: string }

export interface PerfLine {
  readonly comm: string
  /** Process (thread group) and thread, as the kernel counts them at that moment. */
  readonly pid: number
  readonly tid: number
  /** Microseconds since boot. */
  readonly time: number
  readonly event: PerfEvent
}

const HEAD = /^\s*(.*?)\s+(-?\d+)\/(-?\d+)\s+(?:\[\d+\]\s+)?(\d+)\.(\d{6})\d*:\s+(.*)$/
const FAULT = /address=0x([0-9a-f]+) .*error_code=0x([0-9a-f]+)/
const MMAP2 =
  / (-?\d+)\/-?\d+: \[0x([0-9a-f]+)\(0x([0-9a-f]+)\) @ (?:0x)?([0-9a-f]+) (.*?)\]: ([rwxsp-]{4}) ?(.*)$/
/** For a program's memory: a page of the page cache is written to, or may fail to be had. */
const USER_PAGE = / order=0 .*gfp_flags=GFP_HIGHUSER_MOVABLE(?!\S*__GFP_(WRITE|NORETRY|NOWARN)\b)/
const NUMBER = /: (?:0x([0-9a-f]+)|(-?\d+))/g
const LAST_NUMBER = /: (?:0x([0-9a-f]+)|(-?\d+))\s*$/

/** The event of a line, or nothing if the line is not of this form. */
export function parsePerfLine(line: string): PerfLine | undefined {
  const head = HEAD.exec(line)
  if (!head) return undefined
  const [, comm = '', pid, tid, seconds, micros, rest = ''] = head
  const event = parseEvent(rest)
  return (
    event && {
      comm,
      pid: Number(pid),
      tid: Number(tid),
      time: Number(seconds) * 1e6 + Number(micros),
      event,
    }
  )
}

function parseEvent(text: string): PerfEvent | undefined {
  const name = /^[A-Za-z_][\w:.-]*?(?=:?(?: |$))/.exec(text)?.[0]
  if (!name) return undefined
  const fields = text.slice(name.length)
  switch (name) {
    case 'exceptions:page_fault_user':
    case 'exceptions:page_fault_kernel':
      return parseFault(fields, name.endsWith('kernel'))
    case 'sched:sched_process_fork':
      return only(/ child_pid=(\d+)/.exec(fields), (match) => ({
        type: 'fork',
        child: Number(match[1]),
      }))
    case 'sched:sched_process_exit': {
      const dead = / group_dead=(true|false|1|0)/.exec(fields)?.[1]
      return { type: 'exit', groupDead: dead === undefined ? undefined : /true|1/.test(dead) }
    }
    case 'sched:sched_process_exec':
      return only(/ filename=(.*) pid=\d+ old_pid=\d+/.exec(fields), (match) => ({
        type: 'exec',
        filename: match[1]!,
      }))
    case 'kmem:mm_page_alloc':
      return { type: 'allocation', user: USER_PAGE.test(fields) }
    case 'mmap:exit_mmap':
      return { type: 'unmapped' }
    case 'PERF_RECORD_MMAP2':
      return parseMapping(text)
    case 'PERF_RECORD_LOST':
    case 'PERF_RECORD_LOST_SAMPLES':
      return only(/lost (\d+)/.exec(fields), (match) => ({
        type: 'lost',
        count: Number(match[1]),
      }))
  }
  const enter = /^syscalls:sys_enter_(\w+)$/.exec(name)?.[1]
  if (enter) return parseCall(enter, fields)
  const exit = /^syscalls:sys_exit_(\w+)$/.exec(name)?.[1]
  if (exit) {
    return only(LAST_NUMBER.exec(fields), (match) => ({
      type: 'return',
      name: exit,
      value: number(match),
    }))
  }
  return { type: 'other', name }
}

function parseFault(fields: string, kernel: boolean): PerfEvent | undefined {
  return only(FAULT.exec(fields), (match) => ({
    type: 'fault',
    address: Number.parseInt(match[1]!, 16),
    errorCode: Number.parseInt(match[2]!, 16),
    kernel,
  }))
}

function parseMapping(text: string): PerfEvent | undefined {
  return only(MMAP2.exec(text), ([, pid, start, length, offset, identity, flags, name]) => ({
    type: 'mapping',
    pid: Number(pid),
    start: Number.parseInt(start!, 16),
    length: Number.parseInt(length!, 16),
    offset: Number.parseInt(offset!, 16),
    // "maj:min inode generation", or a build id. Memory without a file has inode 0.
    file: / 0 \d+$/.test(identity!) ? '' : identity!,
    flags: flags!,
    name: name!,
  }))
}

function parseCall(name: string, fields: string): PerfEvent | undefined {
  const operands: number[] = []
  for (const match of fields.matchAll(NUMBER)) operands.push(number(match))
  return { type: 'call', name, operands }
}

function number(match: RegExpExecArray): number {
  return match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16)
}

function only(
  match: RegExpExecArray | null,
  event: (match: RegExpExecArray) => PerfEvent,
): PerfEvent | undefined {
  return match ? event(match) : undefined
}
