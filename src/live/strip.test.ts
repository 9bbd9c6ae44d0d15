/** strip.test: names go, and what the importer reads stays. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { parsePerfLine } from '../load/import/perf-line.ts'
import { importPerfScript } from '../load/import/perf-script.ts'
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

test('the trace of a recording is the same when it is stripped', async () => {
  const text = gunzipSync(readFileSync('workloads/recorded/redis-bgsave.perf.txt.gz')).toString()
  const stripper = new Stripper()
  const lines = text.split('\n')
  for (const line of lines) stripper.survey(line)
  const stripped = lines.map((line) => stripper.line(line))
  const importOf = (all: string[]) => importPerfScript(() => [all], 'x')
  const [before, after] = [await importOf(lines), await importOf(stripped)]
  expect(after.trace).toEqual(before.trace)
  expect(after.recording).toEqual(before.recording)
  expect(after.statistics).toEqual(before.statistics)
  // Neither where libraries and stack were, nor the program's own code.
  expect(stripped.join('\n')).not.toMatch(/0x(7f|55|56)[0-9a-f]{10}\b(?! 00:00)/)
})

test('neighbours stay neighbours, and a program at a fixed address stays where it was', () => {
  const stripper = new Stripper()
  const fault = (address: string) => FAULT.replace('0x7f0000001000', address)
  const lines = ['0x7effffe01000', '0x7f0000001000', '0x556600002000', '0x401000'].map(fault)
  for (const line of lines) stripper.survey(line)
  // The lowest of each neighbourhood, less what it lies above 2 MiB, comes to 2 TiB, and to 4.
  expect(lines.map((line) => /address=(\w+) ip=(\w+)/.exec(stripper.line(line))?.slice(1))).toEqual(
    [
      ['0x40000001000', '0x0'],
      ['0x40000201000', '0x0'],
      ['0x20000002000', '0x0'],
      ['0x401000', '0x0'],
    ],
  )
})
