/** judge: a comparison from its flags to what is printed, and whether anything got worse than it may. */
import { differencesOf, type Pairing } from '../../metrics/paired.ts'
import type { MetricId } from '../../metrics/schema.ts'
import { readRows } from '../../results/rows.ts'
import { counted, print, say } from '../shell/streams.ts'
import { failures, parseFailOn } from '../words/fail-on.ts'
import { parseList } from '../words/flags.ts'
import { metricsNamed } from '../words/metric-names.ts'
import { UsageError } from '../words/usage-error.ts'
import { type ChangeLimit, isChangeLimit, parseChangeLimit } from './change-limit.ts'
import { differentCosts, isEstimated } from './costs.ts'
import type { CompareFlags } from './flags.ts'
import { groupNames } from './names.ts'
import { pairingOf } from './pairs.ts'
import type { Side } from './partners.ts'
import { change, jsonOf, table } from './text.ts'

const USUAL: readonly MetricId[] = [
  'copies',
  'spurious_copies',
  'violations',
  'peak_frames',
  'total_ns',
]

/** Compares `next` with `base`, or policies of `base`; returns 0, or 3 or 4 where a condition of --fail-on holds. */
export function compareResults(
  base: string,
  next: string | undefined,
  flags: CompareFlags,
): number {
  const chosen = parseList('policy', [...(flags.policy ?? []), ...(flags.kernel ?? [])])
  const limits = parseList('fail-on', flags['fail-on'] ?? [])
  const conditions = parseFailOn(limits.filter((text) => !isChangeLimit(text)))
  const changes = limits.filter(isChangeLimit).map(parseChangeLimit)
  const named = metricsNamed(parseList('metric', flags.metric ?? []))

  const other = next === undefined ? undefined : sideOf(next)
  const { pairing, judged, alone } = pairingOf(sideOf(base), other, chosen, flags.against)
  if (alone !== undefined && limits.length > 0) {
    // A gate that nothing went through must not stand open.
    throw new UsageError(`missing rows for --fail-on: nothing to compare, ${alone}`)
  }
  const metrics = named.length === 0 ? USUAL : named
  const costs = next === undefined ? undefined : differentCosts(base, next)
  const gate = [...changes, ...conditions].find(({ metric }) => isEstimated(metric))
  if (costs !== undefined && gate !== undefined) {
    throw new UsageError(
      `unsupported --fail-on: ${gate.text}; the times are of different cost profiles: ${costs}`,
    )
  }
  const shown = differencesOf(pairing.groups, metrics)
  print(flags.json ? JSON.stringify(shown.map(jsonOf), null, 2) : table(shown))
  if (pairing.unpaired > 0) {
    const why = alone === undefined ? '' : `: ${alone}`
    say(`${counted(pairing.unpaired, 'row')} without a partner left out${why}`)
  }
  if (costs !== undefined && shown.some(({ metric }) => isEstimated(metric))) {
    say(`warning: times of different cost profiles are compared: ${costs}`)
  }
  const tooMuch = tellTooMuch(changes, pairing)
  const found = failures(conditions, judged)
  for (const { condition, rows } of found)
    say(`fail-on: ${condition.text} in ${counted(rows.length, 'row')}`)
  if (found.some(({ condition }) => condition.correctness)) return 3
  return found.length > 0 || tooMuch ? 4 : 0
}

function sideOf(dir: string): Side {
  return { name: dir, rows: readRows(dir) }
}

/** Says what changed by more than it may; false if nothing did. */
function tellTooMuch(changes: readonly ChangeLimit[], { groups }: Pairing): boolean {
  const measured = differencesOf(
    groups,
    changes.map(({ metric }) => metric),
  )
  const tooMuch = changes.flatMap(({ text, metric, exceeded }) =>
    measured.filter((d) => d.metric === metric && exceeded(d)).map((d) => ({ text, d })),
  )
  const names = groupNames(groups)
  for (const { text, d } of tooMuch) say(`fail-on: ${text}: ${names.get(d.group)}: ${change(d)}`)
  return tooMuch.length > 0
}
