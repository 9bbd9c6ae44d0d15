/**
 * statistics: what became of every line of an import, and what the importer added; this file counts and prints it.
 *
 * Each line is used, ignored (it says nothing about memory that a trace can hold) or unplaced (it should have been
 * used and could not be). The reasons are words, so that a new one needs no table.
 */

/** How often each thing happened, by its name. */
export type Tally = Record<string, number>

export type ImportStatistics = {
  lines: number
  /** From the first line to the last, to the millisecond. */
  seconds: number
  used: number
  ignored: Tally
  unplaced: Tally
  /** Loads and stores that no line recorded, by what made them necessary. */
  inserted: Tally
  /** Mappings and pages that were otherwise than the lines before had said, by what was found. */
  corrected: Tally
  processes: number
  threads: number
  forks: number
  /** Children that ran in their parent's address space until they exec'ed or exited. */
  vforks: number
  execs: number
  exits: number
  /** Recorded faults by error code, as perf prints it. */
  faults: Tally
}

/** What became of a line. A call's entry is pending until its return tells. */
export type Fate =
  | { readonly kind: 'used' }
  | { readonly kind: 'pending' }
  | { readonly kind: 'ignored' | 'unplaced'; readonly reason: string }

export const USED: Fate = { kind: 'used' }
export const PENDING: Fate = { kind: 'pending' }

export function ignored(reason: string): Fate {
  return { kind: 'ignored', reason }
}

export function unplaced(reason: string): Fate {
  return { kind: 'unplaced', reason }
}

export function countFate(statistics: ImportStatistics, fate: Fate): void {
  if (fate.kind === 'used') statistics.used++
  else if (fate.kind !== 'pending') count(statistics[fate.kind], fate.reason)
}

export function newStatistics(): ImportStatistics {
  return {
    lines: 0,
    seconds: 0,
    used: 0,
    ignored: {},
    unplaced: {},
    inserted: {},
    corrected: {},
    processes: 0,
    threads: 0,
    forks: 0,
    vforks: 0,
    execs: 0,
    exits: 0,
    faults: {},
  }
}

export function count(tally: Tally, name: string, times = 1): void {
  tally[name] = (tally[name] ?? 0) + times
}

export function sum(tally: Tally): number {
  return Object.values(tally).reduce((total, times) => total + times, 0)
}

/** The statistics as lines of text, the way `trace import` prints them. */
export function formatStatistics(statistics: ImportStatistics): string {
  const { processes, threads, forks, vforks, execs, exits } = statistics
  return [
    `lines: ${number(statistics.lines)} = ${number(statistics.used)} used + ` +
      `${number(sum(statistics.ignored))} ignored + ${number(sum(statistics.unplaced))} not placed; ` +
      `${statistics.seconds} s`,
    ...reasons('ignored', statistics.ignored),
    ...reasons('not placed', statistics.unplaced),
    `processes: ${number(processes)}, threads besides: ${number(threads)}, forks: ${number(forks)}, ` +
      `vfork-style: ${number(vforks)}, execs: ${number(execs)}, exits: ${number(exits)}`,
    `faults: ${number(sum(statistics.faults))}`,
    ...reasons('error_code', statistics.faults),
    `added loads and stores: ${number(sum(statistics.inserted))}`,
    ...reasons('added', statistics.inserted),
    `corrections: ${number(sum(statistics.corrected))}`,
    ...reasons('corrected', statistics.corrected),
  ].join('\n')
}

function reasons(title: string, tally: Tally): string[] {
  return Object.entries(tally)
    .sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
    .map(([reason, times]) => `  ${title}: ${reason}: ${number(times)}`)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
