/** streams: data to stdout, talk to stderr, and colour only where someone can see it. */
import { FileError } from '../../files/file-error.ts'

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

export function say(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${count} ${count === 1 ? noun : plural}`
}

/**
 * Calls `end` when nobody reads on. A reader that has seen enough is no error (`cowbench list metrics | head -1`); what
 * else may end a stream is handed over.
 */
export function endWithStreams(end: (error: FileError | undefined) => void): void {
  const streams = { 'standard output': process.stdout, 'standard error': process.stderr }
  for (const [name, stream] of Object.entries(streams)) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'EPIPE' ? undefined : new FileError(name, 'written', error))
    })
  }
}

/** Progress is for someone who sees both streams; a file or a pipe gets none. */
export function watched(): boolean {
  return process.stdout.isTTY === true && process.stderr.isTTY === true
}

/** `--color` and `--no-color` win, then FORCE_COLOR, then NO_COLOR, then whether the stream is a terminal. */
export function wantsColor(
  flag: boolean | undefined,
  stream: Pick<NodeJS.WriteStream, 'isTTY'>,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (flag !== undefined) return flag
  const force = env['FORCE_COLOR']
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '') return false
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}
