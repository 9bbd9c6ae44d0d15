/**
 * memory: how much resident memory a simulated page takes, and a page-table entry that fork copied.
 *
 * The heap is far larger than what the process needs anyway; its trace is one buffer of page numbers, filled again and
 * again, so that only the simulator's own state grows.
 */
import { Oracle } from '../../src/oracle/oracle.ts'
import {
  MAP_PRIVATE_ANON,
  OP_FORK,
  OP_MMAP,
  OP_SPAWN,
  OP_STORE,
  PROT_READ,
  PROT_WRITE,
} from '../../src/trace/ops.ts'
import { SEGMENT_EVENTS } from '../../src/trace/trace.ts'
import { newEngine } from './simulate-file.ts'

const PATIENCE_MS = 100
/** Resident memory that changes by less has settled. */
const STILL = 2 ** 17
const SLEEPER = new Int32Array(new SharedArrayBuffer(4))

export interface MemoryOptions {
  readonly policy: string
  readonly pages: number
}

export interface Memory {
  readonly bytesPerPage: number
  readonly bytesPerForkedPte: number
}

export function measureMemory({ policy, pages }: MemoryOptions): Memory {
  const buffer = new Int32Array(SEGMENT_EVENTS)
  const oracle = new Oracle()
  const engine = newEngine(policy, oracle)
  // A small process first: its code is compiled and its tables are there before anything is measured.
  run(0, SEGMENT_EVENTS)
  engine.apply(OP_FORK, 0, 1)
  const empty = settledRss()
  run(2, pages)
  const filled = settledRss()
  engine.apply(OP_FORK, 2, 3)
  const forked = settledRss()
  return { bytesPerPage: (filled - empty) / pages, bytesPerForkedPte: (forked - filled) / pages }

  function run(mm: number, heap: number): void {
    engine.apply(OP_SPAWN, mm)
    engine.apply(OP_MMAP, mm, 0, heap, MAP_PRIVATE_ANON, PROT_READ | PROT_WRITE)
    for (let vpn = 0; vpn < heap; vpn += buffer.length) {
      const count = Math.min(buffer.length, heap - vpn)
      for (let i = 0; i < count; i++) buffer[i] = vpn + i
      engine.runSegment(OP_STORE, mm, buffer, 0, count)
    }
  }
}

/**
 * Resident bytes after everything that can be given back was: a thread of V8's frees arrays some time after a collection.
 * Of V8's heap what is used counts: how much room it keeps beside that varies by megabytes from one collection to another.
 */
function settledRss(): number {
  if (globalThis.gc === undefined) throw new Error('missing option: node --expose-gc')
  for (let before = 0; ; ) {
    for (let i = 0; i < 3; i++) globalThis.gc()
    Atomics.wait(SLEEPER, 0, 0, PATIENCE_MS)
    const { rss, heapTotal, heapUsed } = process.memoryUsage()
    if (Math.abs(rss - before) < STILL) return rss - heapTotal + heapUsed
    before = rss
  }
}
