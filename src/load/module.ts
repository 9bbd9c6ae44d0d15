/** module: loads a policy or workload file of one's own, TypeScript or JavaScript, wherever it lies. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

export interface SourceFile {
  /** Absolute. */
  readonly path: string
  /** Of the file's text. */
  readonly hash: string
}

/** Is it a file rather than the name of something that comes with the program? */
export function isPath(text: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(text)
}

/** Throws Error `missing <noun> file: <path>` if it cannot be read. */
export function sourceFile(noun: string, path: string): SourceFile {
  const absolute = resolve(path)
  try {
    const text = readFileSync(absolute)
    return { path: absolute, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`missing ${noun} file: ${path} cannot be read (${code})`)
  }
}

/** The default export of `file`. Throws Error `invalid <noun> file: <path>: <why>` if it cannot be run. */
export async function defaultExport(noun: string, file: SourceFile): Promise<unknown> {
  // `cowbench` is this very program, so that the file needs no node_modules beside it.
  const cowbench = await import('../plug-in.ts')
  const { createJiti } = await import('jiti')
  // No caches: a file that was changed must not be run as it was.
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    interopDefault: false,
    virtualModules: { cowbench },
  })
  try {
    return (await jiti.import<{ default?: unknown }>(file.path)).default
  } catch (error) {
    throw new Error(`invalid ${noun} file: ${file.path}: ${firstLine(error)}`)
  }
}

export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n')[0] ?? ''
}

/** Why `value` cannot be what `define` (definePolicy, defineWorkload) returns. */
export function notMadeBy(define: string, value: unknown): string {
  const what =
    value === undefined ? 'missing default export' : `invalid default export: ${kind(value)}`
  return `${what}; expected: export default ${define}({ ... })`
}

function kind(value: unknown): string {
  return typeof value === 'object' ? 'some other object' : `a ${typeof value}`
}

/** Was it written for another version of the contract? */
export function whyNotOfThisApi(noun: string, value: unknown, api: number): string | undefined {
  const written = (value as { api?: unknown } | null | undefined)?.api
  if (written === undefined || written === api) return undefined
  return `unsupported ${noun} api: ${String(written)}; expected: ${api}`
}
