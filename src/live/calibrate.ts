/** calibrate: from what the driver measures (calibrate.c) to what one unit of counted work costs on this machine. */
import { execFileSync } from 'node:child_process'

/** Nanoseconds by the name of the measurement. */
export type Measures = Readonly<Record<string, number>>

/** Units of src/metrics/cost.ts that are measured; the others come from a built-in profile. */
export interface MeasuredCosts {
  readonly faultEntry: number
  readonly zeroFill4k: number
  readonly zeroFill2M: number
  readonly copy4k: number
  readonly copy2M: number
  readonly reuse: number
  readonly forkBase: number
  readonly ptePerFork: number
  readonly pmdPerFork: number
  readonly tableAlloc: number
  readonly tableFree: number
  readonly ptePerExit: number
  readonly pmdSplit: number
  readonly mprotectPerPte: number
  readonly tlbFlush: number
  readonly lruDrain: number
  readonly pinPerPage: number
}

/** Sizes of calibrate.c: 16 MiB by pages in 8 tables; 16 huge folios; one page in each of 256 tables. */
const PAGES = 4096
const TABLES = 8
const HUGE_FOLIOS = 16
const SPARSE_TABLES = 256

/** Takes a few seconds of one CPU. */
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

/** Throws RangeError if a measurement is missing. */
export function costsOf(measures: Measures): MeasuredCosts {
  const ns = (name: string): number => {
    const value = measures[name]
    if (value === undefined) throw new RangeError(`missing measurement: ${name}`)
    return value
  }
  const above = (name: string, floor: number) => Math.max(0, ns(name) - floor)

  // The cheapest fault maps the zero page: all of it counts as entry.
  const faultEntry = ns('zero-page')
  const fork = tableAndEntry(
    above('fork-dense', ns('fork-empty')),
    above('fork-sparse', ns('fork-empty')),
  )
  const exit = tableAndEntry(
    above('exit-dense', ns('exit-empty')),
    above('exit-sparse', ns('exit-empty')),
  )
  const mprotectPerPte = above('protect-many', ns('protect-none')) / PAGES
  return rounded({
    faultEntry,
    zeroFill4k: above('zero-fill', faultEntry),
    zeroFill2M: above('huge-fill', faultEntry),
    copy4k: above('copy', faultEntry),
    copy2M: ns('huge-copy'),
    reuse: above('reuse', faultEntry),
    forkBase: ns('fork-empty'),
    ptePerFork: fork.entry,
    pmdPerFork: above('fork-huge', ns('fork-empty')) / HUGE_FOLIOS,
    tableAlloc: fork.table,
    tableFree: exit.table,
    ptePerExit: exit.entry,
    pmdSplit: above('split', ns('protect-one')),
    mprotectPerPte,
    tlbFlush: above('protect-one', ns('protect-none') + mprotectPerPte),
    lruDrain: above('drain-full', ns('drain-empty')),
    pinPerPage: ns('pin'),
  })
}

/** Two equations: many entries in few tables, and one entry in each of many tables. */
function tableAndEntry(dense: number, sparse: number): { table: number; entry: number } {
  const both = sparse / SPARSE_TABLES
  const entry = Math.max(0, (dense - TABLES * both) / (PAGES - TABLES))
  return { entry, table: Math.max(0, both - entry) }
}

/** To a tenth of a nanosecond. */
function rounded(costs: MeasuredCosts): MeasuredCosts {
  const entries = Object.entries(costs).map(([unit, ns]) => [unit, Math.round(ns * 10) / 10])
  return Object.fromEntries(entries) as unknown as MeasuredCosts
}
