/**
 * traces: the traces that speed is measured on, as files that every program under test reads.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeTrace, encodeTrace } from '../../src/trace/format.ts'
import { OP_EXIT, OP_FORK } from '../../src/trace/ops.ts'
import { SEGMENT, type Trace } from '../../src/trace/trace.ts'
import {
  buildTrace,
  defineWorkload,
  int,
  MAP_PRIVATE_ANON,
  PROT_RW,
} from '../../src/workload/api.ts'
import { WORKLOADS } from '../../workloads/index.ts'

const SEED = 1

export interface TraceSpec {
  readonly workload: string
  readonly params?: Readonly<Record<string, number>>
  /** How often its rounds are run through in all. */
  readonly repeat?: number
}

/** Forks of a heap whose frames lie in random order; the children exit at once. */
const shuffledForks = defineWorkload({
  name: 'shuffled-forks',
  summary: 'speed: forks of a heap that was filled in random order',
  params: { pages: int(1, 1, 1 << 24, 'heap size, in pages') },
  generate(t, rng, { pages }) {
    const parent = t.spawn()
    t.mmap(parent, 0, pages, MAP_PRIVATE_ANON, PROT_RW)
    for (const vpn of rng.permutation(pages)) t.store(parent, vpn)
    t.exit(t.fork(parent))
    t.exit(parent)
  },
})

/** Writes the traces of one measurement into a directory, each once. */
export class TraceFiles {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  /** The file with this trace. */
  path({ workload, params = {}, repeat = 1 }: TraceSpec): string {
    const values = Object.entries(params).map(([name, value]) => `${name}=${value}`)
    const path = join(this.#dir, `${[workload, ...values, `x${repeat}`].join('-')}.cowtrace`)
    if (!existsSync(path)) {
      const definition = [...WORKLOADS, shuffledForks].find(({ name }) => name === workload)
      if (definition === undefined) throw new RangeError(`unknown workload: ${workload}`)
      const trace = repeatRounds(buildTrace(definition, params, SEED), repeat)
      writeFileSync(path, encodeTrace(trace, { source: `bench ${workload}`, hash: '' }))
    }
    return path
  }
}

export function readTrace(path: string): Trace {
  return decodeTrace(readFileSync(path), path).trace
}

/**
 * The same trace with all its rounds (from the first fork to the last child's exit) `times` over. The operands are
 * shared, so that a long trace takes the memory of a short one; only the children get ids of their own.
 */
export function repeatRounds(trace: Trace, times: number): Trace {
  if (times === 1) return trace
  const { segments, args, events, processes } = trace
  const ops = Array.from({ length: segments.length / SEGMENT }, (_, i) => segments[i * SEGMENT]!)
  const first = ops.indexOf(OP_FORK)
  const end = ops.length - 1
  if (first < 0 || ops[end] !== OP_EXIT || segments[end * SEGMENT + 1] !== 0) {
    throw new RangeError('invalid trace: expected rounds that begin with a fork, and a last exit')
  }
  const body = segments.subarray(first * SEGMENT, end * SEGMENT)
  const children = processes - 1
  const forks = ops.filter((op) => op === OP_FORK).length * (times - 1)
  const longArgs = new Int32Array(args.length + forks)
  longArgs.set(args)
  const longSegments = new Int32Array(segments.length + (times - 1) * body.length)
  longSegments.set(segments.subarray(0, end * SEGMENT))
  let nextArg = args.length
  for (let time = 1; time < times; time++) {
    const copy = body.slice()
    for (let s = 0; s < copy.length; s += SEGMENT) {
      if (copy[s + 1] !== 0) copy[s + 1]! += time * children
      if (copy[s] !== OP_FORK) continue
      longArgs[nextArg] = args[copy[s + 2]!]! + time * children
      copy[s + 2] = nextArg
      copy[s + 3] = ++nextArg
    }
    longSegments.set(copy, end * SEGMENT + (time - 1) * body.length)
  }
  longSegments.set(segments.subarray(end * SEGMENT), longSegments.length - SEGMENT)
  let outside = 1
  for (let i = 0; i < first; i++) {
    outside += ops[i]! <= 1 ? segments[i * SEGMENT + 3]! - segments[i * SEGMENT + 2]! : 1
  }
  return {
    segments: longSegments,
    args: longArgs,
    events: events + (times - 1) * (events - outside),
    processes: 1 + times * children,
  }
}
