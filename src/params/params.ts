/**
 * Typed parameters of policies and workloads: declared once, and from that declaration parsed, ranged, listed, put
 * into help texts and written into manifests. A leaf: imports nothing.
 */

/** A whole number from `min` to `max`. */
export interface IntParam {
  readonly type: 'int'
  readonly default: number
  readonly min: number
  readonly max: number
  readonly what: string
}

/** One of `choices`. */
export interface ChoiceParam<T extends string = string> {
  readonly type: 'choice'
  readonly default: T
  readonly choices: readonly T[]
  readonly what: string
}

/** Yes or no. */
export interface FlagParam {
  readonly type: 'flag'
  readonly default: boolean
  readonly what: string
}

/** A parameter as it is declared: its default, its range, and what it means. */
export type Param = IntParam | ChoiceParam | FlagParam
/** Parameters by name. */
export type Params = Readonly<Record<string, Param>>

/** What a parameter of that type is set to. */
export type ValueOf<P extends Param> = P extends IntParam
  ? number
  : P extends ChoiceParam<infer T>
    ? T
    : boolean
/** The values of declared parameters, by name, each of its own type. */
export type Values<S extends Params> = { readonly [K in keyof S]: ValueOf<S[K]> }
/** A value of whatever type. */
export type ParamValue = number | string | boolean

/** A whole number from `min` to `max`, both included; `value` is the default, `what` a line for help. */
export function int(value: number, min: number, max: number, what: string): IntParam {
  return { type: 'int', default: value, min, max, what }
}

/** One of `choices`; `value` is the default. */
export function choice<const T extends string>(
  value: NoInfer<T>,
  choices: readonly T[],
  what: string,
): ChoiceParam<T> {
  return { type: 'choice', default: value, choices, what }
}

/** `yes` or `no` on the command line; `value` is the default. */
export function flag(value: boolean, what: string): FlagParam {
  return { type: 'flag', default: value, what }
}

/** The default of each. */
export function defaults<S extends Params>(params: S): Values<S> {
  return Object.fromEntries(
    Object.entries(params).map(([name, p]) => [name, p.default]),
  ) as Values<S>
}

/** What a valid value looks like, for help and errors: `a whole number from 0 to 9`, `get or pin`, `yes or no`. */
export function rangeOf(param: Param): string {
  switch (param.type) {
    case 'int':
      return `a whole number from ${param.min} to ${param.max}`
    case 'choice':
      return param.choices.join(' or ')
    case 'flag':
      return 'yes or no'
  }
}

/** Parses `text` as the command line gives it. Throws RangeError `invalid <name>: <text>; expected <range>`. */
export function parseParam(name: string, param: Param, text: string): ParamValue {
  const parsed = parse(param, text)
  if (parsed === undefined)
    throw new RangeError(`invalid ${name}: ${text}; expected ${rangeOf(param)}`)
  return parsed
}

function parse(param: Param, text: string): ParamValue | undefined {
  switch (param.type) {
    case 'int': {
      const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
      return value >= param.min && value <= param.max ? value : undefined
    }
    case 'choice':
      return param.choices.includes(text) ? text : undefined
    case 'flag':
      return text === 'yes' ? true : text === 'no' ? false : undefined
  }
}

/** `name=value` joined by `;`, sorted by name, as in the `params` column; flags as yes and no. */
export function formatValues(values: Readonly<Record<string, ParamValue>>): string {
  return Object.keys(values)
    .sort()
    .map((name) => `${name}=${formatValue(values[name] as ParamValue)}`)
    .join(';')
}

/** As the command line takes it. */
export function formatValue(value: ParamValue): string {
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
}
