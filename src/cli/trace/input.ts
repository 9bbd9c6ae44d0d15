/** input: the file that a trace command reads; this file hands it on whole or in pieces, and names the output. */
import type { ImportStatistics } from '../../load/import/statistics.ts'
import type { LoadedTrace } from '../../load/trace-file.ts'
import type { Chunk, Trace } from '../../trace/trace.ts'
import { type FlagTable, readFlags } from '../words/flag-table.ts'
import { UsageError } from '../words/usage-error.ts'

export type Argv = Readonly<Record<string, unknown>>

export const OUTPUT = {
  output: { kind: 'text', alias: 'o', value: 'FILE', what: 'trace file to write, .gz to pack it' },
} as const satisfies FlagTable

export async function load(argv: Argv): Promise<LoadedTrace> {
  const { loadTrace } = await import('../../load/trace-file.ts')
  return await loadTrace(String(argv['file']))
}

type Totals = Pick<Trace, 'events' | 'processes'>
/** What a trace comes to, and what its file says of it. */
export type Seen = Omit<LoadedTrace, 'trace'> & Totals & { readonly loaded?: LoadedTrace }

/** Hands a trace to `take`, in pieces if it is too long for memory. Returns what its file says of it. */
export async function lookThrough(
  argv: Argv,
  take: (chunk: Chunk, totals: Totals) => void,
): Promise<Seen> {
  const { longTrace, streamLong } = await import('../../load/long-trace.ts')
  const long = longTrace(String(argv['file']))
  if (long !== undefined) {
    const { header } = long
    await streamLong(long, (chunk) => take(chunk, header))
    return { ...header, statistics: header.statistics as ImportStatistics | undefined }
  }
  const loaded = await load(argv)
  take(loaded.trace, loaded.trace)
  const { events, processes } = loaded.trace
  return { ...loaded, events, processes, loaded }
}

/** Where to write to, which is not what is read. */
export async function outputOf(argv: Argv): Promise<string> {
  const { output } = readFlags(argv, OUTPUT)
  if (output === undefined) throw new UsageError('missing --output: expected -o FILE')
  const { isSameFile } = await import('../../files/same-file.ts')
  if (isSameFile(String(argv['file']), output)) {
    throw new UsageError(`invalid --output: ${output} is the input; expected another file`)
  }
  return output
}

/** An object with this field, if there is a value for it. */
export function fieldOf<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: V }
}
