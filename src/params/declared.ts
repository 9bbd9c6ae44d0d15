/**
 * declared: what a declaration must look like before anything is made of it, refused in one line. TypeScript says the
 * same sooner, to whoever asks it.
 */
import { unknown } from './closest.ts'
import { formatValue, type Params, parseParam, rangeOf } from './params.ts'

type Kind = 'string' | 'function' | 'object' | 'array' | 'number' | 'boolean'

/** Keys of a declaration and what they hold; those that end in `?` may be left out. */
export type Shape = Readonly<Record<string, Kind>>

/** Throws RangeError `missing|unknown|invalid key: ...`. */
export function expectShape(given: unknown, shape: Shape): void {
  if (kindOf(given) !== 'object') {
    throw new RangeError(`invalid declaration: ${kindOf(given)}; expected an object`)
  }
  const values = given as Readonly<Record<string, unknown>>
  const names = Object.keys(shape).map((key) => key.replace('?', ''))
  refuseUnknown('key', Object.keys(values), names)
  for (const [key, kind] of Object.entries(shape)) {
    const name = key.replace('?', '')
    const value = values[name]
    if (value === undefined && key.endsWith('?')) continue
    if (value === undefined) throw new RangeError(`missing key: ${name}; expected: ${kind}`)
    if (kindOf(value) !== kind) {
      throw new RangeError(`invalid ${name}: ${kindOf(value)}; expected: ${kind}`)
    }
  }
}

/** Names are file names, words of the command line and values in tables. */
export function expectName(noun: string, name: string): void {
  if (/^[a-z][a-z0-9-]*$/.test(name)) return
  throw new RangeError(
    `invalid ${noun} name: ${name}; expected lower case letters, digits and hyphens`,
  )
}

/** Throws RangeError for a parameter whose declaration or default cannot be right. */
export function expectParams(params: Params): void {
  for (const [name, param] of Object.entries(params)) {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) {
      throw new RangeError(`invalid parameter name: ${name}; expected letters and digits`)
    }
    if (!TYPES.includes(param?.type)) {
      throw new RangeError(`invalid parameter: ${name}; expected: int(), choice() or flag()`)
    }
    const text = formatValue(param.default)
    // `yes` for a flag, or 10 given as a string, would pass the parser.
    if (parseParam(name, param, text) !== param.default) {
      throw new RangeError(`invalid ${name}: ${text}; expected ${rangeOf(param)}`)
    }
  }
}

/**
 * The same values; to read one that was never declared throws RangeError `unknown parameter: ...`, where it would be
 * undefined: a loop to undefined ends at once, and nobody notices. Those that are there cost what they did.
 */
export function onlyDeclared<V extends object>(values: V): V {
  const others = new Proxy(Object.prototype, {
    get(target, name, receiver) {
      // What the language itself asks any object for.
      if (typeof name === 'symbol' || name in target || name === 'toJSON') {
        return Reflect.get(target, name, receiver)
      }
      throw new RangeError(unknown('parameter', name, Object.keys(values)))
    },
  })
  return Object.assign(Object.create(others), values)
}

const TYPES: readonly string[] = ['int', 'choice', 'flag']

/** Throws RangeError for the first of `given` that is not one of `known`, with the closest that is. */
export function refuseUnknown(
  noun: string,
  given: readonly string[],
  known: readonly string[],
): void {
  const odd = given.find((name) => !known.includes(name))
  if (odd !== undefined) throw new RangeError(unknown(noun, odd, known))
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
