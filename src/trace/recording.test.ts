import { expect, test } from 'vitest'
import {
  compareWithRecording,
  INSERTED_AT_FORK,
  MODEL_COPY,
  MODEL_FILL,
  MODEL_NOTHING,
  MODEL_REUSE,
  RECORDED_AGAIN,
  RECORDED_HOLE,
  RECORDED_PRESENT,
} from './recording.ts'
import { TraceWriter } from './trace.ts'

test('a comparison counts the decisions on both sides, and those that only one side took', () => {
  const t = new TraceWriter()
  const mm = t.spawn()
  t.mmap(mm, 0, 8, 0, 2)
  const rows: [kind: 'load' | 'store', recorded: number, model: number][] = [
    ['store', RECORDED_HOLE, MODEL_FILL],
    ['store', RECORDED_PRESENT, MODEL_REUSE],
    ['store', RECORDED_PRESENT, MODEL_COPY],
    ['store', RECORDED_PRESENT, MODEL_COPY],
    ['store', RECORDED_PRESENT, MODEL_NOTHING],
    ['store', RECORDED_PRESENT, MODEL_FILL],
    ['load', RECORDED_PRESENT, MODEL_NOTHING], // a protection fault of a load is no decision
    ['load', INSERTED_AT_FORK, MODEL_FILL],
    ['store', RECORDED_HOLE, MODEL_COPY], // a decision that the kernel did not take
    ['store', RECORDED_AGAIN, MODEL_NOTHING],
  ]
  for (const [kind] of rows) t[kind](mm, 0)
  const recording = Uint8Array.from(rows, ([, recorded]) => recorded)
  const model = Uint8Array.from(rows, ([, , outcome]) => outcome)
  expect(compareWithRecording(t.finish(), recording, model)).toEqual({
    decisions: 5,
    reuses: 1,
    copies: 2,
    writable: 1,
    absent: 1,
    extra: { 'fault on a hole': 1 },
  })
})
