/** imports: what a file of one's own imports, found by jiti's parser: other files, and names of `cowbench`. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Jiti } from 'jiti'

/** A name that is imported, and where. */
export interface ImportedName {
  readonly name: string
  readonly line: number
  readonly column: number
}

export interface Imports {
  /** Absolute paths, in the order of the text. */
  readonly files: readonly string[]
  /** From the module asked about; of `import type`, and of what is only used as a type, nothing. */
  readonly names: readonly ImportedName[]
}

/** The part of Babel's tree that is looked at. */
interface Node {
  readonly type: string
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } }
  readonly value?: unknown
  readonly name?: string
  readonly source?: Node | null
  readonly specifiers?: readonly Node[]
  readonly imported?: Node
  readonly local?: Node
  readonly callee?: Node
  readonly arguments?: readonly Node[]
  readonly body?: readonly Node[]
}

/** May this text import a file? Then it names one. */
export function mayImportFiles(text: string): boolean {
  return /['"`](\.{0,2}\/|file:)/.test(text)
}

/** The files, and the names of the module `from`, that the file `path` imports; nothing of a text that is no program. */
export async function importsOf(path: string, text: string, from: string): Promise<Imports> {
  const jiti = await parser()
  const files: string[] = []
  const names: ImportedName[] = []
  const visitor = {
    // By then the imports that are types are gone.
    Program({ node }: { node: Node }): void {
      for (const statement of node.body ?? []) {
        if (statement.source?.value === from) names.push(...namesIn(statement))
      }
    },
    // What every import and export of another module has become, and what was written as a call.
    CallExpression({ node }: { node: Node }): void {
      const [module] = node.arguments ?? []
      if (!CALLS.includes(node.callee?.name) || typeof module?.value !== 'string') return
      const file = fileOf(jiti, path, module.value)
      if (file !== undefined && !files.includes(file)) files.push(file)
    },
  }
  const ts = /\.[cm]?tsx?$/.test(path)
  jiti.transform({
    source: text,
    filename: path,
    ts,
    async: true,
    babel: { plugins: [{ visitor }] },
  })
  return { files, names }
}

const CALLS: readonly (string | undefined)[] = ['jitiImport', 'require']

let shared: Jiti | undefined

async function parser(): Promise<Jiti> {
  const { createJiti } = await import('jiti')
  shared ??= createJiti(import.meta.url, { fsCache: false, interopDefault: false })
  return shared
}

/** What `import a, { b as c } from ''` and `export { b as c } from ''` take. */
function namesIn({ specifiers = [] }: Node): ImportedName[] {
  return specifiers.flatMap((specifier) => {
    const { type, imported, local, loc } = specifier
    const taken = type === 'ExportSpecifier' ? local : imported
    const name = type === 'ImportDefaultSpecifier' ? 'default' : (taken?.name ?? taken?.value)
    if (typeof name !== 'string') return []
    return [{ name, line: loc?.start.line ?? 0, column: (loc?.start.column ?? 0) + 1 }]
  })
}

/** Packages are not followed: whoever installs them knows their version. */
function fileOf(jiti: Jiti, path: string, name: string): string | undefined {
  if (!/^(\.{0,2}\/|file:)/.test(name)) return undefined
  const url = jiti.esmResolve(name, { parentURL: pathToFileURL(path).href, try: true })
  return url === undefined ? undefined : fileURLToPath(url)
}
