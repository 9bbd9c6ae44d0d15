/** measure: takes the time of policies, and prints a table for each trace, or all of it as JSON. */
import { type Cell, policyLabel, type TraceChoice } from '../../plan.ts'
import { count } from '../../report/format.ts'
import { lined } from '../../report/table.ts'
import { thisMachine } from '../../results/manifest.ts'
import type { RunOptions } from '../run/options.ts'
import { type PlannedRun, planCells } from '../run/planned.ts'
import { Traces } from '../run/traces.ts'
import { interruptCode } from '../shell/interrupted.ts'
import { startProgress } from '../shell/progress.ts'
import { changed, changedByParam } from '../shell/replay.ts'
import { counted, print, say } from '../shell/streams.ts'
import { type NsPerEvent, type Timing, type Timings, timingsOf } from './timings.ts'

export interface BenchRequest {
  readonly run: RunOptions
  readonly rounds: number
  readonly sampleMs: number
  readonly json: boolean
}

/** A larger share of the time in the run queue is too much. */
const BUSY = 0.2

/** Returns the exit code: 1 if something could not be measured. */
export async function runBench(request: BenchRequest): Promise<number> {
  const { run, rounds, json } = request
  const planned = await planCells(run)
  const { plan, inputs } = planned
  const progress = await startProgress(plan.cells.length * (rounds + 1), 'samples')
  const interrupt = (signal: NodeJS.Signals): never => {
    progress.end()
    process.exit(interruptCode(signal))
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const timings = await timingsOf(plan.cells, {
    ...request,
    traces: new Traces(inputs.origins, undefined, run.timeoutSeconds),
    taken: ({ policy, name }) => progress.step(`${policyLabel(policy)} on ${name.workload}`),
  })
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  progress.end()
  print(json ? asJson(request, planned, timings) : tables(timings.timings))
  sayRest(planned, timings)
  return timings.timings.some(({ ns }) => 'error' in ns) ? 1 : 0
}

function sayRest({ plan }: PlannedRun, { timings, waiting }: Timings): void {
  const { length } = plan.skipped
  if (length > 0) say(`${counted(length, 'pair')} skipped for want of a capability`)
  for (const { cell, ns } of timings) {
    if ('error' in ns)
      say(`error: ${policyLabel(cell.policy)} on ${cell.name.workload}: ${ns.error}`)
  }
  if (waiting > BUSY) {
    say(`the machine is busy: ${Math.round(100 * waiting)} % of the time went by in the run queue`)
  }
}

const NOTES = [
  'ns/event: CPU time of the thread, the median of the samples; spread: their median absolute deviation.',
  'ratio: to the first of its table. Ratios travel to other machines, times do not.',
]

const OWN = 'A policy of your own is measured as it runs: with every answer checked.'

function tables(timings: readonly Timing[]): string {
  const traces = new Set(timings.map(({ cell }) => cell.trace))
  const parts = [...traces].map((trace) =>
    table(
      trace,
      timings.filter(({ cell }) => cell.trace === trace),
    ),
  )
  const own = timings.some(({ cell }) => cell.policy.file !== undefined)
  const notes = own ? [...NOTES, OWN] : NOTES
  return `${[...parts, notes.join('\n')].join('\n\n')}\n`
}

function table({ workload, values }: TraceChoice, timings: readonly Timing[]): string {
  const measured = timings.flatMap(({ cell, events, ns }) =>
    'error' in ns ? [] : [{ name: policyName(cell), events, ns }],
  )
  const [first] = measured
  const lines = measured.map(({ name, ns }) => [name, ...numbers(ns, first?.ns ?? ns)])
  const failed = timings.filter(({ ns }) => 'error' in ns)
  const events = first === undefined ? '' : `: ${count(first.events)} events`
  return [
    `${withParams(workload.name, changed(workload.params, values))}${events}`,
    '',
    ...(lines.length > 0 ? [lined([HEAD, ...lines], 'text')] : []),
    ...failed.map(({ cell }) => `${policyName(cell)}: failed`),
  ].join('\n')
}

function policyName(cell: Cell): string {
  return withParams(policyLabel(cell.policy), changedByParam(cell))
}

function withParams(name: string, params: readonly string[]): string {
  return params.length === 0 ? name : `${name} (${params.join(', ')})`
}

const HEAD = ['policy', 'ns/event', 'spread', 'M events/s', 'ratio', 'samples']

function numbers({ median, mad, samples }: NsPerEvent, first: NsPerEvent): string[] {
  return [
    threeDigits(median),
    `±${((100 * mad) / median).toFixed(1)} %`,
    threeDigits(1e3 / median),
    (median / first.median).toFixed(2),
    String(samples),
  ]
}

/** Three digits that count, or more before the point. */
function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}

function asJson(
  { rounds, sampleMs }: BenchRequest,
  { plan, planned }: PlannedRun,
  { timings, waiting }: Timings,
): string {
  const { version, commit } = planned.cowbench
  const facts = {
    ...{ cowbench: { version, commit }, machine: thisMachine() },
    ...{ rounds, sample_ms: sampleMs, waiting: thousandths(waiting) },
    note: 'ratios travel to other machines, times do not',
    rows: timings.map(rowOf),
    skipped: plan.skipped,
  }
  return JSON.stringify(facts, null, 2)
}

function rowOf({ cell, events, ns }: Timing): object {
  const { policy, workload, params } = cell.name
  const what = { policy, workload, params, events }
  if ('error' in ns) return { ...what, status: 'error', error: ns.error }
  const { rme, samples, ...times } = ns
  const rounded = Object.entries(times).map(([name, value]) => [name, thousandths(value)])
  return {
    ...{ ...what, status: 'ok', ns_per_event: Object.fromEntries(rounded) },
    ...{ events_per_second: Math.round(1e9 / ns.median), rme_percent: thousandths(rme), samples },
  }
}

function thousandths(value: number): number {
  return Math.round(1e3 * value) / 1e3
}
