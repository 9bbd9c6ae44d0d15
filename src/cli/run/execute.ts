/**
 * execute: a run from its options to its results: plan, cells, journal, rows, table, exit code.
 *
 * Exit codes: 0; 3 if a condition of --fail-on about correctness holds, else 1 if a cell failed, else 4 if another
 * condition holds; 2 if there is no space to write to, or no cell for --fail-on to look at; 130 and 143 after an
 * interruption, with all finished cells kept.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../../metrics/row.ts'
import { type Cell, policyLabel, shardOf } from '../../plan.ts'
import { comparisonTable } from '../../report/table.ts'
import { claimDirectory } from '../../results/directory.ts'
import { type Finished, Journal, readJournal } from '../../results/journal.ts'
import { type Part, thisMachine } from '../../results/manifest.ts'
import { expectPartOf } from '../../results/resume.ts'
import { type ManifestHead, writeResults } from '../../results/write.ts'
import type { CellOutcome } from '../../worker.ts'
import { interruptCode } from '../shell/interrupted.ts'
import { startProgress } from '../shell/progress.ts'
import { cellReplay } from '../shell/replay.ts'
import { counted, print, say } from '../shell/streams.ts'
import { failures } from '../words/fail-on.ts'
import { UsageError } from '../words/usage-error.ts'
import { cellTask, workerFile } from './cell-task.ts'
import type { Inputs } from './inputs.ts'
import { JsonRows } from './json-rows.ts'
import type { RunOptions } from './options.ts'
import { planRun, whySkipped } from './planned.ts'
import { runCells } from './pool.ts'
import { Traces } from './traces.ts'

/** How many of several like things are told; the rest is in the manifest. */
const TOLD = 5

export async function executeRun(options: RunOptions, command: readonly string[]): Promise<number> {
  const { inputs, plan, planned } = await planRun(options)
  const { i, n } = options.shard
  const cells = shardOf(plan.cells, i, n)
  const shard = n === 1 ? '' : `-${i}of${n}`
  const dir = join(options.out, options.name ?? `${inputs.name}${shard}`)
  if (options.dryRun) return dryRun(cells, dir, options.json)
  if (options.failOn.length > 0 && plan.cells.length === 0) {
    // A gate that nothing went through must not stand open.
    throw new UsageError(`missing rows for --fail-on: no cell to run, ${whySkipped(plan)}`)
  }

  claimDirectory(dir, options.ifExists)
  if (options.ifExists === 'resume') expectPartOf(planned, dir)
  const finished = options.ifExists === 'resume' ? readJournal(dir) : new Map<string, Finished>()
  const pending = cells.filter(({ key }) => finished.get(key)?.row.status !== 'ok')
  if (pending.length < cells.length)
    say(`${cells.length - pending.length} of ${cells.length} cells are finished`)

  const started = new Date()
  const secondsByPolicy: Record<string, number> = {}
  const part = (): Part => ({
    command,
    machine: thisMachine(),
    started: started.toISOString(),
    wall_seconds: tenths((Date.now() - started.getTime()) / 1000),
    ran: pending.filter(({ key }) => finished.get(key) !== undefined).length,
    reused: cells.length - pending.length,
    wall_seconds_by_policy: secondsByPolicy,
  })
  const head = (): ManifestHead => ({
    ...planned,
    // The name of a part is not that of the whole.
    name: n === 1 ? (options.name ?? inputs.name) : inputs.name,
    skipped: plan.skipped.map((skip) => ({ ...skip })),
    parts: { [`${i}/${n}`]: part() },
  })
  // From the first moment on the directory is one of ours, and says of what.
  writeResults(dir, head(), finished)
  const stream = options.json ? new JsonRows(cells, finished) : undefined
  stream?.flush()
  const signal = await runPending(pending, options, inputs, dir, (cell, done, seconds) => {
    finished.set(cell.key, done)
    stream?.flush()
    const label = policyLabel(cell.policy)
    secondsByPolicy[label] = tenths((secondsByPolicy[label] ?? 0) + seconds)
  })
  const rows = writeResults(dir, head(), finished)
  if (signal !== undefined) {
    const kept = cells.filter(({ key }) => finished.has(key)).length
    say(`interrupted: ${kept} of ${cells.length} cells are in ${dir}; run again with --resume`)
    return interruptCode(signal)
  }
  const failed = cells
    .flatMap(({ key }) => finished.get(key) ?? [])
    .filter(({ error }) => error !== undefined)
  return conclude(dir, rows, failed, plan.skipped.length, options)
}

function dryRun(cells: readonly Cell[], dir: string, json: boolean): number {
  for (const { name, policy } of cells) {
    if (json) print(JSON.stringify(name))
    else print([policyLabel(policy), name.workload, name.params, `seed=${name.seed}`].join(' '))
  }
  say(
    `${counted(cells.length, 'cell')}, not run; results would go to ${dir}${existsSync(dir) ? ', which exists' : ''}`,
  )
  return 0
}

/** Runs the cells and journals each; returns the signal that stopped it, if one did. */
async function runPending(
  cells: readonly Cell[],
  options: RunOptions,
  inputs: Inputs,
  dir: string,
  done: (cell: Cell, finished: Finished, seconds: number) => void,
): Promise<NodeJS.Signals | undefined> {
  const { jobs, timeoutSeconds } = options
  const journal = new Journal(dir)
  const traces = new Traces(inputs.origins, undefined, timeoutSeconds)
  const progress = await startProgress(cells.length)
  const stop = new AbortController()
  let stoppedBy: NodeJS.Signals | undefined
  const interrupt = (signal: NodeJS.Signals): void => {
    if (stoppedBy !== undefined) process.exit(interruptCode(signal))
    stoppedBy = signal
    stop.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  try {
    await runCells(cells, {
      ...{ jobs, timeoutSeconds, traces, signal: stop.signal },
      worker: workerFile(),
      taskOf: (cell, trace) => cellTask(cell, trace, options),
      finished: (cell, outcome, seconds) => {
        const finished = finishedCell(cell, outcome, traces, inputs)
        journal.append(finished)
        done(cell, finished, seconds)
        progress.step(`${policyLabel(cell.policy)} on ${cell.name.workload}`)
      },
    })
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    progress.end()
    journal.close()
  }
  return stoppedBy
}

function finishedCell(
  cell: Cell,
  outcome: CellOutcome,
  traces: Traces,
  { origins }: Inputs,
): Finished {
  const { key, name, trace } = cell
  const { hash, events } = traces.facts(trace)
  const row = { ...name, trace_hash: hash, events }
  if (!outcome.ok) {
    const { error, event } = outcome
    const replay =
      event === undefined ? '' : `; replay: ${cellReplay(cell, origins.get(trace.workload), event)}`
    return { key, row: { ...row, status: 'error' }, error: `${firstLine(error)}${replay}` }
  }
  const { values, breaches, verdicts } = outcome
  return {
    ...{ key, row: { ...row, status: 'ok', values }, verdicts },
    ...(breaches.length > 0 ? { breaches: breaches.slice(0, TOLD) } : {}),
  }
}

/** Prints what there is to see, and says how it ended. */
async function conclude(
  dir: string,
  rows: readonly Row[],
  failed: readonly Finished[],
  skipped: number,
  options: RunOptions,
): Promise<number> {
  const ok = rows.filter((row) => row.status === 'ok')
  if (options.report && ok.length > 0) {
    const { writeReport } = await import('../../report/report.ts')
    await writeReport(dir)
  }
  if (ok.length > 0 && !options.json) print(comparisonTable(rows))
  const html = join(dir, 'report.html')
  const notes = [
    `${counted(rows.length, 'row')} in ${join(dir, 'rows.csv')}`,
    ...(skipped > 0 ? [`${skipped} skipped for want of a capability (see manifest.json)`] : []),
    ...(options.report && ok.length > 0 ? [`charts in ${html}`] : []),
    ...(!options.report && existsSync(html)
      ? [`${html} is older: cowbench report ${dir} draws it again`]
      : []),
  ]
  say(notes.join('; '))
  tellFailures(failed)
  const found = failures(options.failOn, rows)
  for (const { condition, rows: at } of found) {
    say(`fail-on: ${condition.text} in ${at.length} of ${ok.length} rows, first ${where(at[0]!)}`)
  }
  if (found.some(({ condition }) => condition.correctness)) return 3
  if (failed.length > 0) return 1
  return found.length > 0 ? 4 : 0
}

/** What is wrong with a trace fails the cells of all policies, and is told once. */
function tellFailures(failed: readonly Finished[]): void {
  const alike = new Map<string, Finished[]>()
  for (const each of failed) {
    const line = firstLine(each.error)
    alike.set(line, [...(alike.get(line) ?? []), each])
  }
  const told = [...alike].slice(0, TOLD)
  for (const [line, [first, ...others]] of told) {
    const more = others.length === 0 ? '' : `; the same in ${counted(others.length, 'more cell')}`
    say(`error: ${where(first!.row)}: ${line}${more}`)
  }
  const left = failed.length - told.flatMap(([, cells]) => cells).length
  if (left > 0) say(`error: ${counted(left, 'more cell')} (see manifest.json)`)
}

function where({ policy, workload, params, seed }: Row): string {
  return `${policy} on ${workload}${params === '' ? '' : ` (${params})`}, seed ${seed}`
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n')[0] ?? ''
}

function tenths(seconds: number): number {
  return Math.round(10 * seconds) / 10
}
