/**
 * strays: what files of one's own do when nobody has asked them: end the program, print between its results, or throw when
 * nobody waits for them. They share a process with the program, so the first is refused, the second goes to stderr, and
 * the third is told by the file that it comes from.
 */
import { Console } from 'node:console'
import nodeModule from 'node:module'
import { pathToFileURL } from 'node:url'

interface Stray {
  /** policy or workload. */
  readonly noun: string
  readonly path: string
}

const loaded: Stray[] = []

/** From now on process.exit() throws where the file `path` calls it, or what it called does; console prints to stderr. */
export function tameFile(noun: string, path: string): void {
  if (loaded.length === 0) {
    replaceExit()
    globalThis.console = new Console({ stdout: process.stderr, stderr: process.stderr })
  }
  if (loaded.every((file) => file.path !== path)) loaded.push({ noun, path })
}

/** The line for an error that comes out of a loaded file, undefined for any other. */
export function strayMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const file = fileIn(error.stack)
  return file && `invalid ${file.noun} file: ${file.path}: ${error.message.split('\n')[0]}`
}

/** What was loaded, to be named where nothing says which of them it was. */
export function loadedFiles(): readonly string[] {
  return loaded.map(({ path }) => path)
}

function fileIn(stack: string | undefined): Stray | undefined {
  return loaded.find(({ path }) =>
    [path, pathToFileURL(path).href].some((name) => stack?.includes(name)),
  )
}

function replaceExit(): void {
  const end = process.exit
  process.exit = (...code) => {
    if (fileIn(wholeStack()) !== undefined) throw new Error(`process.exit(${code}) is refused`)
    // Without an argument it keeps process.exitCode, with an undefined one it does not.
    return end.apply(process, code)
  }
  // Also for whoever imports `exit` by name.
  nodeModule.syncBuiltinESMExports()
}

function wholeStack(): string | undefined {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = Number.POSITIVE_INFINITY
  const { stack } = new Error()
  Error.stackTraceLimit = limit
  return stack
}
