/** options: what `run` was asked to do, from its flags and its configuration file. */
import { availableParallelism } from 'node:os'
import { readText } from '../../files/read-text.ts'
import {
  COST_PROFILES,
  type CostProfile,
  DEFAULT_COST,
  parseCostProfile,
  profileNamed,
} from '../../metrics/cost.ts'
import { unknown } from '../../params/closest.ts'
import type { IfExists } from '../../results/directory.ts'
import { type Condition, parseFailOn } from '../words/fail-on.ts'
import { type FlagTable, type FlagValues, refuseFlags } from '../words/flag-table.ts'
import {
  parseList,
  parseName,
  parseParams,
  parseShard,
  parseSweeps,
  parseWhole,
  type Shard,
} from '../words/flags.ts'
import { cellSeconds } from '../words/patience.ts'
import { UsageError } from '../words/usage-error.ts'

export const RUN_FLAGS = {
  policy: { kind: 'texts', value: 'A,B', what: 'policies: NAME, FILE or NAME:PARAM=VALUE [all]' },
  kernel: { kind: 'texts', value: 'A,B', what: 'policies as these kernels had them' },
  workload: { kind: 'texts', value: 'X,Y', what: 'workloads, by name or file' },
  trace: { kind: 'texts', value: 'FILE', what: 'a recorded trace as a workload' },
  param: { kind: 'texts', value: 'NAME=VALUE', what: 'set a parameter' },
  sweep: { kind: 'texts', value: 'NAME=V1,V2 or NAME=LO..HI:STEP', what: 'run every value' },
  seeds: { kind: 'text', value: 'N', what: 'seeds 1 to N [1]' },
  seed: { kind: 'text', value: 'S', what: 'this one seed' },
  quick: { kind: 'switch', what: 'everything, small: all policies, all workloads, one seed' },
  jobs: { kind: 'text', value: 'N', what: 'threads [one for each CPU]' },
  name: { kind: 'text', value: 'NAME', what: 'folder of the results [made of the plan]' },
  out: { kind: 'text', value: 'DIR', what: 'where that folder is [results]' },
  overwrite: { kind: 'switch', what: 'replace earlier results of that name' },
  resume: { kind: 'switch', what: 'keep finished cells of that name and run the others' },
  report: { kind: 'switch', what: 'also draw the charts and write report.html' },
  shard: { kind: 'text', value: 'I/N', what: 'run one of N parts (see merge)' },
  'dry-run': { kind: 'switch', what: 'print the cells and run none' },
  'fail-on': { kind: 'texts', value: 'EXPR', what: "fail if it holds somewhere: 'violations>0'" },
  cost: { kind: 'text', value: 'NAME or FILE', what: `cost profile [${DEFAULT_COST}]` },
  oracle: { kind: 'text', value: 'epoch or eager', what: 'check what changed, or every access' },
  check: { kind: 'switch', what: "check the simulator's own invariants as well (slow)" },
  timeout: {
    kind: 'text',
    value: 'SECONDS',
    what: 'a cell that takes longer, or a trace for it, has failed [600]',
  },
  json: { kind: 'switch', what: 'a line of JSON for every row, in place of the table' },
  config: { kind: 'text', value: 'FILE', what: 'JSON with these names as keys; flags win' },
} as const satisfies FlagTable

export type RunFlags = FlagValues<typeof RUN_FLAGS>

export interface RunOptions {
  readonly policies: readonly string[]
  readonly kernels: readonly string[]
  readonly workloads: readonly string[]
  readonly traces: readonly string[]
  readonly params: ReadonlyMap<string, string>
  readonly sweeps: ReadonlyMap<string, readonly string[]>
  readonly seeds: readonly number[]
  readonly quick: boolean
  readonly jobs: number
  readonly name: string | undefined
  readonly out: string
  readonly ifExists: IfExists
  readonly report: boolean
  readonly shard: Shard
  readonly dryRun: boolean
  readonly failOn: readonly Condition[]
  readonly costName: string
  readonly cost: CostProfile
  readonly oracle: 'epoch' | 'eager'
  readonly check: boolean
  readonly timeoutSeconds: number
  /** Rows instead of a table. */
  readonly json: boolean
}

const MOST_JOBS = 256
const MOST_SEEDS = 100_000

export function runOptions(given: RunFlags): RunOptions {
  const flags = withConfig(given, RUN_FLAGS)
  if (flags.overwrite && flags.resume) {
    throw new UsageError('invalid --resume: with --overwrite nothing is left to resume')
  }
  if (flags.quick)
    refuseFlags(flags, ['workload', 'trace'], 'with --quick: it has a set of its own')
  const { name, out, oracle } = flags
  if (oracle !== undefined && oracle !== 'epoch' && oracle !== 'eager') {
    throw new UsageError(unknown('oracle', oracle, ['epoch', 'eager']))
  }
  const costName = flags.cost ?? DEFAULT_COST
  return {
    policies: parseList('policy', flags.policy ?? []),
    kernels: parseList('kernel', flags.kernel ?? []),
    workloads: parseList('workload', flags.workload ?? []),
    traces: flags.trace ?? [],
    params: parseParams(flags.param ?? []),
    sweeps: parseSweeps(flags.sweep ?? []),
    seeds: seedsOf(flags),
    quick: flags.quick ?? false,
    jobs: whole('jobs', flags.jobs, 1, MOST_JOBS) ?? availableParallelism(),
    name: name === undefined ? undefined : parseName(name),
    out: out ?? 'results',
    ifExists: flags.overwrite ? 'overwrite' : flags.resume ? 'resume' : 'refuse',
    report: flags.report ?? false,
    shard: flags.shard === undefined ? { i: 1, n: 1 } : parseShard(flags.shard),
    dryRun: flags['dry-run'] ?? false,
    failOn: parseFailOn(flags['fail-on'] ?? []),
    costName,
    cost: costOf(costName),
    oracle: oracle ?? 'epoch',
    check: flags.check ?? false,
    timeoutSeconds: cellSeconds(flags.timeout),
    json: flags.json ?? false,
  }
}

/** A whole number, if one was given. */
export function whole(
  flag: string,
  text: string | undefined,
  min: number,
  max: number,
): number | undefined {
  return text === undefined ? undefined : parseWhole(flag, text, min, max)
}

function seedsOf({ seed, seeds }: RunFlags): number[] {
  if (seed !== undefined && seeds !== undefined) {
    throw new UsageError('invalid --seed: --seeds is given as well')
  }
  if (seed !== undefined) return [parseWhole('seed', seed, 0, 2 ** 31 - 1)]
  const count = whole('seeds', seeds, 1, MOST_SEEDS) ?? 1
  return Array.from({ length: count }, (_, i) => i + 1)
}

function costOf(nameOrFile: string): CostProfile {
  const profile = profileNamed(nameOrFile)
  if (profile !== undefined) return profile
  if (!/[/\\.]/.test(nameOrFile)) {
    throw new UsageError(unknown('cost profile', nameOrFile, Object.keys(COST_PROFILES)))
  }
  try {
    return parseCostProfile(readJson('cost profile', nameOrFile))
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(`${error.message}; in ${nameOrFile}`) : error
  }
}

function readJson(noun: string, file: string): unknown {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`invalid ${noun}: ${file}: ${(error as Error).message}`)
  }
}

/**
 * What `--config` names, and over it what was given. Keys are names of flags; lists may be written as lists, `param` and
 * `sweep` as objects.
 */
export function withConfig<T extends FlagTable>(given: FlagValues<T>, table: T): FlagValues<T> {
  const file = given['config']
  if (typeof file !== 'string') return given
  const json = readJson('config', file)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new UsageError(`invalid config: ${file}; expected an object with names of flags as keys`)
  }
  const names = Object.keys(table).filter((name) => name !== 'config')
  const values: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(json)) {
    const flag = names.includes(key) ? table[key] : undefined
    if (flag === undefined) throw new UsageError(`${unknown('key', key, names)}; in ${file}`)
    const { kind } = flag
    const read =
      kind === 'switch' ? switchOf(value) : kind === 'text' ? textOf(value) : textsOf(value)
    if (read === undefined) {
      throw new UsageError(
        `invalid ${key}: ${JSON.stringify(value)}; expected ${EXPECTED[kind]}; in ${file}`,
      )
    }
    values[key] = read
  }
  const flags = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [flag] of flags) for (const key of rivalsOf(flag)) delete values[key]
  return { ...values, ...Object.fromEntries(flags) } as FlagValues<T>
}

/** What a flag takes the place of in the configuration. */
function rivalsOf(flag: string): readonly string[] {
  return RIVALS[flag] ?? [flag]
}

const RIVALS: Readonly<Record<string, readonly string[]>> = {
  seed: ['seed', 'seeds'],
  seeds: ['seed', 'seeds'],
  overwrite: ['overwrite', 'resume'],
  resume: ['overwrite', 'resume'],
  quick: ['quick', 'workload', 'trace'],
  workload: ['workload', 'quick'],
  trace: ['trace', 'quick'],
}

const EXPECTED = { switch: 'true or false', text: 'one value', texts: 'a list' }

function switchOf(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function textsOf(value: unknown): string[] | undefined {
  const list =
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([name, v]) => `${name}=${Array.isArray(v) ? v.join(',') : v}`)
      : [value].flat()
  const texts = list.map(textOf)
  return texts.every((text) => text !== undefined) ? texts : undefined
}
