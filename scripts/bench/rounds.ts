/**
 * rounds: takes every sample once in each round, whoever needs it, so that what is divided by each other was measured
 * side by side.
 */
import { type Part, POLICY, type Ratio } from './ratios.ts'
import type { Numbers, Sample, SampleRunner } from './samples.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** The C programs count every fault, and so does the kernel, with a few of its own for stack and code. */
const KERNEL_TOLERANCE = 0.001

export interface MeasuredPart {
  readonly part: Part
  readonly spread: Spread
}

export interface Measured {
  readonly ratio: Ratio
  readonly parts: readonly MeasuredPart[]
}

export interface Outcome {
  readonly measured: readonly Measured[]
  /** What the programs that ran one trace counted, and do not agree on; numbers without agreement are void. */
  readonly agreements: readonly string[]
  readonly disagreements: readonly string[]
  /** Share of the samples' time that they stood in the run queue. */
  readonly waiting: number
}

export function measureRounds(
  ratios: readonly Ratio[],
  rounds: number,
  runner: SampleRunner,
  progress: (line: string) => void,
): Outcome {
  const samples = new Map<string, Sample>()
  for (const { parts } of ratios) {
    for (const part of parts) {
      for (const sample of Object.values(part.samples)) samples.set(JSON.stringify(sample), sample)
    }
  }
  const taken: Map<string, Numbers>[] = []
  for (let round = 1; round <= rounds; round++) {
    const results = new Map<string, Numbers>()
    for (const [key, sample] of samples) {
      progress(`round ${round} of ${rounds}: ${results.size + 1} of ${samples.size}`)
      results.set(key, runner.run(sample))
    }
    taken.push(results)
  }
  const measured = ratios.map((ratio) => ({
    ratio,
    parts: ratio.parts.map((part) => ({
      part,
      spread: spreadOf(taken.flatMap((results) => part.value(samplesOf(part, results)))),
    })),
  }))
  return { measured, ...comparedCounts(samples, taken), waiting: waiting(taken) }
}

function samplesOf(part: Part, results: ReadonlyMap<string, Numbers>): Record<string, Numbers> {
  return Object.fromEntries(
    Object.entries(part.samples).map(([name, sample]) => [
      name,
      results.get(JSON.stringify(sample)) ?? {},
    ]),
  )
}

/** Faults, copies and reuses must be the same in C, and the faults those of the kernel. */
function comparedCounts(
  samples: ReadonlyMap<string, Sample>,
  taken: readonly ReadonlyMap<string, Numbers>[],
): Pick<Outcome, 'agreements' | 'disagreements'> {
  const alike = new Set<string>()
  const different = new Set<string>()
  for (const [key, sample] of samples) {
    if (!('program' in sample)) continue
    const simulate = { name: 'simulate', trace: sample.trace }
    const twin = JSON.stringify({ ...simulate, options: { policy: POLICY, oracle: 'on' } })
    for (const results of taken) {
      const sim = results.get(twin)
      const other = results.get(key)
      if (sim === undefined || other === undefined) continue
      const exact = sample.program !== 'kernel'
      for (const name of exact ? ['faults', 'copies', 'reuses'] : ['faults']) {
        const a = sim[name] ?? Number.NaN
        const b = other[name] ?? Number.NaN
        const agree = Math.abs(a - b) <= (exact ? 0 : KERNEL_TOLERANCE * a)
        const apart = exact ? '' : ` (${((100 * (b - a)) / a).toFixed(3)} %)`
        const line = `${sample.trace.workload}: ${name}: simulated ${a}, ${sample.program} ${b}${apart}`
        if (agree) alike.add(line)
        else different.add(line)
      }
    }
  }
  return { agreements: [...alike], disagreements: [...different] }
}

function waiting(taken: readonly ReadonlyMap<string, Numbers>[]): number {
  let ran = 0
  let waited = 0
  for (const results of taken) {
    for (const { cpuMs = 0, waitMs } of results.values()) {
      if (waitMs === undefined || Number.isNaN(waitMs)) continue
      ran += cpuMs
      waited += waitMs
    }
  }
  return ran + waited > 0 ? waited / (ran + waited) : 0
}
