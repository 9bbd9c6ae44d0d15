/** facts.test: the facts of a trace that is counted by hand. */
import { expect, test } from 'vitest'
import { describeTrace } from '../test/describe-trace.ts'
import { TraceWriter } from './trace.ts'

test('the facts count each load and store, live processes, pages and 2 MiB ranges', () => {
  const t = new TraceWriter()
  const init = t.spawn()
  t.mmap(init, 0, 2048, 0, 2)
  for (const vpn of [0, 1, 1, 600]) t.store(init, vpn)
  const first = t.fork(init)
  t.load(first, 1)
  t.exit(first)
  const second = t.fork(init)
  t.fork(second)
  t.load(second, 1500)
  expect(describeTrace(t.finish())).toEqual({
    events: 12,
    operations: { load: 2, store: 4, spawn: 1, fork: 3, exit: 1, mmap: 1 },
    processes: 4,
    peakProcesses: 3, // init, second and its child; first has exited
    pages: 4, // 0, 1, 600, 1500
    regions: 3, // pages 0 to 511, 512 to 1023, 1024 to 1535
  })
})
