/** exceptions: reviewed disagreements with a recorded kernel; workloads/litmus/exceptions.json documents the format. */
import { objectIn, parseJson, textIn } from './json.ts'
import type { LruState } from './truth.ts'

export interface ReviewedException {
  readonly kernel: string
  readonly test: string
  readonly state: LruState
  readonly n: number
  /** What the model shows. */
  readonly got: string
  readonly why: string
}

/** Reads an exceptions file. Throws RangeError `invalid exceptions file: ...` for anything else. */
export function parseExceptions(text: string, fileName: string): ReviewedException[] {
  const fail = (what: string): never => {
    throw new RangeError(`invalid exceptions file: ${fileName}: ${what}`)
  }
  const list = objectIn(parseJson(text, fail))?.['exceptions']
  if (!Array.isArray(list)) return fail('missing exceptions')
  return list.map((entry: unknown, i) => exceptionIn(entry) ?? fail(`exception ${i + 1}`))
}

function exceptionIn(entry: unknown): ReviewedException | undefined {
  const record = objectIn(entry)
  const kernel = textIn(record?.['kernel'])
  const test = textIn(record?.['test'])
  const state = textIn(record?.['state'])
  const got = textIn(record?.['got'])
  const why = textIn(record?.['why'])
  const n = record?.['n']
  if (kernel === undefined || test === undefined || got === undefined) return undefined
  if (state !== 'natural' && state !== 'drained') return undefined
  if (typeof n !== 'number' || why === undefined || why === '') return undefined
  return { kernel, test, state, n, got, why }
}
