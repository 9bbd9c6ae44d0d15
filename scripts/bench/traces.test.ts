import { expect, test } from 'vitest'
import { Oracle } from '../../src/oracle/oracle.ts'
import { TraceWriter } from '../../src/trace/trace.ts'
import { newEngine } from './simulate-file.ts'
import { repeatRounds } from './traces.ts'

/** Two pages are filled; in each of two rounds the parent stores to both beside a child, and to one after it. */
function rounds() {
  const t = new TraceWriter()
  const parent = t.spawn()
  t.mmap(parent, 0, 2, 0, 3)
  t.store(parent, 0)
  t.store(parent, 1)
  for (let round = 0; round < 2; round++) {
    const child = t.fork(parent)
    t.store(parent, 0)
    t.store(parent, 1)
    t.exit(child)
    t.store(parent, 1)
  }
  t.exit(parent)
  return t.finish()
}

test('rounds that are repeated make a trace of as many events and processes more', () => {
  const once = rounds()
  const long = repeatRounds(once, 3)
  // Outside of the rounds: spawn, mmap, two stores, exit. A round: fork, exit, three stores.
  expect(once.events).toBe(5 + 2 * 5)
  expect(long.events).toBe(5 + 6 * 5)
  expect(long.processes).toBe(1 + 6)
  // The operands are shared, but for the ids of the four new children.
  expect(long.args.length).toBe(once.args.length + 4)
})

test('each repeated round faults as the first ones did', () => {
  const engine = newEngine('mm-id', new Oracle())
  engine.run(repeatRounds(rounds(), 3))
  // Two fills, and two copies in each of six rounds; the store after the child is a hit.
  expect(engine.machine.counts.storeFaults).toBe(2 + 6 * 2)
  expect(engine.machine.frames.used).toBe(0)
})

test('a trace that does not end with the exit of its first process has no rounds', () => {
  const t = new TraceWriter()
  t.fork(t.spawn())
  expect(() => repeatRounds(t.finish(), 2)).toThrow('invalid trace')
})
