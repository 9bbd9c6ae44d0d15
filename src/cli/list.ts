/** list: what exists, as a table to read or as JSON. */
import { unknown } from '../params/closest.ts'
import type { PolicyDefinition } from '../policy/api.ts'
import type { Workload } from '../workload/api.ts'
import { print } from './shell/streams.ts'
import {
  addFlags,
  type Command,
  type FlagTable,
  readFlags,
  refuseFlags,
} from './words/flag-table.ts'
import { parseList } from './words/flags.ts'
import { UsageError } from './words/usage-error.ts'

/** One thing that exists; the columns of the table are its keys. */
type Entry = Readonly<Record<string, unknown>> & { readonly name: string }

/** Files of one's own that are listed with what comes with the program. */
interface Own {
  readonly policies: readonly PolicyDefinition[]
  readonly workloads: readonly Workload[]
}

const LISTS: Readonly<Record<string, (own: Own) => Promise<readonly Entry[]>>> = {
  policies: async (own) => {
    const { POLICIES } = await import('../../policies/index.ts')
    const all = [...POLICIES, ...own.policies]
    return all.map(({ name, era, summary }) => ({ name, era, what: summary }))
  },
  workloads: async (own) => {
    const { WORKLOADS } = await import('../../workloads/index.ts')
    return [...WORKLOADS, ...own.workloads].map(({ name, inQuickRun, summary }) => ({
      ...{ name, quick: inQuickRun ? 'quick' : '', what: summary },
    }))
  },
  metrics: async () => {
    const { METRICS } = await import('../metrics/schema.ts')
    return METRICS.map(({ id, unit, better, what }) => ({ name: id, unit, better, what }))
  },
  params: async (own) => {
    const { POLICIES } = await import('../../policies/index.ts')
    const { WORKLOADS } = await import('../../workloads/index.ts')
    const { formatValue, rangeOf } = await import('../params/params.ts')
    const { NOISE_PARAMS } = await import('../sim/noise.ts')
    const machine = { name: 'machine', params: NOISE_PARAMS }
    const owners = [...POLICIES, ...own.policies, ...WORKLOADS, ...own.workloads, machine]
    return owners.flatMap((owner) =>
      Object.entries(owner.params).map(([name, param]) => ({
        ...{ name, of: owner.name, default: formatValue(param.default) },
        ...{ range: rangeOf(param), what: param.what },
      })),
    )
  },
  charts: async () => {
    const { CHARTS } = await import('../report/charts.ts')
    return CHARTS.map(({ id, what }) => ({ name: id, what }))
  },
  importers: async () => {
    const { IMPORTERS } = await import('../load/import/index.ts')
    return IMPORTERS.map(({ name, what }) => ({ name, what }))
  },
  kernels: async () => {
    const { KERNELS } = await import('../sim/kernels.ts')
    const { formatValues } = await import('../params/params.ts')
    return KERNELS.map(({ name, policy, params, era, what }) => ({
      ...{ name, policy, params: formatValues(params), era, what },
    }))
  },
}

/** The flags whose files a list shows; it has no use for the others. */
const SHOWS: Readonly<Record<string, readonly ('policy' | 'workload')[]>> = {
  policies: ['policy'],
  workloads: ['workload'],
  params: ['policy', 'workload'],
}

const FLAGS = {
  policy: { kind: 'texts', value: 'FILE', what: 'policy files to list as well' },
  workload: { kind: 'texts', value: 'FILE', what: 'workload files to list as well' },
  json: { kind: 'switch', what: 'as a JSON array of objects' },
} as const satisfies FlagTable

export const listCommand: Command = {
  flags: FLAGS,
  subcommands: Object.keys(LISTS),
  constant: Object.keys(LISTS).flatMap((name) => [[name], [name, '--json']]),
  command: 'list <what>',
  describe: `what exists: ${Object.keys(LISTS).join(', ')}`,
  builder: (yargs) =>
    addFlags(yargs, FLAGS)
      .positional('what', { type: 'string', describe: Object.keys(LISTS).join(', ') })
      .example('$0 list policies', 'in historical order')
      .example('$0 list params --json', 'who has which parameter, with its range')
      .example('$0 list params --policy ./my-rule.ts', 'and those that a file declares'),
  handler: async (argv) => {
    const what = String(argv['what'])
    const flags = readFlags(argv, FLAGS)
    const { json, policy, workload } = flags
    const list = Object.hasOwn(LISTS, what) ? LISTS[what] : undefined
    if (list === undefined) throw new UsageError(unknown('list', what, Object.keys(LISTS)))
    const unfit = (['policy', 'workload'] as const).filter((flag) => !SHOWS[what]?.includes(flag))
    refuseFlags(flags, unfit, `with ${what}: its files add nothing to them`)
    const entries = await list(await ownFiles(policy ?? [], workload ?? []))
    print(json ? JSON.stringify(entries, null, 2) : table(entries))
  },
}

async function ownFiles(policies: readonly string[], workloads: readonly string[]): Promise<Own> {
  if (policies.length + workloads.length === 0) return { policies: [], workloads: [] }
  const { loadPolicy } = await import('../load/policies.ts')
  const { loadWorkload } = await import('../load/workloads.ts')
  return {
    policies: await ownOf(parseList('policy', policies), loadPolicy),
    workloads: await ownOf(parseList('workload', workloads), loadWorkload),
  }
}

/** Those that come from a file: a name is listed anyway. */
async function ownOf<D>(
  named: readonly string[],
  load: (name: string) => Promise<{ readonly definition: D; readonly file?: unknown }>,
): Promise<D[]> {
  const loaded = await Promise.all(named.map(load))
  return loaded.filter(({ file }) => file !== undefined).map(({ definition }) => definition)
}

/** Aligned columns; the last one is as long as it is. */
function table(entries: readonly Entry[]): string {
  const columns = Object.keys(entries[0] ?? {})
  const lines = [columns, ...entries.map((entry) => columns.map((column) => String(entry[column])))]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
