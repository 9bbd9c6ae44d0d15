/** flags: what the texts of the flags mean, each refused in one line if it means nothing. */
import { UsageError } from './usage-error.ts'

/** `a,b` of every repetition, as one list. */
export function parseList(flag: string, texts: readonly string[]): string[] {
  const items = texts.flatMap((text) => text.split(',')).map((item) => item.trim())
  if (items.includes(''))
    throw new UsageError(`invalid --${flag}: ${texts.join(',')}; expected a,b`)
  const twice = items.find((item, index) => items.indexOf(item) !== index)
  if (twice !== undefined) throw new UsageError(`invalid --${flag}: ${twice} is named twice`)
  return items
}

export function parseWhole(flag: string, text: string, min: number, max: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`invalid --${flag}: ${text}; expected a whole number from ${min} to ${max}`)
}

/** `name=value`, repeated. */
export function parseParams(texts: readonly string[]): Map<string, string> {
  const params = new Map<string, string>()
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (name === undefined || value === undefined) {
      throw new UsageError(`invalid --param: ${text}; expected name=value`)
    }
    if (params.has(name)) throw new UsageError(`invalid --param: ${name} is set twice`)
    params.set(name, value)
  }
  return params
}

/** `NAME:PARAM=VALUE...`, a policy or kernel with parameters: what it is called, and the parameters by name. */
export function parseVariant(text: string): { name: string; params: Map<string, string> } {
  const [name = '', ...params] = text.split(/:(?=[^:=/]+=)/)
  return { name, params: parseParams(params) }
}

/** More values than this in one sweep are a typing mistake. */
const MOST_VALUES = 10_000

/** `name=v1,v2` or `name=lo..hi:step`, repeated; both ends of a range belong to it, and step is 1 if left out. */
export function parseSweeps(texts: readonly string[]): Map<string, string[]> {
  const sweeps = new Map<string, string[]>()
  for (const text of texts) {
    const [, name, values] = /^([^=]+)=(.+)$/.exec(text) ?? []
    if (name === undefined || values === undefined) throw invalidSweep(text)
    if (sweeps.has(name)) throw new UsageError(`invalid --sweep: ${name} is swept twice`)
    sweeps.set(name, values.includes('..') ? range(text, values) : list(text, values))
  }
  return sweeps
}

function list(text: string, values: string): string[] {
  const items = values.split(',')
  if (items.includes('')) throw invalidSweep(text)
  return items
}

function range(text: string, values: string): string[] {
  const match = /^([0-9]+)\.\.([0-9]+)(?::([0-9]+))?$/.exec(values)
  if (match === null) throw invalidSweep(text)
  const [lo, hi, step] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 1)]
  if (step === 0 || lo > hi) throw invalidSweep(text)
  const count = Math.floor((hi - lo) / step) + 1
  if (count > MOST_VALUES) {
    throw new UsageError(
      `invalid --sweep: ${text} has ${count} values; expected at most ${MOST_VALUES}`,
    )
  }
  return Array.from({ length: count }, (_, i) => String(lo + i * step))
}

function invalidSweep(text: string): UsageError {
  return new UsageError(`invalid --sweep: ${text}; expected name=v1,v2 or name=lo..hi:step`)
}

export interface Shard {
  /** From 1. */
  readonly i: number
  readonly n: number
}

export function parseShard(text: string): Shard {
  const [, i = 0, n = 0] = (/^([0-9]+)\/([0-9]+)$/.exec(text) ?? []).map(Number)
  if (i < 1 || i > n) {
    throw new UsageError(`invalid --shard: ${text}; expected i/n with i from 1 to n, such as 1/4`)
  }
  return { i, n }
}

/** The name of a results directory: one folder, not a path. */
export function parseName(text: string): string {
  if (/^[^/\\]+$/.test(text) && !/^\.\.?$/.test(text)) return text
  throw new UsageError(`invalid --name: ${text}; expected the name of a folder (see also --out)`)
}
