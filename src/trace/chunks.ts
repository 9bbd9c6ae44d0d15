/** chunks: cuts a trace into the pieces that its writer would have handed out. */
import { type Chunk, isFull, SEGMENT, type Trace } from './trace.ts'

/** The pieces of a whole trace; of a short one, itself. */
export function* chunksOf({ segments, args }: Trace): Generator<Chunk> {
  let start = 0
  let first = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const lo = segments[s + 2]!
    if (!isFull(s - start, lo - first)) continue
    yield { segments: rebased(segments.subarray(start, s), first), args: args.subarray(first, lo) }
    start = s
    first = lo
  }
  yield { segments: rebased(segments.subarray(start), first), args: args.subarray(first) }
}

/** Segments whose ranges are counted from the operand `first` on. */
export function rebased(segments: Int32Array, first: number): Int32Array {
  if (first === 0) return segments
  const moved = segments.slice()
  for (let s = 0; s < moved.length; s += SEGMENT) {
    moved[s + 2]! -= first
    moved[s + 3]! -= first
  }
  return moved
}
