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

/** Resident bytes after everything that can be given back was. */
function settledRss(): number {
  if (globalThis.gc === undefined) throw new Error('missing option: node --expose-gc')
  for (let i = 0; i < 3; i++) globalThis.gc()
  return process.memoryUsage.rss()
}
