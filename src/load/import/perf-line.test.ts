import { describe, expect, test } from 'vitest'
import { type PerfEvent, parsePerfLine } from './perf-line.ts'

const HEAD = '    redis-server 17848/17850  4615.803299: '
const eventOf = (text: string): PerfEvent | undefined => parsePerfLine(HEAD + text)?.event

describe('the head of a line', () => {
  test('gives command, process, thread and time in microseconds', () => {
    expect(parsePerfLine(`${HEAD}kmem:mm_page_free: page=0x1`)).toEqual({
      comm: 'redis-server',
      pid: 17848,
      tid: 17850,
      time: 4_615_803_299,
      event: { type: 'other', name: 'kmem:mm_page_free' },
    })
  })

  test('may have spaces, slashes and numbers in the command, a CPU, nanoseconds, and no process', () => {
    const tail = 'sched:sched_process_exit: comm=x pid=5 prio=120'
    expect(parsePerfLine(`  Web Content 1/2  7/9     0.000001: ${tail}`)).toMatchObject({
      comm: 'Web Content 1/2',
      pid: 7,
      tid: 9,
      time: 1,
    })
    expect(parsePerfLine(`kworker/0:1 7/9 [003] 12.000001234: ${tail}`)).toMatchObject({
      comm: 'kworker/0:1',
      tid: 9,
      time: 12_000_001,
    })
    expect(parsePerfLine(`:-1 -1/-1  1.000000: ${tail}`)).toMatchObject({ pid: -1 })
  })

  test('is needed: other text is no line', () => {
    for (const text of ['', '# captured on: Mon', 'hello world', 'a 1/2 3.4: x', HEAD]) {
      expect(parsePerfLine(text)).toBeUndefined()
    }
  })
})

describe('an event', () => {
  test('is a fault with its address and error code, of the program or of the kernel', () => {
    expect(
      eventOf(
        'exceptions:page_fault_user: address=0x7fffa7261ff8 ip=0x7fa4f78cedbc error_code=0x6',
      ),
    ).toEqual({ type: 'fault', address: 0x7fffa7261ff8, errorCode: 6, kernel: false })
    expect(
      eventOf(
        'exceptions:page_fault_kernel: address=0x7f676b87fe50 ip=__put_user_4 error_code=0x3',
      ),
    ).toEqual({ type: 'fault', address: 0x7f676b87fe50, errorCode: 3, kernel: true })
  })

  test('is a mapping with the identity of its file', () => {
    expect(
      eventOf(
        'PERF_RECORD_MMAP2 17848/17848: [0x55cf8f256000(0x117000) @ 0x5f000 fe:00 2173495 1024806457]: r-xp redis check',
      ),
    ).toEqual({
      type: 'mapping',
      pid: 17848,
      start: 0x55cf8f256000,
      length: 0x117000,
      offset: 0x5f000,
      file: 'fe:00 2173495 1024806457',
      flags: 'r-xp',
      name: 'redis check',
    })
  })

  test('is a mapping without a file, or with a build id in place of the inode', () => {
    expect(
      eventOf('PERF_RECORD_MMAP2 1/1: [0x7f0000000000(0x1000) @ 0 00:00 0 0]: rw-p //anon'),
    ).toMatchObject({ file: '', offset: 0, name: '//anon' })
    expect(
      eventOf('PERF_RECORD_MMAP2 1/1: [0x7f0000000000(0x1000) @ 0x1000 <4d62a>]: r-xp libc.so.6'),
    ).toMatchObject({ file: '<4d62a>', offset: 0x1000 })
  })

  test('is a call with its operands in order, or its return', () => {
    expect(
      eventOf(
        'syscalls:sys_enter_mmap: addr: 0x00000000, len: 0x0000c367, prot: 0x00000001, flags: 0x00000002, fd: 0x00000003, off: 0x00000000',
      ),
    ).toEqual({ type: 'call', name: 'mmap', operands: [0, 0xc367, 1, 2, 3, 0] })
    expect(eventOf('syscalls:sys_enter_fork: ')).toEqual({
      type: 'call',
      name: 'fork',
      operands: [],
    })
    expect(eventOf('syscalls:sys_exit_mmap: 0x7fa4f78a5000')).toEqual({
      type: 'return',
      name: 'mmap',
      value: 0x7fa4f78a5000,
    })
    expect(eventOf('syscalls:sys_exit_mmap: 0xfffffffffffffff4')).toMatchObject({
      value: 2 ** 64, // -12, as far as a double can tell
    })
  })

  test('is a fork, an exec or an exit', () => {
    expect(
      eventOf(
        'sched:sched_process_fork: comm=redis-server pid=17848 child_comm=a pid=1 child_pid=17857',
      ),
    ).toEqual({ type: 'fork', child: 17857 })
    expect(eventOf('sched:sched_process_exec: filename=/opt/my tool/x pid=17 old_pid=18')).toEqual({
      type: 'exec',
      filename: '/opt/my tool/x',
    })
    const exit = 'sched:sched_process_exit: comm=redis-server pid=17848 prio=120'
    expect(eventOf(exit)).toEqual({ type: 'exit', groupDead: undefined }) // before Linux 6.16
    expect(eventOf(`${exit} group_dead=true`)).toEqual({ type: 'exit', groupDead: true })
    expect(eventOf(`${exit} group_dead=false`)).toEqual({ type: 'exit', groupDead: false })
  })

  test('is a report of lost events', () => {
    expect(eventOf('PERF_RECORD_LOST lost 123')).toEqual({ type: 'lost', count: 123 })
  })

  test('is nothing if a line of a known kind was cut', () => {
    expect(eventOf('exceptions:page_fault_user: address=0x7fffa72')).toBeUndefined()
    expect(eventOf('PERF_RECORD_MMAP2 17848/17848: [0x55cf8f25')).toBeUndefined()
    expect(eventOf('sched:sched_process_fork: comm=x')).toBeUndefined()
  })
})
