/**
 * pool: runs the cells of a plan on worker threads, several policies at once and one policy per thread.
 *
 * A cell that fails, takes too long or kills its thread is one failed cell: the others go on in a fresh thread.
 */
import { Worker } from 'node:worker_threads'
import type { Cell, PolicyChoice, TraceChoice } from '../plan.ts'
import type { Trace } from '../trace/trace.ts'
import type { CellOutcome, CellTask, WorkerJob } from '../worker.ts'

export interface TraceSource {
  /** The trace in shared memory. Throws what the workload threw. */
  get(trace: TraceChoice): Trace
  /** About how many bytes it will take. */
  bytes(trace: TraceChoice): number
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
  readonly jobOf: (policy: PolicyChoice) => WorkerJob
  readonly finished: (cell: Cell, outcome: CellOutcome, seconds: number) => void
  /** When aborted, threads stop where they are and cells under way are not finished. */
  readonly signal: AbortSignal
}

/** Traces that are in memory at the same time, in bytes. */
const MEMORY = 2 ** 30

export async function runCells(cells: readonly Cell[], options: PoolOptions): Promise<void> {
  for (const block of blocks(cells, options.traces)) {
    const groups = groupsOf(block, options.jobs)
    const uses = new Map<TraceChoice, number>()
    for (const { trace } of block) uses.set(trace, (uses.get(trace) ?? 0) + 1)
    const lane = async (): Promise<void> => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        if (options.signal.aborted) return
        await runGroup(group, uses, options)
      }
    }
    await Promise.all(Array.from({ length: options.jobs }, lane))
  }
}

/** Cells in runs whose traces fit into memory together. */
function blocks(cells: readonly Cell[], traces: TraceSource): Cell[][] {
  const blockOf = new Map<TraceChoice, number>()
  let block = 0
  let bytes = 0
  for (const { trace } of cells) {
    if (blockOf.has(trace)) continue
    const more = traces.bytes(trace)
    if (bytes > 0 && bytes + more > MEMORY) {
      block++
      bytes = 0
    }
    bytes += more
    blockOf.set(trace, block)
  }
  return Array.from({ length: block + 1 }, (_, i) =>
    cells.filter((c) => blockOf.get(c.trace) === i),
  )
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

async function runGroup(
  group: readonly Cell[],
  uses: Map<TraceChoice, number>,
  options: PoolOptions,
): Promise<void> {
  const { traces, signal } = options
  let thread: PolicyThread | undefined
  for (const [index, cell] of group.entries()) {
    if (signal.aborted) break
    const started = performance.now()
    let outcome: CellOutcome | undefined
    try {
      const trace = traces.get(cell.trace)
      if (thread === undefined || thread.dead) thread = new PolicyThread(cell.policy, options)
      const answer = thread.run({ params: cell.policyValues, trace })
      const next = group[index + 1]
      if (next !== undefined) prepare(next.trace, traces)
      outcome = await answer
    } catch (error) {
      outcome = { ok: false, error: (error as Error).message }
    }
    if (outcome === undefined) break
    const left = (uses.get(cell.trace) ?? 0) - 1
    uses.set(cell.trace, left)
    if (left === 0) traces.drop(cell.trace)
    options.finished(cell, outcome, (performance.now() - started) / 1000)
  }
  await thread?.stop()
}

/** Makes the next trace while the thread is busy with this one. If that fails, its own cell will say so. */
function prepare(trace: TraceChoice, traces: TraceSource): void {
  try {
    traces.get(trace)
  } catch {}
}

class PolicyThread {
  readonly #worker: Worker
  readonly #timeoutSeconds: number
  readonly #signal: AbortSignal
  #answer: ((outcome: CellOutcome | undefined) => void) | undefined
  dead = false

  constructor(policy: PolicyChoice, { worker, jobOf, timeoutSeconds, signal }: PoolOptions) {
    this.#worker = new Worker(worker, { workerData: jobOf(policy) })
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
