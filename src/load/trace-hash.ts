/** trace-hash: names a trace by its events: equal for two traces exactly if they hold the same ones. */
import { createHash } from 'node:crypto'
import { endianness } from 'node:os'
import type { Trace } from '../trace/trace.ts'

export function traceHash({ segments, args }: Trace): string {
  const hash = createHash('sha256').update(`${segments.length} ${args.length}\n`)
  for (const column of [segments, args]) hash.update(littleEndian(column))
  return hash.digest('hex').slice(0, 16)
}

function littleEndian(column: Int32Array): Uint8Array {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32()
}
