/** strip.test: names go, and what the importer reads stays. */
import { expect, test } from 'vitest'
import { parsePerfLine } from '../load/import/perf-line.ts'
import { Stripper } from './strip.ts'

const FORK =
  '   redis-server 17875/17875  4624.076344: sched:sched_process_fork: ' +
  'comm=redis-server pid=17875 child_comm=redis-server child_pid=17880'
const EXEC =
  '  my program 17875/17875  4624.076344: sched:sched_process_exec: ' +
  'filename=/home/someone/redis-server pid=17875 old_pid=17875'
const FAULT =
  ' redis-server 17875/17875  4624.100000: exceptions:page_fault_user: ' +
  'address=0x7f0000001000 ip=0x55da6ef02000 error_code=0x7'
const mapping = (name: string) =>
  ' redis-server 17875/17875  4624.076351: PERF_RECORD_MMAP2 17875/17875: ' +
  `[0x55da6eec9000(0xb8000) @ 0x1000 fe:00 15884297 3315725593]: r-xp ${name}`

test('programs, files and inodes become numbers, the same ones each time', () => {
  const stripper = new Stripper()
  const first = stripper.line(mapping('/home/someone/lib secret.so'))
  expect(first).toBe(
    ' program1 17875/17875  4624.076351: PERF_RECORD_MMAP2 17875/17875: ' +
      '[0x55da6eec9000(0xb8000) @ 0x1000 00:01 1 0]: r-xp /file1',
  )
  expect(stripper.line(mapping('/home/someone/lib secret.so'))).toBe(first)
  expect(stripper.line(mapping('/etc/passwd'))).toMatch(/ \/file2$/)
  expect(stripper.line(EXEC)).toMatch(/^ {2}program2 17875.*filename=\/file3 pid=17875/)
  expect(stripper.line(FORK)).toMatch(/comm=program1 pid=17875 child_comm=program1 child_pid/)
})

test('anonymous memory, stack and heap keep their kind', () => {
  const stripper = new Stripper()
  for (const name of ['//anon', '[stack]', '[heap]', '[vvar_vclock]', '/dev/zero (deleted)']) {
    expect(stripper.line(mapping(name)).endsWith(name)).toBe(true)
  }
})

test('the importer reads from a stripped line what it reads from the line', () => {
  for (const line of [FORK, FAULT]) {
    const stripped = parsePerfLine(new Stripper().line(line))
    expect(stripped).toEqual({ ...parsePerfLine(line), comm: 'program1' })
  }
})
