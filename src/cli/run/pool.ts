/**
 * pool: runs the cells of a plan on threads, several policies at once.
 *
 * A policy that has much to do gets a thread of its own: calls of its hooks stay monomorphic, which is worth 25 to 100 %.
 * Small ones share threads, because a thread that has compiled nothing yet takes a second to warm up.
 *
 * A cell that fails, takes too long or kills its thread is one failed cell: the others go on in a fresh thread.
 */
import { compileLoopsInTurn } from '../../load/v8-settings.ts'
import type { Cell, TraceChoice } from '../../plan.ts'
import type { CellOutcome } from '../../worker.ts'
import type { PoolOptions, TraceSource } from './pool-options.ts'
import { streamCells } from './stream-cells.ts'
import { Thread } from './thread.ts'

/** Events of the traces that are in memory at the same time: 1 GiB. */
const MEMORY = 2 ** 28
/** Events from which on a policy gets a thread of its own: there the shared thread's loss outgrows the warm-up. */
const LARGE = 2e7

/** Rejects with what `finished` throws; no thread is left then, and nothing is under way. */
export async function runCells(cells: readonly Cell[], given: PoolOptions): Promise<void> {
  compileLoopsInTurn()
  const { traces } = given
  const stop = new AbortController()
  const options = { ...given, signal: AbortSignal.any([given.signal, stop.signal]) }
  const long = cells.filter(({ trace }) => traces.source(trace) !== undefined)
  const lanes = Array.from({ length: options.jobs }, () => new Lane(options, long))
  const short = cells.filter((cell) => !long.includes(cell))
  try {
    for (const block of short.length > 0 ? blocks(short, traces) : []) {
      const groups = groupsOf(block, options.jobs)
      const uses = new Map<TraceChoice, number>()
      for (const { trace } of block) uses.set(trace, (uses.get(trace) ?? 0) + 1)
      for (const lane of lanes.slice(0, groups.length)) lane.start()
      await together(
        lanes.map((lane) => lane.run(groups, uses)),
        stop,
      )
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.stop()))
  }
  await streamAll(long, options, stop)
}

/** Waits for all of `work`. Where some of it fails the rest is stopped, and has ended when this throws. */
async function together(work: readonly Promise<void>[], stop: AbortController): Promise<void> {
  try {
    await Promise.all(work)
  } catch (error) {
    stop.abort()
    await Promise.allSettled(work)
    throw error
  }
}

/** Long traces one after the other, or side by side where each has but a few cells. */
async function streamAll(
  cells: readonly Cell[],
  options: PoolOptions,
  stop: AbortController,
): Promise<void> {
  const groups = [...new Set(cells.map(({ trace }) => trace))].flatMap((trace) => {
    const all = cells.filter((cell) => cell.trace === trace)
    const passes = Math.ceil(all.length / MOST_READERS)
    return Array.from({ length: passes }, (_, pass) => all.filter((_, i) => i % passes === pass))
  })
  const readers = Math.max(1, ...groups.map((group) => group.length))
  const atOnce = Math.max(1, Math.floor(options.jobs / readers))
  const turns = Math.max(1, Math.floor(options.jobs / atOnce))
  const take = async (): Promise<void> => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      if (!options.signal.aborted) await streamCells(group, turns, options)
    }
  }
  await together(Array.from({ length: atOnce }, take), stop)
}

/** Each takes a thread with a state of its own; more of them make the trace once more. */
const MOST_READERS = 64

/** Code that did not come with the program shares a thread with nobody: it may keep state of its own. */
function needsOwnThread(group: readonly Cell[], traces: TraceSource): boolean {
  if (group[0]?.policy.file !== undefined) return true
  return group.reduce((events, { trace }) => events + traces.events(trace), 0) >= LARGE
}

/** Cells in runs whose traces fit into memory together. */
function* blocks(cells: readonly Cell[], traces: TraceSource): Generator<Cell[]> {
  let block = new Set<TraceChoice>()
  let events = 0
  for (const trace of new Set(cells.map((cell) => cell.trace))) {
    const more = traces.events(trace)
    if (events > 0 && events + more > MEMORY) {
      yield cells.filter((cell) => block.has(cell.trace))
      block = new Set()
      events = 0
    }
    events += more
    block.add(trace)
  }
  yield cells.filter((cell) => block.has(cell.trace))
}

/** The cells of each policy, cut into as many parts as there are threads to spare. */
function groupsOf(cells: readonly Cell[], jobs: number): Cell[][] {
  const policies = [...new Set(cells.map((cell) => cell.policy))]
  const groups = policies.map((policy) => cells.filter((cell) => cell.policy === policy))
  const parts = Math.max(1, Math.floor(jobs / groups.length))
  return groups.flatMap((group) => {
    const size = Math.ceil(group.length / parts)
    return Array.from({ length: Math.ceil(group.length / size) }, (_, i) =>
      group.slice(i * size, (i + 1) * size),
    )
  })
}

/** Takes one group of cells after the other, and keeps its thread as long as that is any good. */
class Lane {
  readonly #options: PoolOptions
  /** Where cells go whose trace turned out to be too long. */
  readonly #long: Cell[]
  #thread: Thread | undefined
  /** Has the thread run a cell? */
  #used = false

  constructor(options: PoolOptions, long: Cell[]) {
    this.#options = options
    this.#long = long
  }

  async run(groups: Cell[][], uses: Map<TraceChoice, number>): Promise<void> {
    const { signal, traces } = this.#options
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const alone = needsOwnThread(group, traces)
      if (alone && this.#used) await this.stop()
      for (const [index, cell] of group.entries()) {
        if (signal.aborted) return
        await this.#runCell(cell, group[index + 1], uses)
      }
      if (alone) await this.stop()
    }
  }

  /** A thread loads its modules while the trace for its first cell is made. */
  start(): Thread {
    if (this.#thread === undefined || this.#thread.dead) {
      this.#thread = new Thread(this.#options)
      this.#used = false
    }
    return this.#thread
  }

  async stop(): Promise<void> {
    await this.#thread?.stop()
    this.#thread = undefined
  }

  async #runCell(
    cell: Cell,
    next: Cell | undefined,
    uses: Map<TraceChoice, number>,
  ): Promise<void> {
    const { traces, taskOf, finished, timeoutSeconds } = this.#options
    const started = performance.now()
    let outcome: CellOutcome | undefined
    try {
      this.start()
      const trace = traces.get(cell.trace)
      const thread = this.start()
      this.#used = true
      const answer = thread.runWithin<CellOutcome>(timeoutSeconds, taskOf(cell, trace))
      if (next !== undefined) prepare(next.trace, traces)
      outcome = await answer
    } catch (error) {
      if (traces.source(cell.trace) !== undefined) {
        this.#long.push(cell)
        return
      }
      outcome = { ok: false, error: error instanceof Error ? error.message : String(error) }
    }
    if (outcome === undefined) return
    const left = (uses.get(cell.trace) ?? 0) - 1
    uses.set(cell.trace, left)
    if (left === 0) traces.drop(cell.trace)
    finished(cell, outcome, (performance.now() - started) / 1000)
  }
}

/** Makes the next trace while the thread is busy with this one. If that fails, its own cell will say so. */
function prepare(trace: TraceChoice, traces: TraceSource): void {
  try {
    traces.get(trace)
  } catch {}
}
