/** attribution.test: reuses told apart by process, from texts of a few lines. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addExits, attributeReuses, reusesOfOthers } from './attribution.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cowbench-attribution-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const PROGRAM = 100
const CHILD = 101
const SHELL = 7

let page = 0
/** A store to a present page, another one each time; times are in milliseconds. */
function store(comm: string, pid: number, ms: number): string {
  const address = (0x7f0000000000 + 4096 * page++).toString(16)
  return line(
    comm,
    pid,
    ms,
    `exceptions:page_fault_user: address=0x${address} ip=0x1 error_code=0x7`,
  )
}

const copy = (comm: string, pid: number, ms: number): string =>
  line(
    ...([comm, pid, ms] as const),
    'kmem:mm_page_alloc: page=0x1 pfn=0x1 order=0 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP',
  )

const pageCache = (comm: string, pid: number, ms: number): string =>
  copy(comm, pid, ms).replace('__GFP_COMP', '__GFP_WRITE|__GFP_COMP')

const exit = (comm: string, pid: number, ms: number): string =>
  line(comm, pid, ms, `sched:sched_process_exit: comm=${comm} pid=${pid} prio=120 group_dead=true`)

const unmapped = (comm: string, pid: number, ms: number): string =>
  line(comm, pid, ms, 'mmap:exit_mmap: mt_mod 0xffff888116a6de00, DESTROY')

function line(comm: string, pid: number, ms: number, event: string): string {
  return `${comm} ${pid}/${pid} 5.${String(1000 * ms).padStart(6, '0')}: ${event}`
}

async function attribute(program: readonly string[], system: readonly string[]) {
  const text = join(folder, 'program.txt')
  const everybody = join(folder, 'system.txt')
  writeFileSync(text, program.join('\n'))
  writeFileSync(everybody, system.join('\n'))
  // From the 10th to the 100th millisecond.
  return await attributeReuses({ text: everybody, start: 5_010_000, end: 5_100_000 }, text)
}

test('a store without an allocation is a reuse, of the program or of another process', async () => {
  const attribution = await attribute(
    [store('python', PROGRAM, 30)],
    [
      store('sh', SHELL, 9), // Before anything was counted.
      store('perf', PROGRAM, 20), // Its exec comes later.
      store('python', PROGRAM, 30),
      store('sh', SHELL, 31),
      copy('sh', SHELL, 32),
      store('sh', SHELL, 33),
      store('python', PROGRAM, 34),
      copy('python', PROGRAM, 35),
      store('sh', SHELL, 36),
      line('sh', SHELL, 36, 'syscalls:sys_enter_openat: dfd: 0xffffff9c, filename: 0x7f0000000000'),
      copy('sh', SHELL, 36), // The first page of a new file in memory.
      store('sh', SHELL, 36),
      pageCache('sh', SHELL, 37), // A reuse, and then a write to a file.
      line('sh', SHELL, 38, 'PERF_RECORD_LOST lost 3'),
      store('sh', SHELL, 101), // After the end.
    ],
  )
  expect(attribution).toEqual({
    program: 1,
    others: { sh: 3, perf: 1 },
    lost: 3,
  })
  expect(reusesOfOthers(attribution)).toBe(4)
})

test('two threads that fault on one page at once are one reuse', async () => {
  const fault = store('sh', SHELL, 20)
  const { others } = await attribute(
    [],
    [fault, fault.replace('/7 ', '/8 '), store('sh', SHELL, 21)],
  )
  expect(others).toEqual({ sh: 2 })
})

test('the end of an exit is added to the text of the program, at its time', async () => {
  const text = join(folder, 'program.txt')
  const system = join(folder, 'system.txt')
  const program = [
    store('python', PROGRAM, 20),
    store('python', CHILD, 21),
    exit('python', CHILD, 22),
    store('python', PROGRAM, 23),
    store('python', PROGRAM, 27),
  ]
  const [end, last] = [unmapped('python', CHILD, 26), unmapped('python', PROGRAM, 30)]
  writeFileSync(text, program.join('\n'))
  writeFileSync(system, [unmapped('sh', SHELL, 25), end, store('sh', SHELL, 28), last].join('\n'))
  const to = join(folder, 'complete.txt')
  await addExits({ text: system, start: 0, end: 0 }, text, to)
  expect(readFileSync(to, 'utf8').split('\n')).toEqual([
    ...[...program.slice(0, 4), end, ...program.slice(4)],
    ...[last, ''],
  ])
})
