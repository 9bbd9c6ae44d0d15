import { expect, test } from 'vitest'
import { describeTrace } from '../../test/describe-trace.ts'
import { RECORDED_PRESENT } from '../../trace/recording.ts'
import { validateTrace } from '../../trace/validate.ts'
import { loadTrace } from '../trace-file.ts'

const REDIS = 'workloads/recorded/redis-bgsave.perf.txt.gz'

test('every line of the Redis recording is used or has a reason not to be', async () => {
  const { statistics, program, source } = await loadTrace(REDIS)
  expect({ program, source }).toEqual({ program: 'redis-server', source: 'perf-script' })
  expect(statistics).toEqual({
    lines: 32_688,
    seconds: 6.123,
    used: 32_643,
    ignored: {
      'mapping that is known already': 42,
      'pread64: no pin, O_DIRECT is not recorded': 2,
      PERF_RECORD_MMAP: 1,
    },
    unplaced: {},
    inserted: {
      'file page that fault-around had mapped': 60,
      'stack page that exec filled with arguments': 1,
    },
    corrected: {},
    // The server and its three BGSAVE children; three bio threads and jemalloc's.
    ...{ processes: 4, threads: 4, forks: 3, vforks: 0, execs: 1, exits: 4 },
    faults: { '0x7': 23_203, '0x6': 8_028, '0x4': 799, '0x14': 215, '0x3': 15, '0x2': 14 },
  })
})

test('the Redis trace is sound, and holds each recorded fault and each added access', async () => {
  const { trace, recording } = await loadTrace(REDIS)
  expect(validateTrace(trace)).toEqual([])
  const { operations, peakProcesses } = describeTrace(trace)
  // 32,274 faults and 61 additions: 799 + 215 + 60 loads, 23,218 + 8,042 + 1 stores.
  expect(operations).toMatchObject({ load: 1074, store: 31_261, spawn: 1, fork: 3, exit: 4 })
  expect(recording).toHaveLength(32_335)
  expect(recording?.filter((code) => code === RECORDED_PRESENT)).toHaveLength(23_218)
  expect(peakProcesses).toBe(2)
})

test('the Redis trace is the same each time, and in shared memory', async () => {
  const first = await loadTrace(REDIS)
  const second = await loadTrace(REDIS)
  expect(second).toEqual(first)
  expect(first.trace.args.buffer).toBeInstanceOf(SharedArrayBuffer)
})
