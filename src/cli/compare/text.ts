/** text: what changed, as lines to read and as JSON. */
import type { Difference } from '../../metrics/paired.ts'
import { counted } from '../shell/streams.ts'
import { groupNames } from './names.ts'

/** Under each cell that changed, the metrics that did; what did not change is counted. */
export function table(differences: readonly Difference[]): string {
  const changed = differences.filter(({ verdict }) => verdict !== 'no change')
  const groups = [...new Set(changed.map(({ group }) => group))]
  // Of those that changed nothing too: a sweep of which one value matters is a sweep.
  const names = groupNames([...new Set(differences.map(({ group }) => group))])
  const width = Math.max(0, ...changed.map(({ metric }) => metric.length))
  const sections = groups.map((group) => {
    const lines = changed.filter((d) => d.group === group)
    return [
      names.get(group),
      ...lines.map((d) => `  ${d.metric.padEnd(width)}  ${d.verdict}: ${change(d)}`),
      '',
    ].join('\n')
  })
  const verdicts = new Map<string, number>()
  for (const { verdict } of differences) verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
  const counts = [...verdicts].map(([verdict, n]) => `${n} ${verdict}`)
  const total = counted(differences.length, 'comparison')
  return [...sections, counts.length > 0 ? `${total}: ${counts.join(', ')}` : total].join('\n')
}

/** `1000 -> 950 (-5.0 %, -60 to -40, d -2.1)`: means, relative change, interval of the difference, effect size. */
export function change({
  base,
  next,
  relative,
  difference: { low, high },
  effect,
}: Difference): string {
  const facts = [
    ...(relative === undefined ? [] : [`${signed(100 * relative, 1)} %`]),
    ...(low === undefined || high === undefined ? [] : [`${signed(low, 1)} to ${signed(high, 1)}`]),
    ...(effect === undefined ? [] : [`d ${effect.toFixed(1)}`]),
  ]
  return `${tenths(base)} -> ${tenths(next)}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`
}

function tenths(value: number): string {
  return String(Math.round(10 * value) / 10)
}

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits)
  return value > 0 ? `+${text}` : text
}

export function jsonOf({ group, difference, ...rest }: Difference): Record<string, unknown> {
  const { policy, workload, params } = group
  const { n, mean, low, high } = difference
  return { policy, workload, params, seeds: n, difference: mean, low, high, ...rest }
}
