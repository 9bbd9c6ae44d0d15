/**
 * pool: runs the cells of a plan on threads, several policies at once.
 *
 * A policy that has much to do gets a thread of its own: calls of its hooks stay monomorphic, which is worth 25 to 100 %.
 * Small ones share threads, because a thread that has compiled nothing yet takes a second to warm up.
 *
 * A cell that fails, takes too long or kills its thread is one failed cell: the others go on in a fresh thread.
 */
import { Worker } from 'node:worker_threads'
import type { Cell, TraceChoice } from '../plan.ts'
import type { Trace } from '../trace/trace.ts'
import type { CellOutcome, CellTask } from '../worker.ts'

export interface TraceSource {
  /** The trace in shared memory. Throws what the workload threw. */
  get(trace: TraceChoice): Trace
  /** About how many there will be. */
  events(trace: TraceChoice): number
  /** No cell needs it any more. */
  drop(trace: TraceChoice): void
}

export interface PoolOptions {
  /** File of the worker. */
  readonly worker: URL
  /** Threads at once. */
  readonly jobs: number
  /** A cell that takes longer has failed. */
  readonly timeoutSeconds: number
  readonly traces: TraceSource
  readonly taskOf: (cell: Cell, trace: Trace) => CellTask
  readonly finished: (cell: Cell, outcome: CellOutcome, seconds: number) => void
  /** When aborted, threads stop where they are and cells under way are not finished. */
  readonly signal: AbortSignal
}

/** Events of the traces that are in memory at the same time: 1 GiB. */
const MEMORY = 2 ** 28
/** Events from which on a policy gets a thread of its own: there the shared thread's loss outgrows the warm-up. */
const LARGE = 2e7

export async function runCells(cells: readonly Cell[], options: PoolOptions): Promise<void> {
  const lanes = Array.from({ length: options.jobs }, () => new Lane(options))
  for (const block of blocks(cells, options.traces)) {
    const groups = groupsOf(block, options.jobs)
    const uses = new Map<TraceChoice, number>()
    for (const { trace } of block) uses.set(trace, (uses.get(trace) ?? 0) + 1)
    await Promise.all(lanes.map((lane) => lane.run(groups, uses)))
  }
  await Promise.all(lanes.map((lane) => lane.stop()))
}

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
  #thread: Thread | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  async run(groups: Cell[][], uses: Map<TraceChoice, number>): Promise<void> {
    const { signal, traces } = this.#options
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const alone = needsOwnThread(group, traces)
      if (alone) await this.stop()
      for (const [index, cell] of group.entries()) {
        if (signal.aborted) return
        await this.#runCell(cell, group[index + 1], uses)
      }
      if (alone) await this.stop()
    }
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
    const { traces, taskOf, finished } = this.#options
    const started = performance.now()
    let outcome: CellOutcome | undefined
    try {
      const trace = traces.get(cell.trace)
      if (this.#thread === undefined || this.#thread.dead) this.#thread = new Thread(this.#options)
      const answer = this.#thread.run(taskOf(cell, trace))
      if (next !== undefined) prepare(next.trace, traces)
      outcome = await answer
    } catch (error) {
      outcome = { ok: false, error: (error as Error).message }
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

class Thread {
  readonly #worker: Worker
  readonly #timeoutSeconds: number
  readonly #signal: AbortSignal
  #answer: ((outcome: CellOutcome | undefined) => void) | undefined
  dead = false

  constructor({ worker, timeoutSeconds, signal }: PoolOptions) {
    this.#worker = new Worker(worker)
    this.#timeoutSeconds = timeoutSeconds
    this.#signal = signal
    this.#worker.on('message', (outcome: CellOutcome) => this.#settle(outcome))
    this.#worker.on('error', (error) => this.#fail(error.message))
    this.#worker.on('exit', (code) => this.#fail(`the thread ended with code ${code}`))
  }

  /** What became of the task; undefined if it was interrupted. */
  async run(task: CellTask): Promise<CellOutcome | undefined> {
    const interrupt = (): void => this.#end(undefined)
    this.#signal.addEventListener('abort', interrupt, { once: true })
    const tooLong = setTimeout(
      () => this.#fail(`no result within ${this.#timeoutSeconds} seconds`),
      1000 * this.#timeoutSeconds,
    )
    const outcome = await new Promise<CellOutcome | undefined>((resolve) => {
      this.#answer = resolve
      this.#worker.postMessage(task)
    })
    clearTimeout(tooLong)
    this.#signal.removeEventListener('abort', interrupt)
    return outcome
  }

  async stop(): Promise<void> {
    this.dead = true
    await this.#worker.terminate()
  }

  #fail(error: string): void {
    if (!this.dead) this.#end({ ok: false, error })
  }

  #end(outcome: CellOutcome | undefined): void {
    void this.stop()
    this.#settle(outcome)
  }

  #settle(outcome: CellOutcome | undefined): void {
    this.#answer?.(outcome)
    this.#answer = undefined
  }
}
