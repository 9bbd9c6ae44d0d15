/** compare: two runs, or two policies of one run, cell by cell on the same traces. */
import {
  type Difference,
  differencesOf,
  type Pairing,
  pairPolicies,
  pairRuns,
} from '../metrics/paired.ts'
import { paramsOf, type Row } from '../metrics/row.ts'
import type { MetricId } from '../metrics/schema.ts'
import { unknown } from '../params/closest.ts'
import { isChangeLimit, parseChangeLimit } from './compare/change-limit.ts'
import { groupNames } from './compare/names.ts'
import { POLICIES, RUNS, type Side, whyNoPartner } from './compare/partners.ts'
import { counted, print, say } from './shell/streams.ts'
import { failures, parseFailOn } from './words/fail-on.ts'
import { addFlags, type Command, type FlagTable, readFlags } from './words/flag-table.ts'
import { parseList, parseVariant } from './words/flags.ts'
import { metricsNamed } from './words/metric-names.ts'
import { UsageError } from './words/usage-error.ts'

const FLAGS = {
  policy: { kind: 'texts', value: 'A,B', what: 'compare these policies only' },
  kernel: { kind: 'texts', value: 'A,B', what: 'compare these kernels only' },
  against: {
    kind: 'text',
    value: 'NAME',
    what: 'a policy or kernel of the same run, instead of BASE',
  },
  metric: { kind: 'texts', value: 'A,B', what: 'metrics to compare' },
  'fail-on': {
    kind: 'texts',
    value: 'EXPR',
    what: "fail on a change ('copies:+5%') or a row ('violations>0')",
  },
  json: { kind: 'switch', what: 'as a JSON array' },
} as const satisfies FlagTable

const USUAL: readonly MetricId[] = [
  'copies',
  'spurious_copies',
  'violations',
  'peak_frames',
  'total_ns',
]

export const compareCommand: Command = {
  flags: FLAGS,
  command: 'compare <base> [new]',
  describe: 'paired differences of two runs, or of two policies in one',
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('base', { type: 'string', describe: 'results directory to compare with' })
      .positional('new', { type: 'string', describe: 'results directory to judge' })
      .example('$0 compare results/before results/after', 'the same cells of two runs')
      .example('$0 compare results/quick --policy page-count --against mm-id', 'two policies')
      .example('$0 compare DIR --policy P:limit=2 --against P:limit=1', 'two values of a parameter')
      .example("$0 compare a b --fail-on 'copies:+5%'", 'exit code 4 if copies grew by more')
      .epilogue(
        'better, worse: the 95 % interval of the differences over the seeds leaves out 0 (of one seed: they differ). Exit codes: 2 --fail-on with nothing to compare; 3 a --fail-on condition about violations holds, 4 another one.',
      ),
  handler: async (argv) => {
    const flags = readFlags(argv, FLAGS)
    const chosen = parseList('policy', [...(flags.policy ?? []), ...(flags.kernel ?? [])])
    const limits = parseList('fail-on', flags['fail-on'] ?? [])
    const conditions = parseFailOn(limits.filter((text) => !isChangeLimit(text)))
    const changes = limits.filter(isChangeLimit).map(parseChangeLimit)
    const named = metricsNamed(parseList('metric', flags.metric ?? []))
    const metrics = named.length === 0 ? USUAL : named
    const { readRows } = await import('../results/rows.ts')

    const sideOf = (dir: string): Side => ({ name: dir, rows: readRows(dir) })
    const base = sideOf(String(argv['base']))
    const other = argv['new'] === undefined ? undefined : sideOf(String(argv['new']))
    const { pairing, judged, alone } = pairingOf(base, other, chosen, flags.against)
    if (alone !== undefined && limits.length > 0) {
      // A gate that nothing went through must not stand open.
      throw new UsageError(`missing rows for --fail-on: nothing to compare, ${alone}`)
    }
    const shown = differencesOf(pairing.groups, metrics)
    print(flags.json ? JSON.stringify(shown.map(jsonOf), null, 2) : table(shown))
    if (pairing.unpaired > 0) {
      const why = alone === undefined ? '' : `: ${alone}`
      say(`${counted(pairing.unpaired, 'row')} without a partner left out${why}`)
    }

    const measured = differencesOf(
      pairing.groups,
      changes.map(({ metric }) => metric),
    )
    const tooMuch = changes.flatMap(({ text, metric, exceeded }) =>
      measured.filter((d) => d.metric === metric && exceeded(d)).map((d) => ({ text, d })),
    )
    const names = groupNames(pairing.groups)
    for (const { text, d } of tooMuch) say(`fail-on: ${text}: ${names.get(d.group)}: ${change(d)}`)
    const found = failures(conditions, judged)
    for (const { condition, rows } of found)
      say(`fail-on: ${condition.text} in ${counted(rows.length, 'row')}`)
    if (found.some(({ condition }) => condition.correctness)) process.exitCode = 3
    else if (found.length > 0 || tooMuch.length > 0) process.exitCode = 4
  },
}

interface Paired {
  readonly pairing: Pairing
  /** What conditions on rows are about. */
  readonly judged: readonly Row[]
  /** Why there is no pair at all. */
  readonly alone: string | undefined
}

function pairingOf(
  base: Side,
  other: Side | undefined,
  chosen: readonly string[],
  against: string | undefined,
): Paired {
  const only = ({ rows }: Side): readonly Row[] =>
    chosen.length === 0 ? rows : chosen.flatMap((name) => rowsOf(name, rows))
  if (other !== undefined) {
    if (against !== undefined) throw new UsageError('invalid --against: two directories are given')
    const [compared, judged] = [
      { ...base, rows: only(base) },
      { ...other, rows: only(other) },
    ]
    return paired(pairRuns(compared.rows, judged.rows), compared, judged, RUNS)
  }
  if (against === undefined || chosen.length === 0) {
    throw new UsageError(
      'missing directory: expected BASE NEW, or DIR --policy NAME --against NAME',
    )
  }
  const compared = { name: against, rows: rowsOf(against, base.rows) }
  const judged = { name: chosen.join(), rows: only(base) }
  return paired(pairPolicies(compared.rows, judged.rows), compared, judged, POLICIES)
}

function paired(pairing: Pairing, base: Side, next: Side, facets: typeof RUNS): Paired {
  const alone = pairing.groups.length > 0 ? undefined : whyNoPartner(base, next, facets)
  return { pairing, judged: next.rows, alone }
}

/** The rows of a policy, or of a kernel that a policy stood for, with the parameters that were named with it. */
function rowsOf(text: string, rows: readonly Row[]): Row[] {
  const { name, params } = parseVariant(text)
  const namesOf = (row: Row): string[] => [row.policy, paramsOf(row).get('kernel') ?? row.policy]
  let found = rows.filter((row) => namesOf(row).includes(name))
  if (found.length === 0) {
    throw new UsageError(unknown('policy', name, [...new Set(rows.flatMap(namesOf))]))
  }
  for (const [param, value] of params) {
    const values = [...new Set(found.flatMap((row) => paramsOf(row).get(param) ?? []))]
    if (values.length === 0) {
      const known = [...new Set(found.flatMap((row) => [...paramsOf(row).keys()]))]
      throw new UsageError(unknown(`parameter of ${name}`, param, known.sort()))
    }
    if (!values.includes(value)) {
      throw new UsageError(`invalid ${param}: ${value}; expected ${values.join(' or ')}`)
    }
    found = found.filter((row) => paramsOf(row).get(param) === value)
  }
  return found
}

/** Under each cell that changed, the metrics that did; what did not change is counted. */
function table(differences: readonly Difference[]): string {
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
function change({ base, next, relative, difference: { low, high }, effect }: Difference): string {
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

function jsonOf({ group, difference, ...rest }: Difference): Record<string, unknown> {
  const { policy, workload, params } = group
  const { n, mean, low, high } = difference
  return { policy, workload, params, seeds: n, difference: mean, low, high, ...rest }
}
