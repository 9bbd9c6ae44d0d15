/** module: loads a policy or workload file of one's own, TypeScript or JavaScript, wherever it lies. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

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
  try {
    const { default: given } = canImport() ? await imported(file) : await transformed(file)
    return given
  } catch (error) {
    throw new Error(`invalid ${noun} file: ${reasonIn(file.path, error)}`)
  }
}

interface Module {
  readonly default?: unknown
}

/** What a file imports as `cowbench` is this very program, so that it needs no node_modules beside it. */
const COWBENCH = 'cowbench'

/** By jiti: TypeScript of any kind, on any version of Node.js. */
async function transformed(file: SourceFile): Promise<Module> {
  const plugIn = await import('../plug-in.ts')
  const { createJiti } = await import('jiti')
  // No caches: a file that was changed must not be run as it was.
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    interopDefault: false,
    virtualModules: { [COWBENCH]: plugIn },
  })
  return await jiti.import<Module>(file.path)
}

interface Resolved {
  readonly url: string
  readonly format?: string
  readonly shortCircuit?: boolean
}

interface Hooks {
  resolve(name: string, from: unknown, next: (name: string, from: unknown) => Resolved): Resolved
}

/** From Node.js 22.15 on. */
const { registerHooks } = nodeModule as { registerHooks?: (hooks: Hooks) => { deregister(): void } }

/** Does this Node.js take types out itself, and is the program the one that was built? */
function canImport(): boolean {
  const { typescript } = process.features as { typescript?: unknown }
  return registerHooks !== undefined && Boolean(typescript) && import.meta.url.endsWith('.js')
}

/** By Node.js itself; what it refuses as TypeScript (an enum, a file in node_modules) is left to jiti. */
async function imported(file: SourceFile): Promise<Module> {
  const own = `${pathToFileURL(file.path).href}?${file.hash}`
  const format = /\.[cm]?ts$/.test(file.path) ? 'module-typescript' : 'module'
  const hooks = registerHooks?.({
    resolve(name, from, next) {
      if (name === COWBENCH) {
        return {
          url: new URL('../plug-in.js', import.meta.url).href,
          format: 'module',
          shortCircuit: true,
        }
      }
      // Whatever package.json lies above it.
      return name === own ? { ...next(name, from), format } : next(name, from)
    },
  })
  try {
    return await import(own)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!/TYPESCRIPT|TYPE_STRIPPING/.test(code)) throw error
    return await transformed(file)
  } finally {
    hooks?.deregister()
  }
}

/** `FILE: what is wrong`, or `FILE:LINE:COLUMN: what is wrong` where that is known. */
function reasonIn(path: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const place = message.split(`${path}:`)[1]?.match(/^\d+:\d+/)?.[0]
  return `${path}:${place === undefined ? '' : `${place}:`} ${firstLine(error).trimEnd()}`
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
