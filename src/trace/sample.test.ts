/** sample.test: a sample is a trace: what belongs together stays together, and what is kept counts as it did. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { POLICIES } from '../../policies/index.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import { simulate } from '../run.ts'
import { buildTrace } from '../workload/api.ts'
import { chunksOf } from './chunks.ts'
import { MAP_PRIVATE_ANON, MAP_SHARED, PIN_IOURING, PROT_READ, PROT_WRITE } from './ops.ts'
import { RangeGroups, type SampleCounts, TraceSampler } from './sample.ts'
import { type Trace, TraceWriter } from './trace.ts'
import { validateTrace } from './validate.ts'

const RW = PROT_READ | PROT_WRITE
const RANGE = 512
/** Of those that have ten million events as they are. */
const HUGE: Readonly<Record<string, Record<string, number>>> = {
  bg: { accesses: 1000 },
  fh: { rounds: 1 },
  mix: { accesses: 1000 },
}

function sample(
  trace: Trace,
  rate: number,
  { seed = 1, recording }: { seed?: number; recording?: Uint8Array } = {},
): { trace: Trace; recording: Uint8Array; counts: SampleCounts } {
  const groups = new RangeGroups()
  for (const chunk of chunksOf(trace)) groups.take(chunk)
  const sampler = new TraceSampler(groups, rate, seed)
  for (const chunk of chunksOf(trace)) sampler.take(chunk, recording)
  return sampler.finish(trace.processes)
}

function small(name: string, params: Record<string, number> = {}): Trace {
  const workload = WORKLOADS.find((one) => one.name === name)
  if (workload === undefined) throw new RangeError(`unknown workload: ${name}`)
  return buildTrace(workload, params, 1)
}

test.each(WORKLOADS.map(({ name }) => name))(
  'of %s a sample of all is the trace, and of half is sound',
  (name) => {
    const trace = small(name, HUGE[name])
    const whole = sample(trace, 1)
    expect(whole.trace.events).toBe(trace.events)
    expect([columns(whole.trace), whole.trace.processes]).toEqual([columns(trace), trace.processes])
    const half = sample(trace, 0.5)
    expect(validateTrace(half.trace)).toEqual([])
    expect(half.counts.keptRanges).toBeLessThanOrEqual(half.counts.ranges)
  },
)

test('counts of a sample are those of the trace times its share of the ranges', () => {
  const trace = small('bg', { accesses: 20_000 })
  const { trace: part, counts } = sample(trace, 0.25)
  expect(counts).toEqual({ accesses: 465_536, keptAccesses: 104_641, ranges: 128, keptRanges: 32 })
  const policy = POLICIES.find(({ name }) => name === 'mm-id') as PolicyDefinition
  const of = (which: Trace): number[] => {
    const settings = { policy, params: {}, cost: DEFAULT_PROFILE, check: true }
    const { values } = simulate({ ...settings, trace: which, oracle: 'epoch' })
    return [values['copies'] as number, values['store_faults'] as number]
  }
  // Four times as many: 71,432 and 185,160.
  expect([of(trace), of(part)]).toEqual([
    [72_413, 186_113],
    [17_858, 46_290],
  ])
})

test('another seed chooses other ranges', () => {
  const trace = small('bg', { accesses: 1000 })
  const [one, other] = [sample(trace, 0.5), sample(trace, 0.5, { seed: 2 })]
  expect(one.trace.args).not.toEqual(other.trace.args)
})

function columns({ segments, args }: Trace): string {
  const hash = createHash('sha256')
  return hash.update(segments).update(args).digest('hex')
}

/** A process that stores to each of so many ranges, after whatever `set` does. */
function ranges(many: number, set: (t: TraceWriter, mm: number) => void): Trace {
  const t = new TraceWriter()
  const mm = t.spawn()
  set(t, mm)
  for (let range = 0; range < many; range++) t.store(mm, range * RANGE)
  t.exit(mm)
  return t.finish()
}

test.each<[string, (t: TraceWriter, mm: number) => void]>([
  [
    'mremap',
    (t, mm) => {
      t.mmap(mm, 0, 3 * RANGE, MAP_PRIVATE_ANON, RW)
      t.mremap(mm, RANGE - 1, RANGE + 2, 8 * RANGE)
      t.mmap(mm, RANGE - 1, RANGE + 2, MAP_PRIVATE_ANON, RW)
    },
  ],
  [
    'a pin',
    (t, mm) => {
      t.mmap(mm, 0, 3 * RANGE, MAP_PRIVATE_ANON, RW)
      t.devread(mm, t.pin(mm, 0, 2 * RANGE + 1, PIN_IOURING), 2 * RANGE)
    },
  ],
  [
    'an object',
    (t, mm) => {
      for (let i = 0; i < 3; i++) t.mmap(mm, i * RANGE, RANGE, MAP_SHARED, RW, 0, 7, 100)
    },
  ],
])('ranges that %s connects are kept or left together', (_what, set) => {
  const trace = ranges(3, set)
  const kept = Array.from({ length: 40 }, (_, seed) => sample(trace, 0.5, { seed }))
  expect(new Set(kept.map(({ counts }) => counts.keptRanges))).toEqual(new Set([0, 3]))
  for (const { trace: part } of kept) expect(validateTrace(part)).toEqual([])
})

test('a recording keeps the bytes of what is kept', () => {
  const trace = ranges(8, (t, mm) => t.mmap(mm, 0, 8 * RANGE, MAP_PRIVATE_ANON, RW))
  const recording = Uint8Array.from({ length: 8 }, (_, i) => i)
  const { trace: part, recording: bytes } = sample(trace, 0.5, { recording })
  // Spawn, mmap (seven operands) and exit are kept; of each store its range, which is its place.
  expect([...bytes]).toEqual([...part.args.subarray(7)].map((vpn) => vpn / RANGE))
  expect(bytes.length).toBeGreaterThan(0)
  expect(bytes.length).toBeLessThan(8)
})
