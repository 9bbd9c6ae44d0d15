import { expect, test } from 'vitest'
import {
  count,
  countFate,
  formatStatistics,
  ignored,
  newStatistics,
  PENDING,
  USED,
  unplaced,
} from './statistics.ts'

test('the statistics read as text, the most frequent reason first', () => {
  const statistics = newStatistics()
  Object.assign(statistics, {
    lines: 32_688,
    seconds: 6.123,
    processes: 4,
    threads: 4,
    forks: 3,
    execs: 1,
    exits: 4,
  })
  for (let i = 0; i < 32_680; i++) countFate(statistics, USED)
  countFate(statistics, PENDING) // its line is counted when the return comes
  countFate(statistics, ignored('comment'))
  for (let i = 0; i < 5; i++) countFate(statistics, ignored('blank line'))
  for (const reason of ['b', 'a']) countFate(statistics, unplaced(reason))
  count(statistics.faults, '0x7', 23_203)
  count(statistics.faults, '0x3', 15)
  count(statistics.inserted, 'file page that fault-around had mapped', 60)
  count(statistics.corrected, 'process that was running already: assumed')
  expect(formatStatistics(statistics)).toBe(
    `lines: 32,688 = 32,680 used + 6 ignored + 2 not placed; 6.123 s
  ignored: blank line: 5
  ignored: comment: 1
  not placed: a: 1
  not placed: b: 1
processes: 4, threads besides: 4, forks: 3, vfork-style: 0, execs: 1, exits: 4
faults: 23,218
  error_code: 0x7: 23,203
  error_code: 0x3: 15
added loads and stores: 60
  added: file page that fault-around had mapped: 60
corrections: 1
  corrected: process that was running already: assumed: 1`,
  )
})
