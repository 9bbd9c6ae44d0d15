/** calibrate: from what the driver measures (calibrate.c) to what one unit of counted work costs on this machine. */
import { execFileSync } from 'node:child_process'
import { type Interval, intervalOf } from './interval.ts'

/** Nanoseconds by the name of the measurement, of one round. */
export type Measures = Readonly<Record<string, number>>

/** Units of src/metrics/cost.ts that are measured; the others come from a built-in profile. */
export const MEASURED_UNITS = [
  ...(['faultEntry', 'zeroFill4k', 'zeroFill2M', 'copy4k', 'copy2M', 'reuse'] as const),
  ...(['forkBase', 'ptePerFork', 'pmdPerFork', 'tableAlloc', 'tableFree', 'ptePerExit'] as const),
  ...(['pmdSplit', 'mprotectPerPte', 'tlbFlush', 'lruDrain', 'pinPerPage'] as const),
]
export type MeasuredUnit = (typeof MEASURED_UNITS)[number]
export type MeasuredCosts = Readonly<Record<MeasuredUnit, number>>

/** Sizes of calibrate.c: a heap of 256 MiB in 128 tables; one page in each of 256 tables; 64 huge folios; 16 MiB. */
const HEAP_PAGES = 65_536
const HEAP_TABLES = 128
const SPARSE_TABLES = 256
const HUGE_FOLIOS = 64
const PROTECTED_PAGES = 4096

/** In which order the pages of a heap are stored to: programs do something between the two. */
const ORDERS = ['sequence', 'shuffled']

/** One round: less than a second of one CPU. */
export function measure(program: string): Measures {
  const text = execFileSync(program, ['measure'], { encoding: 'utf8' })
  const lines = text.trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ns = ''] = line.split(' ')
      return [name, Number(ns)]
    }),
  )
}

/** The costs by one round, which noise may make negative. Throws RangeError if a measurement is missing. */
export function costsOf(measures: Measures): MeasuredCosts {
  const ns = (name: string): number => {
    const value = measures[name]
    if (value === undefined) throw new RangeError(`missing measurement: ${name}`)
    return value
  }
  /** Of one life of a heap, the mean of both orders. */
  const heap = (name: string): number =>
    ORDERS.reduce((sum, order) => sum + ns(`${order}-${name}`), 0) / ORDERS.length
  const plain = heap('plain') / HEAP_PAGES
  const perPage = (name: string, pages: number): number => heap(name) / pages - plain

  const fork = tableAndEntry(heap('fork') - ns('fork-empty'), ns('fork-sparse') - ns('fork-empty'))
  const exit = tableAndEntry(
    heap('exit-shared') - ns('exit-empty'),
    ns('exit-sparse') - ns('exit-empty'),
  )
  // Whatever is allocated is freed one day; a cost of its own it has not.
  const free = (heap('exit-freeing') - heap('exit-shared')) / (HEAP_PAGES / 2)
  // The cheapest fault maps the zero page: all of it counts as entry.
  const faultEntry = perPage('zero-page', HEAP_PAGES)
  const tablePerPage = (HEAP_TABLES * fork.table) / HEAP_PAGES
  const mprotectPerPte = (ns('protect-many') - ns('protect-none')) / PROTECTED_PAGES
  return {
    faultEntry,
    zeroFill4k: perPage('fill', HEAP_PAGES) - tablePerPage - faultEntry + free,
    zeroFill2M: ns('huge-fill') - faultEntry,
    copy4k: perPage('copy', HEAP_PAGES / 2) - faultEntry + free,
    copy2M: ns('huge-copy'),
    reuse: perPage('reuse', HEAP_PAGES / 2) - faultEntry,
    forkBase: ns('fork-empty'),
    ptePerFork: fork.entry,
    pmdPerFork: (ns('fork-huge') - ns('fork-empty')) / HUGE_FOLIOS,
    tableAlloc: fork.table,
    tableFree: exit.table,
    ptePerExit: exit.entry,
    pmdSplit: ns('split') - ns('protect-one'),
    mprotectPerPte,
    tlbFlush: ns('protect-one') - ns('protect-none') - mprotectPerPte,
    lruDrain: ns('drain-full') - ns('drain-empty'),
    pinPerPage: ns('pin'),
  }
}

/** Two equations: many entries in few tables, and one entry in each of many tables. */
function tableAndEntry(dense: number, sparse: number): { table: number; entry: number } {
  const both = sparse / SPARSE_TABLES
  const entry = (dense - HEAP_TABLES * both) / (HEAP_PAGES - HEAP_TABLES)
  return { entry, table: both - entry }
}

/** Each cost with its 95 % interval, from several rounds. */
export function intervalsOf(
  rounds: readonly MeasuredCosts[],
): Readonly<Record<MeasuredUnit, Interval>> {
  const entries = MEASURED_UNITS.map((unit) => [unit, intervalOf(rounds.map((one) => one[unit]))])
  return Object.fromEntries(entries)
}

/** A cost that is not above 0 with 95 % confidence has not been measured: the machine is too busy. */
export function unsteadyOf(intervals: Readonly<Record<MeasuredUnit, Interval>>): MeasuredUnit[] {
  return MEASURED_UNITS.filter((unit) => !(intervals[unit].low > 0))
}
