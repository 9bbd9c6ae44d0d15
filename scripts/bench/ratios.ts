/**
 * ratios: what is promised of the simulator's speed, and how each number comes from samples of one round.
 *
 * All are ratios of things measured in one run, one after the other: absolute times do not travel.
 */
import { POLICIES } from '../../policies/index.ts'
import { buildTrace } from '../../src/workload/api.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import type { CProgram } from './c-programs.ts'
import type { Numbers, Sample } from './samples.ts'
import type { TraceSpec } from './traces.ts'

export interface Part {
  readonly name: string
  /** Bounds: a ratio has to reach `must` and should reach `aim`. */
  readonly must: number
  readonly aim: number
  readonly samples: Readonly<Record<string, Sample>>
  /** From one round's samples, by the names above; several where a sample holds several pairs. */
  readonly value: (samples: Readonly<Record<string, Numbers>>) => number | readonly number[]
}

export interface Ratio {
  readonly id: string
  readonly title: string
  readonly unit: 'x' | '%' | 'bytes' | '/s'
  readonly better: 'higher' | 'lower'
  /** The bound lies near the noise: met if the upper end of the 95 % interval is. */
  readonly noisy?: boolean
  /** Needs the C programs. */
  readonly needsC?: boolean
  /** Needs the reference model, which only a working tree has. */
  readonly needsReference?: boolean
  readonly parts: readonly Part[]
}

/** What the kernel that we compare with does: 6.15 and later. */
export const POLICY = 'mm-id'

export interface Sizes {
  /** How often the rounds of bg, fh and mix are run through: so often that also C takes 500 ms. */
  readonly repeat: number
  /** The same for fh on the kernel, which takes forty times as long. */
  readonly kernelRepeat: number
  readonly longRepeat: number
  /** Processes that run a short trace one after the other. */
  readonly times: number
  /** Forks, here and in the kernel: a sample gives the time of one. */
  readonly forks: number
  readonly kernelForks: number
  /** Events of the workloads that are compared with bg. */
  readonly events: number
  readonly heapPages: number
  readonly commands: number
  /** How often the oracle's cost is measured in a round. */
  readonly oraclePairs: number
  /** How long the trace is on which policies are compared with themselves, and how often that is done. */
  readonly policiesRepeat: number
  readonly policiesPasses: number
}

export const FULL: Sizes = {
  repeat: 12,
  kernelRepeat: 3,
  longRepeat: 100,
  times: 5,
  forks: 480,
  kernelForks: 80,
  events: 1e7,
  heapPages: 2 ** 21,
  commands: 10,
  oraclePairs: 4,
  policiesRepeat: 6,
  policiesPasses: 6,
}
export const QUICK: Sizes = {
  repeat: 1,
  kernelRepeat: 1,
  longRepeat: 4,
  times: 1,
  forks: 8,
  kernelForks: 8,
  events: 1e6,
  heapPages: 2 ** 21,
  commands: 2,
  oraclePairs: 1,
  policiesRepeat: 1,
  policiesPasses: 1,
}

const FORK_PAGES = 2 ** 17

export function ratiosOf(sizes: Sizes, cli: string): readonly Ratio[] {
  const repeated = (workload: string): TraceSpec => ({ workload, repeat: sizes.repeat })
  const simulated = (trace: TraceSpec, oracle = 'on'): Sample => ({
    name: 'simulate',
    trace,
    options: { policy: POLICY, oracle },
  })
  const inC = (program: CProgram, trace: TraceSpec): Sample => ({ program, trace })

  const overC = (trace: TraceSpec, program: CProgram, must: number, aim: number): Part => ({
    ...{ name: trace.workload, must, aim },
    samples: { sim: simulated(trace), c: inC(program, trace) },
    value: ({ sim, c }) => cpu(c) / cpu(sim),
  })
  const percentOfC = (workload: string, must: number, aim: number): Part => {
    const part = overC(repeated(workload), 'like-for-like', must, aim)
    return { ...part, value: ({ sim, c }) => (100 * cpu(c)) / cpu(sim) }
  }
  const oracleCost = (workload: string, must: number, aim: number): Part => ({
    ...{ name: workload, must, aim },
    samples: {
      pairs: {
        ...{ name: 'oraclePairs', trace: repeated(workload), oneCpu: true },
        options: { policy: POLICY, pairs: sizes.oraclePairs },
      },
    },
    value: ({ pairs }) =>
      Array.from({ length: sizes.oraclePairs }, (_, pair) => {
        return 100 * (of(pairs, `on ${pair}`) / of(pairs, `off ${pair}`) - 1)
      }),
  })

  const shuffled = (repeat: number): TraceSpec => ({
    ...{ workload: 'shuffled-forks', repeat },
    params: { pages: FORK_PAGES },
  })
  const memory: Sample = { name: 'memory', options: { policy: POLICY, pages: sizes.heapPages } }
  const { times } = sizes
  const short = { ...simulated({ workload: 'bg' }), times } as Sample
  const long = simulated({ workload: 'bg', repeat: sizes.longRepeat })
  const names = POLICIES.map(({ name }) => name)
  const policiesTrace: TraceSpec = { workload: 'bg', repeat: sizes.policiesRepeat }
  const pairs: Sample = {
    ...{ name: 'policies', trace: policiesTrace, oneCpu: true },
    options: { policies: names, passes: sizes.policiesPasses },
  }
  const command = (...args: string[]): Sample => ({
    command: [cli, ...args],
    times: sizes.commands,
  })
  const nothing: Sample = { command: ['-e', '0'], times: sizes.commands }
  const startUp = (name: string, must: number, aim: number, ...args: string[]): Part => ({
    ...{ name, must, aim },
    samples: { command: command(...args), nothing },
    value: ({ command, nothing }) => cpu(command) / cpu(nothing),
  })
  const perEvent = (workload: string): Part => ({
    ...{ name: workload, must: 3, aim: 2 },
    samples: {
      one: simulated(scaled(workload, sizes.events)),
      bg: short,
    },
    value: ({ one, bg }) => eventNs(one, 1) / eventNs(bg, times),
  })

  return [
    {
      ...{ id: 'P1', title: 'bg: events per second against the running kernel', unit: 'x' },
      ...{ better: 'higher', needsC: true, parts: [overC(repeated('bg'), 'kernel', 10, 20)] },
    },
    {
      ...{ id: 'P2', title: 'fh: events per second against the running kernel', unit: 'x' },
      ...{ better: 'higher', needsC: true },
      parts: [overC({ workload: 'fh', repeat: sizes.kernelRepeat }, 'kernel', 25, 45)],
    },
    {
      ...{ id: 'P3', title: 'bg: share of the speed of like-for-like C', unit: '%' },
      ...{ better: 'higher', needsC: true, parts: [percentOfC('bg', 35, 60)] },
    },
    {
      ...{ id: 'P4', title: 'fh, mix: share of the speed of like-for-like C', unit: '%' },
      ...{ better: 'higher', needsC: true },
      parts: [percentOfC('fh', 30, 55), percentOfC('mix', 30, 55)],
    },
    {
      ...{ id: 'P5', title: 'what the oracle adds', unit: '%', better: 'lower', noisy: true },
      parts: [oracleCost('bg', 25, 10), oracleCost('fh', 20, 8), oracleCost('mix', 40, 20)],
    },
    {
      ...{ id: 'P6', title: "fork, frames in random order, against the kernel's fork", unit: 'x' },
      ...{ better: 'higher', needsC: true },
      parts: [
        {
          ...{ name: 'fork', must: 10, aim: 20 },
          samples: {
            sim: {
              name: 'fork',
              trace: shuffled(sizes.forks),
              options: { policy: POLICY, pages: FORK_PAGES },
            },
            kernel: inC('kernel', shuffled(sizes.kernelForks)),
          },
          value: ({ sim, kernel }) => of(kernel, 'forkNsPerPte') / of(sim, 'forkNsPerPte'),
        },
      ],
    },
    {
      ...{ id: 'P7', title: 'resident memory', unit: 'bytes', better: 'lower' },
      parts: [
        {
          ...{ name: 'simulated page', must: 20, aim: 16 },
          samples: { memory },
          value: ({ memory }) => of(memory, 'bytesPerPage'),
        },
        {
          ...{ name: 'page of a further process', must: 8, aim: 4 },
          samples: { memory },
          value: ({ memory }) => of(memory, 'bytesPerForkedPte'),
        },
      ],
    },
    {
      ...{ id: 'P8', title: `bg: ${sizes.longRepeat} times the events`, unit: 'x' },
      better: 'lower',
      parts: [
        {
          ...{ name: 'ns per event', must: 1.1, aim: 1 },
          samples: { short, long },
          value: ({ short, long }) => eventNs(long, 1) / eventNs(short, times),
        },
        {
          ...{ name: 'resident memory', must: 1.1, aim: 1 },
          samples: { short, long },
          value: ({ short, long }) => of(long, 'rssMb') / of(short, 'rssMb'),
        },
      ],
    },
    {
      ...{
        id: 'P9',
        title: `each of ${names.length} policies in one run against alone`,
        unit: '%',
      },
      ...{ better: 'lower', noisy: true },
      parts: names.map((name) => ({
        ...{ name, must: 5, aim: 0 },
        samples: { pairs },
        value: ({ pairs }) =>
          Array.from({ length: sizes.policiesPasses }, (_, pass) => {
            const alone = of(pairs, `${name} alone ${pass}`)
            return 100 * (of(pairs, `${name} together ${pass}`) / alone - 1)
          }),
      })),
    },
    {
      ...{ id: 'P10', title: 'bg: ns per event against the naive reference model', unit: 'x' },
      ...{ better: 'higher', needsReference: true },
      parts: [
        {
          ...{ name: 'bg', must: 20, aim: 40 },
          samples: {
            naive: {
              name: 'naive',
              trace: { workload: 'bg', params: { accesses: 20_000 } },
              options: { policy: POLICY },
            },
            sim: simulated(repeated('bg')),
          },
          value: ({ naive, sim }) => eventNs(naive, 1) / eventNs(sim, 1),
        },
      ],
    },
    {
      ...{ id: 'P12', title: 'CPU time of a command against `node -e 0`', unit: 'x' },
      better: 'lower',
      parts: [
        startUp('--help', 1.6, 1.2, '--help'),
        startUp('--version', 1.6, 1.2, '--version'),
        startUp('list', 1.6, 1.2, 'list', 'policies'),
        startUp('completion', 1.6, 1.2, 'completion'),
        startUp('litmus FILE', 3.5, 2.5, 'litmus', 'workloads/litmus/01_fork_parent_write.cow'),
      ],
    },
    {
      ...{ id: 'P13', title: `litmus tests, one process, ${names.length} policies`, unit: '/s' },
      better: 'higher',
      parts: [
        {
          ...{ name: 'litmus', must: 5000, aim: 20_000 },
          samples: { litmus: { name: 'litmus' } },
          value: ({ litmus }) => of(litmus, 'testsPerSecond'),
        },
      ],
    },
    {
      ...{ id: 'P14', title: 'ns per event against bg', unit: 'x', better: 'lower' },
      parts: ['swap-churn', 'pte-mapped-thp', 'direct-io'].map(perEvent),
    },
  ]
}

/** The workload with as many rounds or requests as give about this many events. */
function scaled(workload: string, events: number): TraceSpec {
  const definition = WORKLOADS.find(({ name }) => name === workload)
  if (definition === undefined) throw new RangeError(`unknown workload: ${workload}`)
  const param = 'rounds' in definition.params ? 'rounds' : 'requests'
  const at = (value: number): number => buildTrace(definition, { [param]: value }, 1).events
  const [few, more] = [8, 16]
  const perUnit = (at(more) - at(few)) / (more - few)
  return { workload, params: { [param]: Math.max(1, Math.round(events / perUnit)) } }
}

function of(numbers: Numbers | undefined, name: string): number {
  return numbers?.[name] ?? Number.NaN
}

function cpu(numbers: Numbers | undefined): number {
  return of(numbers, 'cpuMs')
}

/** `processes` ran the same trace, their times added. */
function eventNs(numbers: Numbers | undefined, processes: number): number {
  return (cpu(numbers) * 1e6) / (of(numbers, 'events') * processes)
}
