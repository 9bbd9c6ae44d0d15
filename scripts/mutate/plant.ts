/** plant: mutants as policy files of one's own, since that is how a policy that did not come with the program is run. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../src/load/package.ts'

/** The files whose rules are mutated, each with the policies that are made of it; the first is the file's own. */
export const RULES: Readonly<Record<string, readonly string[]>> = {
  'page-count': ['page-count'],
  'reuse-swap-page': ['reuse-swap-page', 'page-count', 'forced-gup-break'],
  'page-count-refined': ['page-count-refined', 'anon-exclusive', 'mm-id'],
  'anon-exclusive': ['anon-exclusive', 'order0-copy', 'mm-id'],
  'mm-id': ['mm-id'],
}
const FILES = [...new Set([...Object.keys(RULES), ...Object.values(RULES).flat()])]

export function sourceOf(file: string): string {
  return readFileSync(join(packageRoot(), 'policies', `${file}.ts`), 'utf8')
}

/** A folder for planted policies; no two of a process are loaded from the same path. */
export class Nursery {
  readonly #folder: string
  #planted = 0

  constructor(name: string) {
    this.#folder = join(packageRoot(), '.mutants', name)
    this.clear()
  }

  /** Writes all policies, `file` as `text` has it. Returns the path of a policy in it. */
  plant(file: string, text: string): (policy: string) => string {
    const folder = join(this.#folder, String(this.#planted++))
    mkdirSync(folder, { recursive: true })
    for (const name of FILES) {
      const own = (name === file ? text : sourceOf(name))
        .replaceAll("'../src/policy/api.ts'", "'cowbench'")
        .replace(/^ {2}name: '/m, "  name: 'mutant-of-")
      writeFileSync(join(folder, `${name}.ts`), own)
    }
    return (policy) => join(folder, `${policy}.ts`)
  }

  clear(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
