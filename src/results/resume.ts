/** resume: may a run go on in a results directory? Only if that holds a part of its plan, or nothing would fit together. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { MANIFEST } from './directory.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** What a plan is known by. */
export type Planned = Pick<Manifest, 'plan' | 'cowbench' | 'cost' | 'cells'>

/** Throws Error in one line that says what differs, if `dir` holds cells that are not in `next`. */
export function expectPartOf(next: Planned, dir: string): void {
  const held = planIn(dir)
  if (held === undefined) return
  const cells = new Set(next.cells)
  if (held.cells.every((key) => cells.has(key))) return
  throw new Error(
    `invalid --resume: ${dir} holds another plan (${differences(held, next).join('; ')}); expected the same or more of it, another --name, or --overwrite`,
  )
}

/** The same if `dir` holds any other plan, be it a part of `next`. */
export function expectSame(next: Planned, dir: string): void {
  const held = planIn(dir)
  if (held === undefined || held.cells.join() === next.cells.join()) return
  const what = differences(held, next).join('; ') || 'a part of this one'
  throw new Error(
    `invalid plan: ${dir} holds another (${what}); expected the same, another --name, or --overwrite`,
  )
}

function planIn(dir: string): Manifest | undefined {
  return existsSync(join(dir, MANIFEST)) ? readManifest(dir) : undefined
}

function differences(held: Planned, next: Planned): string[] {
  const fields = Object.keys({ ...held.plan, ...next.plan })
  const found = fields.flatMap((field) => {
    const [was, is] = [held.plan[field], next.plan[field]]
    if (!Array.isArray(was) || !Array.isArray(is)) return otherwise(field, was, is)
    const gone = was.filter((item) => !is.some((other) => alike(item, other)))
    const edited = gone.filter((item) => laterOf(item, is) !== undefined)
    const lost = gone.filter((item) => !edited.includes(item))
    return [
      ...(lost.length === 0 ? [] : [`${field} without ${several(lost)}`]),
      ...edited.map((item) => `${shown(item)} has changed since, now ${shown(laterOf(item, is))}`),
    ]
  })
  const build =
    held.cowbench.code === next.cowbench.code ? [] : ['made by another version of the program']
  return [...found, ...otherwise('cost', held.cost, next.cost), ...build]
}

/** The same file as it is now, if `item` is a file and it has changed. */
function laterOf(item: unknown, now: readonly unknown[]): unknown {
  const { name, hash } = fileOf(item)
  if (hash === undefined) return undefined
  return now.map(fileOf).find((file) => file.name === name && (file.hash ?? hash) !== hash)
}

function fileOf(item: unknown): { readonly name?: unknown; readonly hash?: unknown } {
  return typeof item === 'object' && item !== null ? item : {}
}

function otherwise(field: string, was: unknown, is: unknown): string[] {
  return alike(was, is) ? [] : [`${field} ${shown(was)}, now ${shown(is)}`]
}

function alike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** More of one kind say nothing new. */
const TOLD = 5

function several(items: readonly unknown[]): string {
  const more = items.length > TOLD ? [`${items.length - TOLD} more`] : []
  return [...items.slice(0, TOLD).map(shown), ...more].join(', ')
}

/** A file by its name and the beginning of its hash, a cost profile by its name, all else as it is. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { name, hash } = value as { name?: unknown; hash?: unknown }
  if (typeof name !== 'string') return JSON.stringify(value)
  return typeof hash === 'string' ? `${name} (${hash.slice(0, 8)})` : name
}
