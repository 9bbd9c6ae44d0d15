/** ring.test: what goes in comes out to every reader, in order, in bounded memory. */

import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import type { Chunk } from '../trace/trace.ts'
import { Ring } from './ring.ts'

const chunk = (n: number): Chunk => ({
  segments: Int32Array.of(1, 0, 0, n),
  args: Int32Array.from({ length: n }, (_, i) => n + i),
})

const BUILT = new URL('../../dist/src/stream/ring.js', import.meta.url)
if (!existsSync(BUILT)) throw new Error('missing dist/: run npm run build first')

/** Runs `body` on a thread, which finds there a ring and its seat. */
function thread(ring: Ring, seat: number, body: string): Promise<unknown> {
  const source = `
    const { parentPort, workerData } = await import('node:worker_threads')
    const { Ring } = await import(workerData.module)
    const ring = new Ring(workerData.memory), seat = workerData.seat
    const chunk = ${chunk.toString()}
    ${body}`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: { memory: ring.memory, seat, module: BUILT.href },
  })
  return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
}

const READ_ALL = `
  const seen = []
  for (const { segments, args } of ring.read(seat)) seen.push(args.reduce((a, b) => a + b, 0))
  parentPort.postMessage(seen)`

/** n + (n + 1) + ... of n numbers. */
const sum = (n: number): number => n * n + (n * (n - 1)) / 2

test('every reader sees every chunk, in order, though there are many more than slots', async () => {
  const ring = Ring.create(3, 2)
  const readers = [0, 1, 2].map((seat) => thread(ring, seat, READ_ALL))
  const writer = thread(
    ...[ring, 0],
    'for (let n = 1; n <= 50; n++) ring.write(chunk(n)); ring.end(); parentPort.postMessage(1)',
  )
  const all = Array.from({ length: 50 }, (_, i) => sum(i + 1))
  expect(await Promise.all(readers)).toEqual([all, all, all])
  await writer
})

test('the writer waits for the slowest reader, and no longer once that one has left', async () => {
  const ring = Ring.create(2, 2)
  const quick = thread(ring, 0, READ_ALL)
  let written = false
  const writer = thread(
    ...[ring, 0],
    'for (let n = 1; n <= 6; n++) ring.write(chunk(n)); ring.end(); parentPort.postMessage(1)',
  ).then(() => {
    written = true
  })
  await sleep(300)
  expect(written).toBe(false) // Four slots are full, and the second reader has read none.
  ring.leave(1)
  expect(await quick).toEqual([1, 2, 3, 4, 5, 6].map(sum))
  await writer
})

test('a reader that leaves at work gives its turn to the next', async () => {
  const ring = Ring.create(2, 1)
  for (const n of [1, 2]) ring.write(chunk(n))
  ring.end()
  const stuck = ring.read(0)
  expect(stuck.next().value?.args).toEqual(Int32Array.of(1))
  expect([ring.working(0), ring.working(1)]).toEqual([true, false])
  const other = thread(ring, 1, READ_ALL)
  ring.leave(0)
  expect(await other).toEqual([1, 2].map(sum))
  expect([ring.working(0), ring.working(1)]).toEqual([false, false])
})

test('the writer is at work while there is room for what it writes next', () => {
  const ring = Ring.create(1, 1)
  expect(ring.writing()).toBe(true)
  for (const n of [1, 2, 3, 4]) ring.write(chunk(n))
  expect(ring.writing()).toBe(false) // Four slots are full.
  const read = ring.read(0)
  read.next()
  expect(ring.writing()).toBe(false) // The first is being read.
  read.next()
  expect(ring.writing()).toBe(true)
  ring.end()
  expect(ring.writing()).toBe(false)
})

test('a writer that breaks off is an error to its readers, after what it wrote', () => {
  const ring = Ring.create(1, 1)
  ring.write(chunk(1))
  ring.break()
  const read = ring.read(0)
  expect(read.next().done).toBe(false)
  expect(() => read.next()).toThrow('truncated trace: its writer broke off')
})
