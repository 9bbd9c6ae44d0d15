/**
 * whole-or-steps: a trace run as the engine runs traces, many operations in one piece, or one operation at a time; and
 * all that has to be the same afterwards.
 */
import { POLICIES } from '../../policies/index.ts'
import { DEFAULT_PROFILE } from '../metrics/cost.ts'
import { Oracle } from '../oracle/oracle.ts'
import { defaults } from '../params/params.ts'
import { policyWith } from '../run.ts'
import { Engine } from '../sim/engine.ts'
import { ERAS, type EraName } from '../sim/era.ts'
import { lruDrain } from '../sim/lru.ts'
import { NOISE_PARAMS, Noise, type NoiseValues } from '../sim/noise.ts'
import { endWriteback } from '../sim/reclaim.ts'
import { MAP_PRIVATE_ANON, OP_LOAD, OP_STORE, OPERANDS } from '../trace/ops.ts'
import { SEGMENT, type Trace, TraceWriter } from '../trace/trace.ts'
import { RW } from './scene.ts'

export interface Run {
  readonly engine: Engine
  readonly oracle: Oracle
}

/** Nothing ever holds a page, but every step is taken by itself. */
const SILENT = new Noise({
  values: { ...(defaults(NOISE_PARAMS) as NoiseValues), cpus: 1 },
  seed: 0,
})

function start(policy: string, noise?: Noise): Run {
  const definition = POLICIES.find(({ name }) => name === policy)
  if (definition === undefined) throw new RangeError(`unknown policy: ${policy}`)
  const oracle = new Oracle()
  const engine = new Engine({
    policy: policyWith(definition, {}),
    era: ERAS[definition.kernel as EraName],
    cost: DEFAULT_PROFILE,
    judge: oracle,
    noise,
  })
  return { engine, oracle }
}

export function whole(policy: string, trace: Trace): Run {
  const run = start(policy)
  run.engine.run(trace)
  return run
}

/** The same trace, one operation at a time. */
export function stepByStep(policy: string, { segments, args }: Trace): Run {
  const run = start(policy, SILENT)
  const { engine } = run
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const [op = 0, mm = 0, lo = 0, hi = 0] = segments.subarray(s, s + SEGMENT)
    const many = op === OP_STORE || op === OP_LOAD
    const operands = many ? 1 : (OPERANDS[op]?.length ?? 0)
    for (let at = lo; at < hi || at === lo; at += Math.max(1, many ? 1 : hi - lo)) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = args.subarray(at, at + operands)
      engine.apply(op, mm, a, b, c, d, e, f, g)
    }
  }
  endWriteback(engine.machine)
  lruDrain(engine.machine)
  engine.machine.spent = 0
  return run
}

/** Everything that a result can depend on; tokens are only names, and a store that hits needs no new one. */
export function state({ engine, oracle }: Run): object {
  const { machine } = engine
  const { frames, tables, k } = machine
  const { end } = frames
  return {
    word: frames.word.subarray(0, end).join(),
    mapcounts: frames.largeMapcount.subarray(0, end).join(),
    references: [frames.refs.subarray(0, end).join(), frames.pins.subarray(0, end).join()],
    slots: [frames.slot.subarray(0, end).join(), k.swap.count.subarray(0, k.swap.end).join()],
    used: [frames.used, frames.peak, tables.used, tables.peak, k.swap.used],
    ptes: tables.ptes.subarray(0, tables.end << 9).join(),
    counts: machine.counts,
    verdicts: machine.verdicts,
    faults: machine.faults,
    events: machine.events,
    times: [50, 90, 99, 100].map((percent) => machine.faultTimes.percentile(percent)),
    judged: oracle.counts,
    breaches: oracle.breaches.map(({ token, expected, ...breach }) => breach),
  }
}

/** Every process is left alive at the end, so that there is something to compare. */
export function written(write: (t: TraceWriter) => void): Trace {
  const t = new TraceWriter()
  write(t)
  return t.finish()
}

export function heap(t: TraceWriter, pages: number): number {
  const mm = t.spawn()
  t.mmap(mm, 0, pages, MAP_PRIVATE_ANON, RW)
  for (let vpn = 0; vpn < pages; vpn++) t.store(mm, vpn)
  return mm
}
