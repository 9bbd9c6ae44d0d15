/**
 * stream-cells: runs the cells of one long trace side by side, each on a thread of its own, while another thread makes
 * the trace: generation overlaps simulation, and what is in memory does not grow with the trace.
 */
import type { Cell } from '../../plan.ts'
import { Ring } from '../../stream/ring.ts'
import type { CellOutcome, ProduceOutcome } from '../../worker.ts'
import type { PoolOptions } from './pool-options.ts'
import { Thread } from './thread.ts'

/** The cells share one trace; `turns` of them work at once. Cells end together, when the trace does. */
export async function streamCells(
  cells: readonly Cell[],
  turns: number,
  options: PoolOptions,
): Promise<void> {
  const [{ trace } = { trace: undefined }] = cells
  const { traces, taskOf, finished, timeoutSeconds } = options
  const source = trace && traces.source(trace)
  if (trace === undefined || source === undefined) return
  const started = performance.now()
  const ring = Ring.create(cells.length, Math.min(turns, cells.length))
  const { memory } = ring
  const producer = new Thread(options)
  const producing = producer.run<ProduceOutcome>({ source, ring: memory }).then((made) => {
    // A thread that died could not say so itself.
    if (made?.ok !== true) ring.break()
    return made
  })

  const threads = cells.map(() => new Thread(options))
  const tasks = cells.map((cell, seat) => taskOf(cell, { ring: memory, seat }))
  // Time in which others have the turn is not the cell's own.
  const worked = cells.map(() => 0)
  // Nor is time in which the producer waits for them its own.
  let produced = 0
  const watch = setInterval(() => {
    if (ring.writing() && ++produced > timeoutSeconds)
      producer.fail(`no trace within ${timeoutSeconds} seconds`)
    for (const [seat, thread] of threads.entries()) {
      if (!ring.working(seat)) continue
      worked[seat] = (worked[seat] ?? 0) + 1
      if ((worked[seat] ?? 0) > timeoutSeconds)
        thread.fail(`no result within ${timeoutSeconds} seconds`, tasks[seat]?.reached?.[0])
    }
  }, 1000)
  const simulating = tasks.map(async (task, seat) => {
    const outcome = await threads[seat]?.run<CellOutcome>(task)
    await threads[seat]?.stop()
    ring.leave(seat)
    return outcome
  })

  const outcomes = await Promise.all(simulating)
  const made = await producing
  clearInterval(watch)
  await producer.stop()
  if (made?.ok === true) traces.learn(trace, made)
  const seconds = (performance.now() - started) / 1000
  for (const [seat, cell] of cells.entries()) {
    const outcome = outcomes[seat]
    if (outcome === undefined || made === undefined) continue
    finished(cell, made.ok ? outcome : made, seconds)
  }
}
