import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { ANON, execed, fault, faults, forked, mmap, perfText } from '../test/perf-text.ts'
import { type Trace, TraceWriter } from '../trace/trace.ts'
import { loadTrace, writeTrace } from './trace-file.ts'
import { traceHash } from './trace-hash.ts'

const folder = mkdtempSync(join(tmpdir(), 'cowbench trace '))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function small(): Trace {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.mmap(mm, 0, 600, 0, 2)
  for (let vpn = 0; vpn < 600; vpn++) t.store(mm, vpn)
  t.fork(mm)
  return t.finish()
}

const A = 0x7f0000000000
const PERF = perfText(
  execed('10/10', 0x7fff00000000),
  mmap('10/10', A, 2048, ANON),
  faults('10/10', A, 2048, 6), // more than one chunk of a stream
  forked('10/10', 20),
  fault('20/20', A, 7),
)

const refusal = (path: string): Promise<string> =>
  loadTrace(path).then(
    () => 'loaded',
    (error: Error) => error.message.replaceAll(folder, ''),
  )

describe('a trace file', () => {
  test.each(['small.cowtrace', 'small.cowtrace.gz'])(
    '%s gives back what was written',
    async (name) => {
      const path = join(folder, name)
      const recording = new Uint8Array(600).fill(1)
      writeTrace(path, small(), { source: 'test', program: 'x' }, recording)
      const loaded = await loadTrace(path)
      expect(loaded).toEqual({
        trace: small(),
        hash: traceHash(small()),
        source: 'test',
        program: 'x',
        recording,
      })
      expect(loaded.trace.args.buffer).toBeInstanceOf(SharedArrayBuffer)
    },
  )

  test('has the same bytes each time it is written, packed or not', () => {
    for (const name of ['a.cowtrace', 'a.cowtrace.gz']) {
      const path = join(folder, name)
      writeTrace(path, small(), { source: 'test' })
      const first = readFileSync(path)
      writeTrace(path, small(), { source: 'test' })
      expect(readFileSync(path)).toEqual(first)
    }
  })

  test('that was cut or changed is refused by name', async () => {
    const path = join(folder, 'a.cowtrace')
    writeTrace(path, small(), { source: 'test' })
    const bytes = readFileSync(path)
    const size = bytes.length.toLocaleString('en-US')
    const less = (bytes.length - 100).toLocaleString('en-US')
    expect(await refusal(file('cut.cowtrace', bytes.subarray(0, -100)))).toBe(
      `truncated trace: /cut.cowtrace holds ${less} bytes, expected ${size}`,
    )
    bytes[bytes.length - 4]! ^= 1
    expect(await refusal(file('changed.cowtrace', bytes))).toMatch(
      /^invalid trace: \/changed.cowtrace is damaged; its content has the hash [0-9a-f]{16}$/,
    )
    expect(await refusal(file('cut.gz', gzipSync(bytes).subarray(0, -20)))).toBe(
      'truncated trace: /cut.gz ends within its gzip data',
    )
  })
})

describe('perf script text', () => {
  test('is imported, packed or not, and with either kind of line end', async () => {
    const plain = await loadTrace(file('x.perf.txt', PERF))
    expect(plain).toMatchObject({ source: 'perf-script', program: '/bin/some prog' })
    expect(plain.statistics).toMatchObject({
      forks: 1,
      unplaced: {},
      faults: { '0x6': 2048, '0x7': 1 },
    })
    expect(await loadTrace(file('x.perf.txt.gz', gzipSync(PERF)))).toEqual(plain)
    expect(await loadTrace(file('dos', PERF.replaceAll('\n', '\r\n')))).toEqual(plain)
    expect(await loadTrace(file('unended', PERF.slice(0, -1)))).toEqual(plain)
  })

  test('keeps its statistics and its recording when it is written as a trace', async () => {
    const imported = await loadTrace(file('x.perf.txt', PERF))
    const path = join(folder, 'x.cowtrace.gz')
    const { trace, recording, source, program, statistics } = imported
    writeTrace(path, trace, { source, program: program!, statistics: statistics! }, recording)
    expect(await loadTrace(path)).toEqual(imported)
  })

  test('that was cut within its gzip data is refused', async () => {
    const packed = gzipSync(PERF)
    expect(await refusal(file('half.gz', packed.subarray(0, packed.length / 2)))).toBe(
      'truncated trace: /half.gz ends within its gzip data',
    )
  })

  test('without forks is refused', async () => {
    const text = PERF.replace(/.*sched_process_fork.*\n/, '')
    expect(await refusal(file('nofork.txt', text))).toBe(
      'missing events: no sched:sched_process_fork line in /nofork.txt; expected: a recording in which a process forks, made with that event',
    )
  })
})

describe('what is no trace is refused in one line', () => {
  const EXPECTED = 'expected: a cowbench trace or perf script text, plain or gzipped, or perf.data'

  test('an empty file, also packed', async () => {
    expect(await refusal(file('e', ''))).toBe(`truncated trace: /e holds 0 bytes; ${EXPECTED}`)
    expect(await refusal(file('e.gz', gzipSync('')))).toBe(
      `truncated trace: /e.gz holds 0 bytes; ${EXPECTED}`,
    )
  })

  test('a foreign file, text or not', async () => {
    expect(await refusal(file('a.csv', 'a,b\n1,2\n'))).toBe(
      `unsupported trace: /a.csv; ${EXPECTED}`,
    )
    const noise = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 251)
    expect(await refusal(file('noise', noise))).toBe(`unsupported trace: /noise; ${EXPECTED}`)
  })

  test('a file that says gzip and is not', async () => {
    // A whole gzip header, then a block of the type that does not exist.
    const bytes = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0, 0, 0, 0, 0, 0, 0, 0)
    expect(await refusal(file('b.gz', bytes))).toBe(
      'invalid trace: /b.gz is damaged, its gzip data cannot be unpacked',
    )
  })

  test('a path that is none, or a folder', async () => {
    expect(await refusal(join(folder, 'none'))).toBe('missing trace: /none cannot be read (ENOENT)')
    expect(await refusal(folder)).toBe(`invalid trace:  is a directory; ${EXPECTED}`)
  })
})

describe('perf.data', () => {
  /** With a program of that name in place of perf. */
  async function withPerf<T>(script: string | undefined, what: () => Promise<T>): Promise<T> {
    const bin = mkdtempSync(join(folder, 'bin'))
    if (script !== undefined) {
      writeFileSync(join(bin, 'perf'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    }
    const { PATH } = process.env
    process.env['PATH'] = script === undefined ? bin : `${bin}:${PATH}`
    try {
      return await what()
    } finally {
      process.env['PATH'] = PATH
    }
  }
  const data = file('perf.data', 'PERFILE2 and what only perf can read')

  test('is imported by way of perf script', async () => {
    const text = file('fake.txt', PERF)
    const { trace, source } = await withPerf(`cat '${text}'`, () => loadTrace(data))
    expect(source).toBe('perf-script')
    expect(traceHash(trace)).toBe(traceHash((await loadTrace(text)).trace))
  })

  test('needs perf, and a perf that can read it', async () => {
    expect(await withPerf(undefined, () => refusal(data))).toMatch(
      /^missing perf: it has to read \/perf.data; install linux-perf/,
    )
    const fails = "echo 'incompatible file format' >&2; exit 1"
    expect(await withPerf(fails, () => refusal(data))).toBe(
      'invalid trace: perf script cannot read /perf.data (incompatible file format)',
    )
  })
})
