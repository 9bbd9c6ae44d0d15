/**
 * index: the foreign trace formats that can be imported; this file is the list behind `list importers`.
 */
import type { Importer } from './importer.ts'
import { parsePerfLine } from './perf-line.ts'
import { importPerfScript } from './perf-script.ts'

export const IMPORTERS: readonly Importer[] = [
  {
    name: 'perf-script',
    what: 'perf script -F comm,pid,tid,time,event,trace --show-mmap-events, of a recording of page faults, forks and memory calls',
    recognises: (firstLines) => firstLines.some((line) => parsePerfLine(line) !== undefined),
    import: importPerfScript,
  },
]
