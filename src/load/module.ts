/** module: loads a policy or workload file of one's own, TypeScript or JavaScript, wherever it lies. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import nodeModule from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { closest } from '../params/closest.ts'
import { importsOf, mayImportFiles } from './imports.ts'
import { tameFile } from './strays.ts'

export interface SourceFile {
  /** Absolute. */
  readonly path: string
  /** Of the file's text and, where it imports other files, of theirs. */
  readonly hash: string
}

/** A file and those that it imports, as they were read. */
interface Sources extends SourceFile {
  readonly texts: ReadonlyMap<string, Buffer>
}

export interface LoadedModule {
  /** The default export. */
  readonly given: unknown
  readonly file: SourceFile
}

/** Is it a file rather than the name of something that comes with the program? */
export function isPath(text: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(text)
}

/**
 * The default export of the file at `path`. Throws Error `missing <noun> file: <path>` if it cannot be read, and
 * `invalid <noun> file: <path>: <why>` if it cannot be run, or has not the hash that is `expected`.
 */
export async function loadModule(
  noun: string,
  path: string,
  expected?: string,
): Promise<LoadedModule> {
  const entry = resolve(path)
  const text = readEntry(noun, path)
  try {
    const sources = await readSources(entry, text)
    if (expected !== undefined && sources.hash !== expected) {
      throw new Error(`it was changed meanwhile; hash ${sources.hash}, expected ${expected}`)
    }
    for (const file of sources.texts.keys()) tameFile(noun, file)
    const { default: given } = canImport() ? await imported(sources) : await transformed(sources)
    for (const [file, text] of sources.texts) {
      if (!readFileSync(file).equals(text)) throw new Error('it was changed while it was loaded')
    }
    return { given, file: { path: entry, hash: sources.hash } }
  } catch (error) {
    throw new Error(`invalid ${noun} file: ${reasonIn(entry, error)}`)
  }
}

/**
 * A file, and those that it imports, each once, in the order of the first import: their paths stay out of the hash, which
 * is the same wherever they lie. What they import of packages, or read themselves, is not known here.
 */
async function readSources(entry: string, entryText: Buffer): Promise<Sources> {
  const texts = new Map([[entry, entryText]])
  // The map grows while it is gone through.
  for (const [from, text] of texts) {
    if (!isCode(from) || !mayImportFiles(text.toString())) continue
    for (const file of (await importsOf(from, text.toString(), COWBENCH)).files) {
      if (!texts.has(file)) texts.set(file, readFileSync(file))
    }
  }
  const hash = createHash('sha256')
  for (const [file, text] of texts) {
    if (file !== entry) hash.update(`\0${text.length}\0`)
    hash.update(text)
  }
  return { path: entry, hash: hash.digest('hex').slice(0, 16), texts }
}

function readEntry(noun: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`missing ${noun} file: ${path} cannot be read (${code})`)
  }
}

interface Module {
  readonly default?: unknown
}

/** What a file imports as `cowbench` is this very program, so that it needs no node_modules beside it. */
const COWBENCH = 'cowbench'

/** By jiti: TypeScript of any kind, on any version of Node.js. */
async function transformed(sources: Sources): Promise<Module> {
  const plugIn = await import('../plug-in.ts')
  await expectNames(sources, Object.keys(plugIn))
  const { createJiti } = await import('jiti')
  // No caches: a file that was changed must not be run as it was.
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    interopDefault: false,
    virtualModules: { [COWBENCH]: plugIn },
  })
  return await jiti.import<Module>(sources.path)
}

/** To jiti a name that `cowbench` does not export is undefined. */
async function expectNames({ path, texts }: Sources, known: readonly string[]): Promise<void> {
  for (const [file, text] of texts) {
    if (!isCode(file)) continue
    const { names } = await importsOf(file, text.toString(), COWBENCH)
    const odd = names.find(({ name }) => !known.includes(name))
    if (odd === undefined) continue
    const near = closest(odd.name, known)
    const hint = near === undefined ? `${COWBENCH} exports no such value` : `did you mean ${near}?`
    const place = `${file}:${odd.line}:${odd.column}`
    const where = file === path ? `\n${place}` : ` at ${place}`
    throw new Error(`unknown import: ${odd.name}; ${hint}${where}`)
  }
}

function isCode(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file)
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

/**
 * By Node.js itself; what it refuses as TypeScript (an enum, a type that is imported as a value, a file in node_modules)
 * is left to jiti.
 */
async function imported(sources: Sources): Promise<Module> {
  const { path, hash, texts } = sources
  const own = `${pathToFileURL(path).href}?${hash}`
  const format = /\.[cm]?ts$/.test(path) ? 'module-typescript' : 'module'
  const hooks = registerHooks?.({
    resolve(name, from, next) {
      if (name === COWBENCH) {
        return {
          url: new URL('../plug-in.js', import.meta.url).href,
          format: 'module',
          shortCircuit: true,
        }
      }
      const found = next(name, from)
      // Whatever package.json lies above it.
      if (name === own) return { ...found, format }
      // Modules are known by their address: one that was changed must not be run as it was.
      return isAmong(texts, found.url) ? { ...found, url: `${found.url}?${hash}` } : found
    },
  })
  try {
    return await import(own)
  } catch (error) {
    const { code = '', message = '' } = error as NodeJS.ErrnoException
    const isType = /TYPESCRIPT|TYPE_STRIPPING/.test(code)
    if (!isType && !/does not provide an export named/.test(message)) throw error
    return await transformed(sources)
  } finally {
    hooks?.deregister()
  }
}

function isAmong(texts: ReadonlyMap<string, Buffer>, url: string): boolean {
  return url.startsWith('file:') && !url.includes('?') && texts.has(fileURLToPath(url))
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
