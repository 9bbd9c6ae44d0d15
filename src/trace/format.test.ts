/** format.test: a trace file byte by byte, there and back, and every way to damage one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeTrace, encodeTrace, isTraceFile } from './format.ts'
import { type Trace, TraceWriter } from './trace.ts'

const ORIGIN = { source: 'test', program: 'redis-server', hash: 'abc' }

function small(): Trace {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.mmap(mm, 512, 4, 0, 2)
  t.store(mm, 512)
  t.store(mm, 513)
  t.exit(t.fork(mm))
  return t.finish()
}

const traces = fc
  .array(
    fc.tuple(
      fc.constantFrom('load', 'store', 'fork', 'munmap', 'drain'),
      fc.nat(2 ** 30),
      fc.nat(9),
    ),
  )
  .map((steps) => {
    const t = new TraceWriter()
    const mm = t.spawn()
    for (const [op, vpn, pages] of steps) {
      if (op === 'load') t.load(mm, vpn)
      else if (op === 'store') t.store(mm, vpn)
      else if (op === 'fork') t.fork(mm)
      else if (op === 'munmap') t.munmap(mm, vpn, pages + 1)
      else t.drain()
    }
    return t.finish()
  })

describe('a trace file', () => {
  test('gives back the trace, the recording and the header that went in', () => {
    fc.assert(
      fc.property(
        traces,
        fc.uint8Array(),
        fc.record({ source: fc.string({ unit: 'grapheme' }), hash: fc.string() }),
        fc.nat(3),
        (trace, recording, origin, shift) => {
          const bytes = encodeTrace(trace, origin, recording)
          // At an odd place in a larger buffer, as a slice of a packed file may lie.
          const shifted = new Uint8Array(new ArrayBuffer(bytes.length + shift), shift)
          shifted.set(bytes)
          const file = decodeTrace(shifted, 'x')
          expect(file.trace).toEqual(trace)
          expect(file.recording ?? new Uint8Array()).toEqual(recording)
          expect(file.header).toEqual({
            ...origin,
            events: trace.events,
            processes: trace.processes,
          })
        },
      ),
    )
  })

  test('has the same bytes whenever the same trace is written', () => {
    expect(encodeTrace(small(), ORIGIN)).toEqual(encodeTrace(small(), ORIGIN))
  })

  test('is laid out as the format says, little-endian', () => {
    const bytes = encodeTrace(small(), ORIGIN)
    expect(isTraceFile(bytes)).toBe(true)
    // The header is 79 bytes and a space; 5 segments (spawn, mmap, stores, fork, exit) of 4 words; 7 + 2 + 1
    // operands; no recording.
    const words = [...new Uint32Array(bytes.buffer, 8, 6)]
    expect(words).toEqual([1, 80, 20, 10, 0, 0])
    const json = new TextDecoder().decode(bytes.subarray(32, 32 + 80))
    expect(json.trimEnd()).toBe(
      '{"source":"test","program":"redis-server","hash":"abc","events":6,"processes":2}',
    )
    expect([...bytes.subarray(-4)]).toEqual([1, 0, 0, 0]) // the child's id, the last operand
  })

  test('in shared memory gives a trace in shared memory', () => {
    const bytes = encodeTrace(small(), ORIGIN)
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
    shared.set(bytes)
    const { trace } = decodeTrace(shared, 'x')
    expect(trace).toEqual(small())
    expect(trace.args.buffer).toBe(shared.buffer)
  })
})

describe('a file that is no whole trace', () => {
  // 32 + 80 + 4 * (20 + 10) + 2 = 234 bytes.
  const whole = encodeTrace(small(), ORIGIN, new Uint8Array(2))

  test('is refused as truncated wherever it was cut', () => {
    for (let length = 32; length < whole.length; length++) {
      expect(() => decodeTrace(whole.slice(0, length), 'bg.cowtrace')).toThrow(
        `truncated trace: bg.cowtrace holds ${length} bytes, expected 234`,
      )
    }
    expect(() => decodeTrace(whole.slice(0, 31), 'bg.cowtrace')).toThrow(
      'truncated trace: bg.cowtrace holds 31 bytes, expected 32',
    )
    expect(() => decodeTrace(new Uint8Array(0), 'bg.cowtrace')).toThrow(
      'truncated trace: bg.cowtrace holds 0 bytes, expected 32',
    )
  })

  test('is refused if something follows the trace', () => {
    const longer = new Uint8Array(whole.length + 1)
    longer.set(whole)
    expect(() => decodeTrace(longer, 'x')).toThrow('invalid trace: x holds 235 bytes, expected 234')
  })

  test('is refused if it is of another kind', () => {
    const foreign = new TextEncoder().encode('#!/bin/sh\necho this is not a trace at all\n')
    expect(isTraceFile(foreign)).toBe(false)
    expect(() => decodeTrace(foreign, 'x.sh')).toThrow(
      'unsupported trace: x.sh is no cowbench trace',
    )
  })

  test('is refused if it is of another version', () => {
    const later = whole.slice()
    later[8] = 2
    expect(() => decodeTrace(later, 'x')).toThrow('unsupported trace version: 2 in x; available: 1')
  })

  test('is refused if its header is damaged', () => {
    const text = new TextDecoder('latin1').decode(whole)
    for (const [good, bad] of [
      ['{"source"', '["source"'], // no JSON
      ['"events":', '"Events":'], // no count of events
      ['"hash":"abc"', '"hash": 123 '], // no hash
    ] as const) {
      const damaged = Uint8Array.from(text.replace(good, bad), (c) => c.charCodeAt(0))
      expect(damaged).not.toEqual(whole)
      expect(() => decodeTrace(damaged, 'x')).toThrow(
        'invalid trace: x is damaged, its header cannot be read',
      )
    }
  })
})
