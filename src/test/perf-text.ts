/**
 * perf-text: recordings written by hand, as perf script prints them; and traces as text, to compare with.
 */
import { OP_LABELS, OP_LOAD, OP_STORE, OPERANDS } from '../trace/ops.ts'
import { SEGMENT, type Trace } from '../trace/trace.ts'

/** Who a line is about: process/thread. */
export type Who = `${number}/${number}`

/** What follows the time in one or more lines of one thread. */
export interface Event {
  readonly who: Who
  readonly lines: readonly string[]
}

const hex = (value: number): string => `0x${value.toString(16)}`
const event = (who: Who, ...lines: string[]): Event => ({ who, lines })

/** The text of events, one microsecond apart, after what perf prints first of all. */
export function perfText(...events: readonly Event[]): string {
  let micros = 4_615_799_273
  const head =
    '         swapper     0/0         0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x12090c8) @ 0xffffffff81000000]: x [kernel.kallsyms]_text'
  const lines = events.flatMap(({ who, lines }) =>
    lines.map((line) => {
      micros += 10
      const time = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`
      return `${'some prog'.padStart(16)} ${who}  ${time}: ${line}`
    }),
  )
  return `${[head, ...lines].join('\n')}\n`
}

export function fault(who: Who, address: number, errorCode: number, from = 'user'): Event {
  const ip = from === 'user' ? hex(0x401000) : '__put_user_8'
  return event(
    who,
    `          exceptions:page_fault_${from}: address=${hex(address)} ip=${ip} error_code=${hex(errorCode)}`,
  )
}

/** Several faults, at neighbouring pages. */
export function faults(who: Who, address: number, pages: number, errorCode: number): Event {
  const each = Array.from({ length: pages }, (_, i) => fault(who, address + 4096 * i, errorCode))
  return event(who, ...each.flatMap(({ lines }) => lines))
}

export function call(who: Who, name: string, ...operands: number[]): Event {
  const fields = operands.map((operand, i) => `operand${i}: ${hex(operand)}`)
  return event(who, `             syscalls:sys_enter_${name}: ${fields.join(', ')}`)
}

export function returned(who: Who, name: string, value: number | string): Event {
  const shown = typeof value === 'number' ? hex(value) : value
  return event(who, `              syscalls:sys_exit_${name}: ${shown}`)
}

export function record(
  who: Who,
  start: number,
  pages: number,
  flags: string,
  name = '//anon',
  inode = 0,
  pgoff = 0,
): Event {
  const file = inode === 0 ? '00:00 0 0' : `fe:00 ${inode} 1024806457`
  return event(
    who,
    `PERF_RECORD_MMAP2 ${who}: [${hex(start)}(${hex(pages * 4096)}) @ ${hex(pgoff * 4096)} ${file}]: ${flags} ${name}`,
  )
}

export const ANON = 0x22
export const FIXED_ANON = 0x32
export const SHARED_ANON = 0x21
export const PRIVATE_FILE = 0x02
export const SHARED_FILE = 0x01

/** An mmap call from entry to return; `inode` is of the file that perf sees it map, or 0. */
export function mmap(
  who: Who,
  address: number,
  pages: number,
  flags: number,
  { prot = 3, inode = 0, pgoff = 0 } = {},
): Event {
  const letters = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}${flags & 1 ? 's' : 'p'}`
  const seen = record(who, address, pages, letters, inode ? 'file' : '//anon', inode, pgoff)
  return event(
    who,
    ...call(who, 'mmap', 0, pages * 4096, prot, flags, 0xffffffff, pgoff * 4096).lines,
    ...seen.lines,
    ...returned(who, 'mmap', address).lines,
  )
}

export function forked(who: Who, child: number, flags: number | 'clone3' = 0x01200011): Event {
  const enter =
    flags === 'clone3' ? call(who, 'clone3', 0x7ffe0000, 0x58) : call(who, 'clone', flags, 0, 0)
  const parent = who.split('/')[1]
  return event(
    who,
    ...enter.lines,
    `             sched:sched_process_fork: comm=some prog pid=${parent} child_comm=some prog child_pid=${child}`,
  )
}

/** The mapping of the new stack, then what else the image is made of, then the line that names the exec. */
export function execed(who: Who, stackEnd: number, image: readonly Event[] = []): Event {
  const pid = who.split('/')[0]
  return event(
    who,
    ...record(who, stackEnd - 33 * 4096, 33, 'rw-p', '[stack]', 0, 0x7fffffde).lines,
    ...image.flatMap(({ lines }) => lines),
    `             sched:sched_process_exec: filename=/bin/some prog pid=${pid} old_pid=${pid}`,
  )
}

export function exited(who: Who, groupDead?: boolean): Event {
  const dead = groupDead === undefined ? '' : ` group_dead=${groupDead}`
  return event(
    who,
    `             sched:sched_process_exit: comm=some prog pid=${who.split('/')[1]} prio=120${dead}`,
  )
}

/** A line of any other kind. */
export function other(who: Who, text: string): Event {
  return event(who, text)
}

/** A trace, one line an event: `store 0: 5`. */
export function traceText({ segments, args }: Trace): string[] {
  const lines: string[] = []
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = -1, mm, lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
    const head = `${OP_LABELS[op]} ${mm}`
    if (op === OP_LOAD || op === OP_STORE) {
      for (let i = lo; i < hi; i++) lines.push(`${head}: ${args[i]}`)
    } else if (OPERANDS[op]!.length === 0) lines.push(head)
    else lines.push(`${head}: ${args.subarray(lo, hi).join(' ')}`)
  }
  return lines
}
