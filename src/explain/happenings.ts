/** happenings: what a litmus test or a trace makes a machine do, one event after the other. */
import type { LitmusTest } from '../litmus/program.ts'
import { LitmusRun } from '../litmus/run.ts'
import type { Engine } from '../sim/engine.ts'
import {
  type Labels,
  MADV_LABELS,
  MAP_LABELS,
  OF_NO_PROCESS,
  OP_LABELS,
  OP_LOAD,
  OP_MADVISE,
  OP_MMAP,
  OP_MPROTECT,
  OP_PIN,
  OP_STORE,
  OPERANDS,
  PIN_LABELS,
  PROT_LABELS,
} from '../trace/ops.ts'
import { SEGMENT, type Trace } from '../trace/trace.ts'
import { type Happening, pagesNamed } from './story.ts'

/** The operations of a litmus test, numbered as it numbers them. */
export function* operationsOf(
  test: LitmusTest,
  engine: Engine,
  policy: string,
  drained: boolean,
): Generator<Happening> {
  const run = new LitmusRun(test, engine, { policy, drained })
  for (const operation of test.operations) {
    const { n, text, pin, first, pages } = operation
    const facts = test.pins[pin]
    // Through a pin: the pages that its owner has there.
    const vpn = operation.vpn >= 0 ? operation.vpn : facts === undefined ? -1 : facts.vpn + first
    yield {
      ...{ n, text, mm: operation.vpn >= 0 ? operation.mm : (facts?.mm ?? operation.mm) },
      ...{ vpn, pages: vpn < 0 ? 0 : Math.max(1, pages) },
      run: () => {
        const { outcome, flags } = run.step(operation)
        return [outcome, ...flags].join(' ')
      },
    }
  }
}

/** The events of a trace, numbered from 0. */
export function* eventsOf({ segments, args }: Trace, engine: Engine): Generator<Happening> {
  let n = 0
  for (let s = 0; s < segments.length; s += SEGMENT) {
    const op = segments[s] ?? 0
    const mm = segments[s + 1] ?? 0
    const lo = segments[s + 2] ?? 0
    const hi = segments[s + 3] ?? 0
    const repeats = op === OP_LOAD || op === OP_STORE
    if (!repeats) yield happening(engine, n++, op, mm, [...args.subarray(lo, hi)])
    else for (let i = lo; i < hi; i++) yield happening(engine, n++, op, mm, [args[i] ?? 0])
  }
}

const OUTCOMES: readonly string[] = ['', 'segv', 'failed', 'waits']

function happening(
  engine: Engine,
  n: number,
  op: number,
  mm: number,
  operands: readonly number[],
): Happening {
  const [a, b, c, d, e, f, g] = operands
  return {
    ...{ n, mm, text: textOf(op, mm, operands), ...pagesNamed(op, operands) },
    run: () => OUTCOMES[engine.apply(op, mm, a, b, c, d, e, f, g)] ?? '',
  }
}

/** By operation and operand: words for its values. */
const WORDS: Readonly<Record<number, Readonly<Record<string, Labels>>>> = {
  [OP_MPROTECT]: { prot: PROT_LABELS },
  [OP_MADVISE]: { advice: MADV_LABELS },
  [OP_PIN]: { kind: PIN_LABELS },
  [OP_MMAP]: { kind: MAP_LABELS },
}

/** `process 3 store vpn 17`, `process 0 fork child 4`, `drain`. */
function textOf(op: number, mm: number, operands: readonly number[]): string {
  const names = OPERANDS[op] ?? []
  const words = names.map((name, i) => {
    const value = operands[i] ?? 0
    return `${name} ${WORDS[op]?.[name]?.[value] ?? value}`
  })
  const who = OF_NO_PROCESS.has(op) ? [] : [`process ${mm}`]
  return [...who, OP_LABELS[op] ?? '', ...words].join(' ')
}
