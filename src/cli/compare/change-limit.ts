/** change-limit: how much worse a comparison may get before it fails, such as `copies:+5%`. */
import type { Difference } from '../../metrics/paired.ts'
import { METRICS, type MetricId } from '../../metrics/schema.ts'
import { unknown } from '../../params/closest.ts'
import { UsageError } from '../words/usage-error.ts'

export interface ChangeLimit {
  readonly text: string
  readonly metric: MetricId
  /** Is the difference beyond the limit, and more than noise? */
  readonly exceeded: (difference: Difference) => boolean
}

/** Is it a limit on a change, and not a condition on rows? */
export function isChangeLimit(text: string): boolean {
  return text.includes(':')
}

/** `metric:+N%`, `metric:-N%`, or without `%` in the metric's own unit. */
export function parseChangeLimit(text: string): ChangeLimit {
  const match = /^([a-z0-9_]+):([+-])([0-9]+(?:\.[0-9]+)?)(%?)$/.exec(text)
  const [, name = '', sign, number, percent] = match ?? []
  if (match === null) {
    throw new UsageError(`invalid --fail-on: ${text}; expected a limit such as copies:+5%`)
  }
  const ids = METRICS.map(({ id }) => id)
  const metric = ids.find((id) => id === name)
  if (metric === undefined) throw new UsageError(unknown('metric', name, ids))
  const limit = Number(number)
  return {
    ...{ text, metric },
    exceeded: ({ verdict, difference, relative = Number.POSITIVE_INFINITY }) => {
      if (verdict === 'no change' || verdict === 'within noise') return false
      const grown = sign === '+' ? difference.mean : -difference.mean
      return grown > 0 && (percent === '%' ? 100 * Math.abs(relative) : grown) > limit
    },
  }
}
