/** module: loads a policy or workload file of one's own, TypeScript or JavaScript, wherever it lies. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

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
  // No caches: a file that was changed must not be run as it was. `cowbench` is this very program, so that the file
  // needs no node_modules beside it.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const cowbench = fileURLToPath(new URL(`../index.${extension}`, import.meta.url))
  const { createJiti } = await import('jiti')
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    alias: { cowbench },
  })
  try {
    const module = await jiti.import<{ default?: unknown }>(file.path)
    return module.default
  } catch (error) {
    const [line] = (error as Error).message.split('\n')
    throw new Error(`invalid ${noun} file: ${file.path}: ${line}`)
  }
}
