import { expect, test } from 'vitest'
import alwaysCopy from '../policies/always-copy.ts'
import mapcount from '../policies/mapcount.ts'
import mmId from '../policies/mm-id.ts'
import { againstRecording } from './against-recording.ts'
import { loadTrace } from './load/trace-file.ts'
import { DEFAULT_PROFILE } from './metrics/cost.ts'
import type { PolicyDefinition } from './policy/api.ts'
import {
  INSERTED_AT_FORK,
  INSERTED_FAULT_AROUND,
  RECORDED_AGAIN,
  RECORDED_COPY,
  RECORDED_COPY_DURING_EXIT,
  RECORDED_HOLE,
  RECORDED_PRESENT,
  RECORDED_REUSE,
  RECORDED_REUSE_DURING_EXIT,
} from './trace/recording.ts'
import { TraceWriter } from './trace/trace.ts'

const settingsOf = (policy: PolicyDefinition) => ({
  ...{ policy, params: {} },
  cost: DEFAULT_PROFILE,
})

/** A Python fork pool, recorded with page allocations: the outcome of each decision is known. */
const PYTHON = 'workloads/recorded/python-pool.perf.txt.gz'

type Access = readonly [op: 'load' | 'store', mm: number, vpn: number, recorded: number]

/** A parent with pages 0 to 3 of its own forks, then `accesses`; what the parent did before is recorded in full. */
function agreementOf(policy: PolicyDefinition, ...accesses: readonly Access[]) {
  const t = new TraceWriter()
  const parent = t.spawn()
  t.mmap(parent, 0, 8, 0, 3)
  for (let vpn = 0; vpn < 4; vpn++) t.store(parent, vpn)
  t.fork(parent)
  for (const [op, mm, vpn] of accesses) t[op](mm, vpn)
  const recording = [...new Array(4).fill(RECORDED_HOLE), ...accesses.map(([, , , code]) => code)]
  return againstRecording(settingsOf(policy), t.finish(), Uint8Array.from(recording))
}

const [PARENT, CHILD] = [0, 1]

test('where the model does what the kernel did, everything is shared', () => {
  const agreement = agreementOf(
    mmId,
    ['store', PARENT, 0, RECORDED_COPY],
    ['store', CHILD, 0, RECORDED_REUSE],
    ['store', CHILD, 1, RECORDED_PRESENT],
    ['load', PARENT, 4, RECORDED_HOLE],
    ['store', PARENT, 4, RECORDED_PRESENT],
    ['load', CHILD, 5, INSERTED_FAULT_AROUND],
  )
  expect(agreement).toEqual({
    // Four stores before the fork, five recorded faults after it.
    faults: { recorded: 9, shared: 9 },
    presence: { recorded: 9, shared: 9 },
    added: 1,
    decisions: { recorded: 4, shared: 4 },
    answers: { 'copy: referenced elsewhere': 2, reuse: 1, 'copy: zero page': 1 },
    outcomes: { recorded: 2, shared: 2 },
    differences: {},
    duringExit: { kernelCopies: 0, kernelReuses: 0 },
    extraFaults: { 'file page that fault-around had mapped': 1 },
    extraDecisions: {},
    reuses: 1,
  })
})

test('what only the kernel did, and what only the model does, is named', () => {
  const agreement = agreementOf(
    mmId,
    ['store', PARENT, 0, RECORDED_REUSE], // the model copies
    ['store', PARENT, 0, RECORDED_PRESENT], // and may write from then on
    ['store', CHILD, 0, RECORDED_COPY], // and lets the last user reuse
    ['store', CHILD, 6, RECORDED_PRESENT], // nothing there
    ['store', CHILD, 1, RECORDED_HOLE], // a page, and shared
    ['store', CHILD, 2, INSERTED_AT_FORK],
    ['store', CHILD, 3, RECORDED_AGAIN],
    ['load', CHILD, 7, RECORDED_AGAIN],
  )
  expect(agreement).toMatchObject({
    // All but the second store of the parent.
    faults: { recorded: 9, shared: 8 },
    // Pages 6 and 1 of the child.
    presence: { recorded: 9, shared: 7 },
    added: 1,
    decisions: { recorded: 4, shared: 2 },
    answers: {
      'copy: referenced elsewhere': 1,
      reuse: 1,
      'nothing: writable already': 1,
      'nothing: no page': 1,
    },
    outcomes: { recorded: 2, shared: 0 },
    differences: {
      'kernel reuse, model copy: referenced elsewhere': 1,
      'kernel copy, model reuse': 1,
    },
    // Page 2; pages 3 and 7.
    extraFaults: {
      'page read before a fork, which the fork may have left out': 1,
      'fault recorded a second time': 2,
    },
    extraDecisions: {
      'fault on a hole': 1,
      'page read before a fork, which the fork may have left out': 1,
      'fault recorded a second time': 1,
    },
  })
})

test('a difference during an exit is counted as such', () => {
  const agreement = agreementOf(
    mmId,
    ['store', PARENT, 0, RECORDED_REUSE_DURING_EXIT], // the model has the child map it still
    ['store', CHILD, 0, RECORDED_COPY_DURING_EXIT], // and now nobody but the child
    ['store', CHILD, 1, RECORDED_COPY_DURING_EXIT], // both copy
  )
  expect(agreement).toMatchObject({
    decisions: { recorded: 3, shared: 3 },
    outcomes: { recorded: 3, shared: 1 },
    differences: {
      'kernel reuse, model copy: referenced elsewhere; a process that had exited was being unmapped': 1,
      'kernel copy, model reuse; a process that had exited was being unmapped': 1,
    },
    duringExit: { kernelCopies: 1, kernelReuses: 1 },
  })
})

test('mm-id takes each fault and each decision of the Redis recording, and no other decision', async () => {
  const { trace, recording } = await loadTrace('workloads/recorded/redis-bgsave.perf.txt.gz')
  const agreement = againstRecording(settingsOf(mmId), trace, recording!)
  expect(agreement).toMatchObject({
    faults: { recorded: 32_274, shared: 32_274 },
    presence: { recorded: 32_274, shared: 32_274 },
    added: 61,
    // 23,203 of error code 7 and 15 of error code 3.
    decisions: { recorded: 23_218, shared: 23_218 },
    extraDecisions: {},
    reuses: 8865,
  })
})

test('mm-id decides as the kernel did at every decision of the Python recording', async () => {
  const { trace, recording } = await loadTrace(PYTHON)
  const agreement = againstRecording(settingsOf(mmId), trace, recording!)
  expect(agreement).toMatchObject({
    // Error codes 0x7, 0x6, 0x14, 0x4, 0x2, 0x3, 0x0: 13,008 + 2,556 + 679 + 394 + 266 + 35 + 14.
    faults: { recorded: 16_952, shared: 16_952 },
    presence: { recorded: 16_952, shared: 16_952 },
    added: 19,
    // Error codes 0x7 and 0x3.
    decisions: { recorded: 13_043, shared: 13_043 },
    answers: {
      'copy: referenced elsewhere': 8660,
      reuse: 4332,
      'copy: not anonymous memory': 44,
      'copy: zero page': 7,
    },
    outcomes: { recorded: 13_043, shared: 13_043 },
    differences: {},
    extraDecisions: {},
    reuses: 4332,
  })
})

test('a policy that never reuses parts from the kernel at each of its reuses', async () => {
  const { trace, recording } = await loadTrace(PYTHON)
  const { decisions, outcomes, differences } = againstRecording(
    settingsOf(alwaysCopy),
    trace,
    recording!,
  )
  expect(decisions.shared).toBe(13_043)
  expect(outcomes).toEqual({ recorded: 13_043, shared: 13_043 - 4332 })
  // 34 of them while a worker of the pool was being unmapped.
  expect(Object.values(differences)).toEqual([4332 - 34, 34])
})

test('an order-0 trace without pins or swap does not tell mm-id from mapcount', async () => {
  const { trace, recording } = await loadTrace('workloads/recorded/redis-bgsave.perf.txt.gz')
  const old = againstRecording(settingsOf(mapcount), trace, recording!)
  expect(old.reuses).toBe(8865)
  expect(old.decisions.shared).toBe(23_218)
})
