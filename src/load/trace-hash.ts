/** trace-hash: names a trace by its events: equal for two traces exactly if they hold the same ones. */
import { createHash } from 'node:crypto'
import { endianness } from 'node:os'
import { chunksOf } from '../trace/chunks.ts'
import type { Chunk, Trace } from '../trace/trace.ts'

export function traceHash(trace: Trace): string {
  const hash = new TraceHash()
  for (const chunk of chunksOf(trace)) hash.add(chunk)
  return hash.digest()
}

/** Of a trace in one chunk, that chunk's hash; of a longer one, the hash of its chunks' hashes. */
export class TraceHash {
  readonly #all = createHash('sha256')
  #chunks = 0
  #last = ''

  add({ segments, args }: Chunk): void {
    const hash = createHash('sha256').update(`${segments.length} ${args.length}\n`)
    for (const column of [segments, args]) hash.update(littleEndian(column))
    this.#last = hash.digest('hex')
    this.#all.update(this.#last)
    this.#chunks++
  }

  digest(): string {
    return (this.#chunks === 1 ? this.#last : this.#all.digest('hex')).slice(0, 16)
  }
}

function littleEndian(column: Int32Array): Uint8Array {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32()
}
