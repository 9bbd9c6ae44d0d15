/**
 * rehearsal: two traces on the running kernel and in the model; this file tells how far the times that a cost
 * profile estimates are from those that the kernel takes.
 *
 * Compared is what forks, faults and exits take: total_ns of the model, and on the kernel all CPU time of parent and
 * children but what the loads and stores take by themselves.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WORKLOADS } from '../../../workloads/index.ts'
import { MissingFacility, runningKernel } from '../../live/facilities.ts'
import { intervalOf } from '../../live/interval.ts'
import { replay, replayProgram } from '../../live/replay.ts'
import type { CostProfile } from '../../metrics/cost.ts'
import { type RunSettings, simulate } from '../../run.ts'
import { KERNELS } from '../../sim/kernels.ts'
import { encodeTrace } from '../../trace/format.ts'
import type { Trace } from '../../trace/trace.ts'
import { buildTrace } from '../../workload/api.ts'
import { modelOf } from '../live/chosen-model.ts'

/** A second of the kernel's time each: 1 million events of bg, 0.6 of fh. */
const REHEARSED = [
  { name: 'bg', params: { rounds: 2, accesses: 250_000 } },
  { name: 'fh', params: { rounds: 4 } },
]
const SEED = 1

interface Piece {
  readonly name: string
  readonly trace: Trace
  readonly file: string
  readonly kernelNs: number[]
}

export class Rehearsal {
  readonly #pieces: readonly Piece[]
  readonly #replay: (file: string) => number
  readonly #settings: RunSettings | undefined
  /** Why nothing is compared. */
  readonly #missing: string | undefined

  private constructor(
    pieces: readonly Piece[],
    replayFile: (file: string) => number,
    settings: RunSettings | undefined,
    missing: string | undefined,
  ) {
    this.#pieces = pieces
    this.#replay = replayFile
    this.#settings = settings
    this.#missing = missing
  }

  /** `folder` is for the traces and the program that replays them. */
  static async prepare(driver: string, folder: string): Promise<Rehearsal> {
    try {
      const kernel = runningKernel()
      if (!KERNELS.some(({ name }) => name === kernel)) {
        throw new MissingFacility(`no model of Linux ${kernel}`)
      }
      const { settings } = await modelOf(kernel, { kernel })
      const program = replayProgram(folder)
      const pieces = REHEARSED.map(({ name, params }) => pieceOf(name, params, folder))
      return new Rehearsal(pieces, (file) => replay(program, driver, file), settings, undefined)
    } catch (error) {
      if (!(error instanceof MissingFacility)) throw error
      return new Rehearsal([], () => 0, undefined, error.message)
    }
  }

  replayOnce(): void {
    for (const { file, kernelNs } of this.#pieces) kernelNs.push(this.#replay(file))
  }

  /** `bg, 1,065,542 events: ...`, a line for each trace, or why there is none. */
  compare(cost: CostProfile): string[] {
    const settings = this.#settings
    if (settings === undefined) return [`SKIPPED: not compared with this kernel: ${this.#missing}`]
    return this.#pieces.map(({ name, trace, kernelNs }) => {
      const { values } = simulate({ ...settings, cost, trace, oracle: 'epoch', check: false })
      const { median, low, high } = intervalOf(kernelNs)
      const percent = 100 * (values.total_ns / median - 1)
      return (
        `${name}, ${trace.events.toLocaleString('en-US')} events: forks, faults and exits take the kernel ` +
        `${ms(median)} ms (${ms(low)} to ${ms(high)}), estimated ${ms(values.total_ns)} ms ` +
        `(${percent < 0 ? '' : '+'}${percent.toFixed(1)} %)`
      )
    })
  }
}

function pieceOf(name: string, params: Readonly<Record<string, number>>, folder: string): Piece {
  const workload = WORKLOADS.find((one) => one.name === name)
  if (workload === undefined) throw new RangeError(`broken list: no workload ${name}`)
  const trace = buildTrace(workload, params, SEED)
  const file = join(folder, `${name}.trace`)
  writeFileSync(file, encodeTrace(trace, { source: `calibrate ${name}`, hash: '' }))
  return { name, trace, file, kernelNs: [] }
}

function ms(ns: number): number {
  return Math.round(ns / 1e6)
}
