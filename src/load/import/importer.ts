/**
 * importer: what every importer of a foreign trace format takes and gives.
 */
import type { Trace } from '../../trace/trace.ts'
import type { ImportStatistics } from './statistics.ts'

/** Yields the lines of a text in batches of any size, each time it is called from the beginning. */
export type Lines = () => AsyncIterable<readonly string[]> | Iterable<readonly string[]>

export interface Import {
  readonly trace: Trace
  /** RECORDED_* or INSERTED_* for each load and store of the trace. */
  readonly recording: Uint8Array
  readonly statistics: ImportStatistics
  /** The program whose exec was recorded first, if any was. */
  readonly program: string
}

export interface Importer {
  readonly name: string
  readonly what: string
  /** Are these the first lines of a text in this format? */
  recognises(firstLines: readonly string[]): boolean
  /** @throws Error in one line, naming `file`, if the text holds nothing to simulate. */
  import(lines: Lines, file: string): Promise<Import>
}
